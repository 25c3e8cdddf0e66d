//! `GET /_matrix/client/v3/thirdparty/protocols`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyprotocols)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::thirdparty::get_protocols::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn protocols(
    State(app_services): State<AppServices>,
    _request: Ruma<Request>,
) -> Reply<Response> {
    Ok(Answer(Response::new(app_services.protocols().await)))
}
