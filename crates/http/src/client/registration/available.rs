//! `GET /_matrix/client/v3/register/available`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3registeravailable)).

use axum::extract::State;
use pli_accounts::Registration;
use ruma::api::client::account::get_username_availability::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn available(
    State(registration): State<Registration>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    registration.check_available(&request.username).await?;
    Ok(Answer(Response::new(true)))
}
