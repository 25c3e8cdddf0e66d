//! Key backups (client-server API, section "Server-side key backups").

mod create_version;
mod delete_keys;
mod delete_keys_for_room;
mod delete_keys_for_session;
mod delete_version;
mod get_keys;
mod get_keys_for_room;
mod get_keys_for_session;
mod get_latest_version;
mod get_version;
mod put_keys;
mod put_keys_for_room;
mod put_keys_for_session;
mod put_version;
mod stream;
mod version_body;

use axum::Router;
use ruma::api::client::backup::{
    add_backup_keys, add_backup_keys_for_room, add_backup_keys_for_session, create_backup_version,
    delete_backup_keys, delete_backup_keys_for_room, delete_backup_keys_for_session,
    delete_backup_version, get_backup_info, get_backup_keys, get_backup_keys_for_room,
    get_backup_keys_for_session, get_latest_backup_info, update_backup_version,
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new().merge(versions()).merge(keys())
}

fn versions() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<create_backup_version::v3::Request, _, _>(
            create_version::create_version,
        )
        .endpoint_with_unstable::<get_latest_backup_info::v3::Request, _, _>(
            get_latest_version::get_latest_version,
        )
        .endpoint_with_unstable::<get_backup_info::v3::Request, _, _>(get_version::get_version)
        .endpoint_with_unstable::<update_backup_version::v3::Request, _, _>(
            put_version::put_version,
        )
        .endpoint_with_unstable::<delete_backup_version::v3::Request, _, _>(
            delete_version::delete_version,
        )
}

fn keys() -> Router<AppState> {
    Router::new()
        .endpoint_with_unstable::<add_backup_keys::v3::Request, _, _>(put_keys::put_keys)
        .endpoint_with_unstable::<add_backup_keys_for_room::v3::Request, _, _>(
            put_keys_for_room::put_keys_for_room,
        )
        .endpoint_with_unstable::<add_backup_keys_for_session::v3::Request, _, _>(
            put_keys_for_session::put_keys_for_session,
        )
        .endpoint_with_unstable::<get_backup_keys::v3::Request, _, _>(get_keys::get_keys)
        .endpoint_with_unstable::<get_backup_keys_for_room::v3::Request, _, _>(
            get_keys_for_room::get_keys_for_room,
        )
        .endpoint_with_unstable::<get_backup_keys_for_session::v3::Request, _, _>(
            get_keys_for_session::get_keys_for_session,
        )
        .endpoint_with_unstable::<delete_backup_keys::v3::Request, _, _>(delete_keys::delete_keys)
        .endpoint_with_unstable::<delete_backup_keys_for_room::v3::Request, _, _>(
            delete_keys_for_room::delete_keys_for_room,
        )
        .endpoint_with_unstable::<delete_backup_keys_for_session::v3::Request, _, _>(
            delete_keys_for_session::delete_keys_for_session,
        )
}
