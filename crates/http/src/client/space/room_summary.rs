//! `GET /_matrix/client/v1/room_summary/{roomIdOrAlias}`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias)).

use axum::{Json, extract::State};
use pli_appservice::AppServices;
use pli_rooms::{RoomError, Rooms};
use pli_store::Store;
use ruma::api::client::room::get_summary::v1::Request;
use serde::Serialize;

use super::preview_body::{PreviewBody, membership_name};
use crate::{MatrixError, client::rooms::resolve, extract::Ruma};

#[derive(Serialize)]
pub(in crate::client) struct RoomSummary {
    #[serde(flatten)]
    preview: PreviewBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<&'static str>,
}

pub(in crate::client) async fn room_summary(
    State(rooms): State<Rooms>,
    State(app_services): State<AppServices>,
    State(store): State<Store>,
    Ruma { request, requester }: Ruma<Request>,
) -> Result<Json<RoomSummary>, MatrixError> {
    // Whoever may not see a room learns no more than that there may be none.
    let nothing = || MatrixError::not_found("there is no such room, or it is not open to you");
    let room_id = resolve(&rooms, &app_services, request.room_id_or_alias).await?;
    let snapshot = store.snapshot().await?;
    let reader = requester.as_ref().map(|requester| &*requester.user_id);
    let preview =
        rooms.preview(&snapshot, reader, &room_id).await.map_err(|error| match error {
            RoomError::UnknownRoom(_) => nothing(),
            other => other.into(),
        })?;
    let preview = preview.ok_or_else(nothing)?;
    let membership = reader.map(|_| preview.membership.map_or("leave", membership_name));
    Ok(Json(RoomSummary { preview: preview.into(), membership }))
}
