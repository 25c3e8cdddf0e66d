//! Account data (client-server API, section "Client Config").

mod delete_global;
mod delete_room;
mod get_global;
mod get_room;
mod set_global;
mod set_room;

use axum::{Router, routing::delete};
use pli_accounts::Requester;
use ruma::{
    UserId,
    api::client::config::{
        get_global_account_data, get_room_account_data, set_global_account_data,
        set_room_account_data,
    },
};

use crate::{AppState, MatrixError, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<get_global_account_data::v3::Request, _, _>(get_global::get_global)
        .endpoint::<set_global_account_data::v3::Request, _, _>(set_global::set_global)
        .endpoint::<get_room_account_data::v3::Request, _, _>(get_room::get_room)
        .endpoint::<set_room_account_data::v3::Request, _, _>(set_room::set_room)
        .route(
            "/_matrix/client/unstable/org.matrix.msc3391/user/{user_id}/account_data/{event_type}",
            delete(delete_global::delete_global),
        )
        .route(
            "/_matrix/client/unstable/org.matrix.msc3391/user/{user_id}/rooms/{room_id}/\
             account_data/{event_type}",
            delete(delete_room::delete_room),
        )
}

/// Account data is its owner's alone.
fn check_owner(requester: &Requester, user_id: &UserId) -> Result<(), MatrixError> {
    if requester.user_id == user_id {
        return Ok(());
    }
    Err(MatrixError::forbidden("you can only see and change your own account data"))
}

fn not_set() -> MatrixError {
    MatrixError::not_found("there is no account data of this type")
}
