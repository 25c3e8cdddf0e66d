//! `GET /_matrix/client/v3/user/{userId}/account_data/{type}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridaccount_datatype)).

use axum::extract::State;
use pli_accounts::AccountData;
use ruma::{
    api::client::config::get_global_account_data::v3::{Request, Response},
    serde::Raw,
};

use super::{check_owner, not_set};
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn get_global(
    State(account_data): State<AccountData>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    let event_type = request.event_type.to_string();
    let event = account_data.get(&request.user_id, None, &event_type).await?;
    let event = event.ok_or_else(not_set)?;
    Ok(Answer(Response::new(Raw::from_json(event.content))))
}
