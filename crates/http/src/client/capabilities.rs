//! `GET /_matrix/client/v3/capabilities`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3capabilities)).

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use pli_accounts::Moderation;
use pli_events::SUPPORTED_ROOM_VERSIONS;
use ruma::{
    RoomVersionId,
    api::client::discovery::get_capabilities::v3::{
        Capabilities, GetLoginTokenCapability, ProfileFieldsCapability, Request,
        RoomVersionStability, RoomVersionsCapability,
    },
};
use serde_json::{Value, json};

use crate::{MatrixError, extract::Ruma, state::Settings};

pub(super) async fn capabilities(
    State(settings): State<Settings>,
    State(moderation): State<Moderation>,
    Ruma { requester, .. }: Ruma<Request>,
) -> Result<Json<Value>, MatrixError> {
    let stable = |version: &RoomVersionId| (version.clone(), RoomVersionStability::Stable);
    let available: BTreeMap<_, _> = SUPPORTED_ROOM_VERSIONS.iter().map(stable).collect();
    let mut capabilities = Capabilities::new();
    capabilities.room_versions =
        RoomVersionsCapability::new(settings.default_room_version, available);
    let mut get_login_token = GetLoginTokenCapability::default();
    get_login_token.enabled = true;
    capabilities.get_login_token = get_login_token;
    capabilities.profile_fields = Some(ProfileFieldsCapability::new(true));
    let mut capabilities = serde_json::to_value(capabilities).map_err(MatrixError::internal)?;
    // Ruma leaves out what is as clients should assume; not all of them do.
    for always in ["m.change_password", "m.set_displayname", "m.set_avatar_url", "m.3pid_changes"] {
        capabilities[always] = json!({ "enabled": true });
    }
    // Section "`m.account_moderation` capability": for whoever may.
    if moderation.check_admin(&requester.user_id).await.is_ok() {
        capabilities["m.account_moderation"] = json!({ "lock": true, "suspend": true });
    }
    Ok(Json(json!({ "capabilities": capabilities })))
}
