//! `GET /_matrix/client/v3/thirdparty/user`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3thirdpartyuser)).

use axum::extract::State;
use pli_appservice::AppServices;
use ruma::api::client::thirdparty::get_user_for_user_id::v3::{Request, Response};

use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn user_of_user(
    State(app_services): State<AppServices>,
    Ruma { request, .. }: Ruma<Request>,
) -> Reply<Response> {
    Ok(Answer(Response::new(app_services.users_of_user(&request.userid).await)))
}
