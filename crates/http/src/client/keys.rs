//! End-to-end encryption keys (client-server API, section "End-to-End Encryption").

mod changes;
mod claim;
mod query;
mod signatures_upload;
mod signing_keys_upload;
mod upload;

use axum::Router;
use ruma::api::client::keys::{
    claim_keys, get_key_changes, get_keys, upload_keys, upload_signatures, upload_signing_keys,
};

use crate::{AppState, route::RumaRoutes};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .endpoint::<upload_keys::v3::Request, _, _>(upload::upload)
        .endpoint::<get_keys::v3::Request, _, _>(query::query)
        .endpoint::<claim_keys::v3::Request, _, _>(claim::claim)
        .endpoint::<get_key_changes::v3::Request, _, _>(changes::changes)
        .endpoint_with_unstable::<upload_signatures::v3::Request, _, _>(
            signatures_upload::signatures_upload,
        )
        .endpoint_with_unstable::<upload_signing_keys::v3::Request, _, _>(
            signing_keys_upload::signing_keys_upload,
        )
}
