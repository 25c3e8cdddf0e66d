//! `POST /_matrix/client/v3/user/{userId}/filter`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter)).

use axum::extract::State;
use pli_accounts::Filters;
use ruma::api::client::filter::create_filter::v3::{Request, Response};

use crate::{
    MatrixError,
    extract::{Answer, Reply, Ruma},
};

pub(in crate::client) async fn create(
    State(filters): State<Filters>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    if requester.user_id != request.user_id {
        return Err(MatrixError::forbidden("you can only create filters of your own"));
    }
    let filter_id = filters.create(&request.user_id, &request.filter).await?;
    Ok(Answer(Response::new(filter_id)))
}
