//! `PUT /_matrix/client/v3/user/{userId}/rooms/{roomId}/account_data/{type}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidaccount_datatype)).

use axum::extract::State;
use pli_accounts::AccountData;
use ruma::api::client::config::set_room_account_data::v3::{Request, Response};

use super::check_owner;
use crate::extract::{Answer, Reply, Ruma};

pub(in crate::client) async fn set_room(
    State(account_data): State<AccountData>,
    Ruma { request, requester }: Ruma<Request>,
) -> Reply<Response> {
    check_owner(&requester, &request.user_id)?;
    let event_type = request.event_type.to_string();
    let content = request.data.json();
    account_data.put(&request.user_id, Some(&request.room_id), &event_type, content).await?;
    Ok(Answer(Response::new()))
}
