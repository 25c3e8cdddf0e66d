//! `GET /_matrix/client/v3/thirdparty/user/{protocol}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyuserprotocol)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::thirdparty::get_user_for_protocol::v3::{Request, Response};

use super::fields;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn user(
    State(app_services): State<AppServices>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    let fields = fields(&requester, request.fields);
    Ok(Answer(Response::new(app_services.users(&request.protocol, &fields).await?)))
}
