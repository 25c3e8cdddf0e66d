//! `DELETE /_matrix/client/unstable/org.matrix.msc3391/user/{userId}/account_data/{type}`
//! ([MSC3391](https://github.com/matrix-org/matrix-spec-proposals/pull/3391)).

use axum::{Json, extract::State};
use pli_accounts::AccountData;
use ruma::OwnedUserId;
use serde_json::{Value, json};

use super::check_owner;
use crate::{
    MatrixError,
    extract::{Authenticated, path::PathArguments},
};

pub(in crate::client) async fn delete_global(
    State(account_data): State<AccountData>,
    Authenticated(requester): Authenticated,
    PathArguments((user_id, event_type)): PathArguments<(OwnedUserId, String)>,
) -> Result<Json<Value>, MatrixError> {
    check_owner(&requester, &user_id)?;
    account_data.delete(&user_id, None, &event_type).await?;
    Ok(Json(json!({})))
}
