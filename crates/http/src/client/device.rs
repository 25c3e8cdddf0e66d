//! One's devices (client-server API, section "Device management").

mod delete;
mod delete_many;
mod get;
mod list;
mod update;

use axum::Router;
use pli_accounts::devices::Device;
use ruma::{
    MilliSecondsSinceUnixEpoch, UInt,
    api::client::device::{
        self as api, delete_device, delete_devices, get_device, get_devices, update_device,
    },
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_devices::v3::Request, _, _>(list::list)
        .endpoint::<get_device::v3::Request, _, _>(get::get)
        .endpoint::<update_device::v3::Request, _, _>(update::update)
        .endpoint::<delete_device::v3::Request, _, _>(delete::delete)
        .endpoint::<delete_devices::v3::Request, _, _>(delete_many::delete_many)
}

/// A device as the specification writes it.
fn as_api(device: Device) -> api::Device {
    let mut answer = api::Device::new(device.device_id);
    answer.display_name = device.display_name;
    answer.last_seen_ip = device.last_seen_ip;
    answer.last_seen_ts =
        device.last_seen_ms.map(|ms| MilliSecondsSinceUnixEpoch(UInt::new_saturating(ms)));
    answer
}
