//! `POST /_matrix/client/v3/keys/signatures/upload`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keyssignaturesupload)).

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use pli_accounts::keys::CrossSigning;
use ruma::{OwnedUserId, api::client::keys::upload_signatures::v3::Request};
use serde::Serialize;

use crate::{MatrixError, extract::Ruma};

/// Which signatures were not taken, and why.
#[derive(Serialize)]
pub(in crate::client) struct Response {
    failures: BTreeMap<OwnedUserId, BTreeMap<String, Failure>>,
}

#[derive(Serialize)]
struct Failure {
    errcode: String,
    error: String,
}

pub(in crate::client) async fn signatures_upload(
    State(cross_signing): State<CrossSigning>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<Response>, MatrixError> {
    let signed = request
        .signed_keys
        .iter()
        .map(|(user_id, keys)| {
            let objects = keys.iter().map(|(id, object)| (id.to_owned(), object.to_owned()));
            (user_id.clone(), objects.collect())
        })
        .collect();
    let failures = cross_signing.upload_signatures(&requester.user_id, &signed).await?;
    let failures = failures
        .into_iter()
        .map(|(user_id, errors)| {
            let errors = errors.into_iter().map(|(id, error)| {
                let message = error.to_string();
                let errcode = MatrixError::from(error).errcode().to_owned();
                (id, Failure { errcode, error: message })
            });
            (user_id, errors.collect())
        })
        .collect();
    Ok(Json(Response { failures }))
}
