//! `POST /_matrix/client/v3/keys/query`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery)).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use pli_accounts::keys::DeviceKeys;
use ruma::api::client::keys::get_keys::v3::Request;

use crate::{MatrixError, extract::Ruma, state::Settings};

pub(in crate::client) async fn query(
    State(keys): State<DeviceKeys>,
    State(settings): State<Settings>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Response, MatrixError> {
    let answer =
        keys.query(&requester.user_id, &settings.server_name, &request.device_keys).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
}
