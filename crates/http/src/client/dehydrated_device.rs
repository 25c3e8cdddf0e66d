//! Dehydrated devices ([MSC3814](https://github.com/matrix-org/matrix-spec-proposals/pull/3814)).

mod delete;
mod events;
mod get;
mod put;

use axum::{Router, routing::get as on_get};
use ruma::api::client::dehydrated_device::{
    delete_dehydrated_device, get_dehydrated_device, get_events, put_dehydrated_device,
};

use crate::{AppState, route::RumaRoutes};

/// Where the messages of such a device are. Ruma knows only how they were asked for before.
const EVENTS: &str =
    "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{device_id}/events";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<put_dehydrated_device::unstable::Request, _, _>(put::put)
        .endpoint_with_unstable::<get_dehydrated_device::unstable::Request, _, _>(get::get)
        .endpoint_with_unstable::<delete_dehydrated_device::unstable::Request, _, _>(delete::delete)
        .endpoint_with_unstable::<get_events::unstable::Request, _, _>(events::events_by_post)
        .route(EVENTS, on_get(events::events))
}
