//! `POST /_synapse/admin/v1/send_server_notice`, and `PUT …/{txnId}`: an administrator has the server
//! tell somebody something (client-server API, section "Server Notices"; in the form that tools for
//! other servers know).

use axum::{
    Json,
    extract::{Path, State},
};
use bytes::Bytes;
use pli_accounts::Moderation;
use ruma::{OwnedTransactionId, OwnedUserId, events::TimelineEventType};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use crate::{
    MatrixError,
    extract::{Authenticated, form},
    server_notices::{Notice, ServerNotices},
};

#[derive(Deserialize)]
struct Body {
    user_id: OwnedUserId,
    content: Box<RawValue>,
    #[serde(default = "message")]
    r#type: TimelineEventType,
}

fn message() -> TimelineEventType {
    TimelineEventType::RoomMessage
}

pub(in crate::client) async fn send(
    Authenticated(requester): Authenticated,
    State(moderation): State<Moderation>,
    State(notices): State<ServerNotices>,
    body: Bytes,
) -> Result<Json<Value>, MatrixError> {
    moderation.check_admin(&requester.user_id).await?;
    post(&notices, &body, None).await
}

/// The same transaction again is the same notice.
pub(in crate::client) async fn send_once(
    Authenticated(requester): Authenticated,
    State(moderation): State<Moderation>,
    State(notices): State<ServerNotices>,
    Path(transaction_id): Path<OwnedTransactionId>,
    body: Bytes,
) -> Result<Json<Value>, MatrixError> {
    moderation.check_admin(&requester.user_id).await?;
    post(&notices, &body, Some(transaction_id)).await
}

async fn post(
    notices: &ServerNotices,
    body: &[u8],
    transaction_id: Option<OwnedTransactionId>,
) -> Result<Json<Value>, MatrixError> {
    form::check_json(body)?;
    let Body { user_id, content, r#type } = serde_json::from_slice(body)?;
    let notice = Notice { to: user_id, event_type: r#type, content, transaction_id };
    let event_id = notices.send(notice).await?;
    Ok(Json(json!({ "event_id": event_id })))
}
