//! One's devices (client-server API, section "Device management").

mod delete;
mod delete_many;
mod get;
mod list;
mod update;

use axum::Router;
use pli_accounts::devices::Device;
use ruma::{
    OwnedDeviceId,
    api::client::device::{delete_device, delete_devices, get_device, get_devices, update_device},
};
use serde::Serialize;

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_devices::v3::Request, _, _>(list::list)
        .endpoint::<get_device::v3::Request, _, _>(get::get)
        .endpoint::<update_device::v3::Request, _, _>(update::update)
        .endpoint::<delete_device::v3::Request, _, _>(delete::delete)
        .endpoint::<delete_devices::v3::Request, _, _>(delete_many::delete_many)
}

/// A device as the specification writes it. Ruma's type says `null` for what there is not.
#[derive(Serialize)]
pub(in crate::client) struct DeviceBody {
    device_id: OwnedDeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_ts: Option<u64>,
}

impl From<Device> for DeviceBody {
    fn from(device: Device) -> Self {
        let Device { device_id, display_name, last_seen_ip, last_seen_ms, .. } = device;
        Self { device_id, display_name, last_seen_ip, last_seen_ts: last_seen_ms }
    }
}
