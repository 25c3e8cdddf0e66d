//! `GET /_matrix/client/v3/admin/whois/{userId}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid)).

use axum::{Json, extract::State};
use pli_accounts::{Accounts, Devices, Moderation};
use ruma::api::client::admin::get_user_info::v3::Request;
use serde_json::{Map, Value, json};

use crate::{MatrixError, extract::Ruma};

pub(in crate::client) async fn whois(
    State(accounts): State<Accounts>,
    State(devices): State<Devices>,
    State(moderation): State<Moderation>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<Value>, MatrixError> {
    // Everybody may ask about themselves.
    if request.user_id != requester.user_id {
        moderation.check_admin(&requester.user_id).await?;
    }
    if !accounts.exists(&request.user_id).await? {
        return Err(MatrixError::not_found("there is no such account"));
    }
    let mut sessions = Map::new();
    for device in devices.list(&request.user_id).await? {
        let mut connection = Map::new();
        if let Some(ip) = device.last_seen_ip {
            connection.insert("ip".to_owned(), ip.into());
        }
        if let Some(last_seen) = device.last_seen_ms {
            connection.insert("last_seen".to_owned(), last_seen.into());
        }
        let connections = if connection.is_empty() { json!([]) } else { json!([connection]) };
        let session = json!({ "sessions": [{ "connections": connections }] });
        sessions.insert(device.device_id.to_string(), session);
    }
    Ok(Json(json!({ "user_id": request.user_id, "devices": sessions })))
}
