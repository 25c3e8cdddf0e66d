//! `GET /_matrix/client/v3/capabilities`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3capabilities)).

use std::collections::BTreeMap;

use axum::extract::State;
use ruma::{
    RoomVersionId,
    api::client::discovery::get_capabilities::v3::{
        Capabilities, GetLoginTokenCapability, ProfileFieldsCapability, Request, Response,
        RoomVersionStability, RoomVersionsCapability,
    },
};

use crate::{
    extract::{Answer, Reply, Ruma},
    state::Settings,
};

/// The room versions that can be created and joined.
const ROOM_VERSIONS: [RoomVersionId; 7] = [
    RoomVersionId::V6,
    RoomVersionId::V7,
    RoomVersionId::V8,
    RoomVersionId::V9,
    RoomVersionId::V10,
    RoomVersionId::V11,
    RoomVersionId::V12,
];

pub(super) async fn capabilities(
    State(settings): State<Settings>,
    _request: Ruma<Request>,
) -> Reply<Response> {
    let available: BTreeMap<_, _> =
        ROOM_VERSIONS.into_iter().map(|version| (version, RoomVersionStability::Stable)).collect();
    let mut capabilities = Capabilities::new();
    capabilities.room_versions =
        RoomVersionsCapability::new(settings.default_room_version, available);
    let mut get_login_token = GetLoginTokenCapability::default();
    get_login_token.enabled = true;
    capabilities.get_login_token = get_login_token;
    capabilities.profile_fields = Some(ProfileFieldsCapability::new(true));
    Ok(Answer(Response::new(capabilities)))
}
