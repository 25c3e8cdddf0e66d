//! `POST /_matrix/client/v3/user/{userId}/filter`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter)).

use axum::extract::State;
use pli_accounts::Filters;
use ruma::api::client::filter::create_filter::v3::{Request, Response};
use serde_json::Value;

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma, content::WithContent},
};

pub(in crate::client) async fn create(
    State(filters): State<Filters>,
    WithContent { ruma, content }: WithContent<Request>,
) -> Reply<Response> {
    let Ruma { request, requester } = ruma;
    if requester.user_id != request.user_id {
        return Err(MatrixError::forbidden("you can only create filters of your own"));
    }
    // As it was given: it may say more than ruma's type knows.
    let filter = Value::Object(content).to_string();
    let filter_id = filters.create(&request.user_id, filter).await?;
    Ok(Answer(Response::new(filter_id)))
}
