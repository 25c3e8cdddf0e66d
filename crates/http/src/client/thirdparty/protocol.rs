//! `GET /_matrix/client/v3/thirdparty/protocol/{protocol}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocolprotocol)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::thirdparty::get_protocol::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn protocol(
    State(app_services): State<AppServices>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    Ok(Answer(Response::new(app_services.protocol(&request.protocol).await?)))
}
