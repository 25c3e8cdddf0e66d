//! `GET /_matrix/client/v3/user/{userId}/filter/{filterId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridfilterfilterid)).

use axum::{Json, extract::State};
use pli_accounts::Filters;
use ruma::api::client::filter::get_filter::v3::Request;
use serde_json::value::RawValue;

use crate::{MatrixError, extract::Ruma};

pub(in crate::client) async fn get(
    State(filters): State<Filters>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<Box<RawValue>>, MatrixError> {
    if requester.user_id != request.user_id {
        return Err(MatrixError::forbidden("you can only see your own filters"));
    }
    Ok(Json(filters.json(&request.user_id, &request.filter_id).await?))
}
