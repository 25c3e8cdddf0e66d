//! `PUT /_matrix/client/v3/user/{userId}/account_data/{type}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridaccount_datatype)).

use axum::extract::State;
use pli_accounts::AccountData;
use ruma::api::client::config::set_global_account_data::v3::{Request, Response};

use super::check_owner;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn set_global(
    State(account_data): State<AccountData>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    let event_type = request.event_type.to_string();
    let content = request.data.json();
    account_data.put(&request.user_id, None, &event_type, content).await?;
    Ok(Answer(Response::new()))
}
