//! Rooms (client-server API, sections "Rooms", "Typing Notifications", "Receipts", "Read and unread
//! markers", "Room Tagging").

mod aliases;
mod ban;
mod context;
mod create;
mod delete_alias;
mod delete_tag;
mod event;
mod forget;
mod get_alias;
mod get_all_state;
mod get_state;
mod get_visibility;
mod invite;
mod join;
mod join_by_alias;
mod joined_members;
mod joined_rooms;
mod kick;
mod knock;
mod leave;
mod members;
mod messages;
mod public_page;
mod public_rooms;
mod read_markers;
mod receipt;
mod redact;
mod relation_filter;
mod relations;
mod search;
mod search_public_rooms;
pub(super) mod send;
mod set_alias;
pub(super) mod set_state;
mod set_tag;
mod set_visibility;
mod tags;
mod threads;
mod timestamp_to_event;
mod typing;
mod unban;
mod upgrade;

use axum::{Router, routing::get};
use pli_accounts::Requester;
use pli_appservice::AppServices;
use pli_rooms::{PaginationToken, Reader, RoomError, Rooms};
use ruma::{OwnedRoomId, OwnedRoomOrAliasId, RoomAliasId, UInt, UserId, api::client as api};

use super::delayed_events;
use crate::{AppState, MatrixError, route::RumaRoutes};

/// The most events that one page has.
const MAX_LIMIT: usize = 500;

pub(super) fn routes() -> Router<AppState> {
    let one_state = get(get_state::get_state).put(delayed_events::set_state_or_schedule);
    let mut router = Router::new()
        .endpoint::<api::room::create_room::v3::Request, _, _>(create::create)
        .endpoint::<api::membership::join_room_by_id::v3::Request, _, _>(join::join)
        .endpoint::<api::membership::join_room_by_id_or_alias::v3::Request, _, _>(
            join_by_alias::join_by_alias,
        )
        .endpoint::<api::knock::knock_room::v3::Request, _, _>(knock::knock)
        .endpoint::<api::membership::invite_user::v3::Request, _, _>(invite::invite)
        .endpoint::<api::membership::leave_room::v3::Request, _, _>(leave::leave)
        .endpoint::<api::membership::kick_user::v3::Request, _, _>(kick::kick)
        .endpoint::<api::membership::ban_user::v3::Request, _, _>(ban::ban)
        .endpoint::<api::membership::unban_user::v3::Request, _, _>(unban::unban)
        .endpoint::<api::membership::forget_room::v3::Request, _, _>(forget::forget)
        .endpoint::<api::message::send_message_event::v3::Request, _, _>(
            delayed_events::send_or_schedule,
        )
        .endpoint::<api::redact::redact_event::v3::Request, _, _>(redact::redact)
        .endpoint::<api::state::get_state_events::v3::Request, _, _>(get_all_state::get_all_state)
        .endpoint::<api::room::get_room_event::v3::Request, _, _>(event::event)
        .endpoint::<api::membership::get_member_events::v3::Request, _, _>(members::members)
        .endpoint::<api::membership::joined_members::v3::Request, _, _>(
            joined_members::joined_members,
        )
        .endpoint::<api::membership::joined_rooms::v3::Request, _, _>(joined_rooms::joined_rooms)
        .endpoint::<api::message::get_message_events::v3::Request, _, _>(messages::messages)
        .endpoint::<api::context::get_context::v3::Request, _, _>(context::context)
        .endpoint_with_unstable::<api::relations::get_relating_events::v1::Request, _, _>(
            relations::relations,
        )
        .endpoint_with_unstable::<
            api::relations::get_relating_events_with_rel_type::v1::Request,
            _,
            _,
        >(relations::relations_of_type)
        .endpoint_with_unstable::<
            api::relations::get_relating_events_with_rel_type_and_event_type::v1::Request,
            _,
            _,
        >(relations::relations_of_types)
        .endpoint_with_unstable::<api::threads::get_threads::v1::Request, _, _>(threads::threads)
        .endpoint_with_unstable::<api::room::get_event_by_timestamp::v1::Request, _, _>(
            timestamp_to_event::timestamp_to_event,
        )
        .endpoint::<api::room::upgrade_room::v3::Request, _, _>(upgrade::upgrade)
        .endpoint::<api::search::search_events::v3::Request, _, _>(search::search)
        .endpoint::<api::typing::create_typing_event::v3::Request, _, _>(typing::typing)
        .endpoint::<api::receipt::create_receipt::v3::Request, _, _>(receipt::receipt)
        .endpoint::<api::read_marker::set_read_marker::v3::Request, _, _>(
            read_markers::read_markers,
        )
        .endpoint::<api::room::aliases::v3::Request, _, _>(aliases::aliases)
        .endpoint::<api::alias::create_alias::v3::Request, _, _>(set_alias::set_alias)
        .endpoint::<api::alias::get_alias::v3::Request, _, _>(get_alias::get_alias)
        .endpoint::<api::alias::delete_alias::v3::Request, _, _>(delete_alias::delete_alias)
        .endpoint::<api::directory::get_room_visibility::v3::Request, _, _>(
            get_visibility::get_visibility,
        )
        .endpoint::<api::directory::set_room_visibility::v3::Request, _, _>(
            set_visibility::set_visibility,
        )
        .endpoint::<api::directory::get_public_rooms::v3::Request, _, _>(public_rooms::public_rooms)
        .endpoint::<api::directory::get_public_rooms_filtered::v3::Request, _, _>(
            search_public_rooms::search_public_rooms,
        )
        .endpoint::<api::tag::get_tags::v3::Request, _, _>(tags::tags)
        .endpoint::<api::tag::create_tag::v3::Request, _, _>(set_tag::set_tag)
        .endpoint::<api::tag::delete_tag::v3::Request, _, _>(delete_tag::delete_tag);
    // An empty state key may be left out, with or without the slash before it.
    for version in ["r0", "v3"] {
        let path = format!("/_matrix/client/{version}/rooms/{{room_id}}/state/{{event_type}}");
        router = router
            .route(&path, one_state.clone())
            .route(&format!("{path}/"), one_state.clone())
            .route(&format!("{path}/{{state_key}}"), one_state.clone());
    }
    router
}

fn reader(requester: &Requester) -> Reader<'_> {
    Reader { user_id: &requester.user_id, device_id: Some(&requester.device_id) }
}

fn token(token: Option<&str>) -> Result<Option<PaginationToken>, MatrixError> {
    let parse = |token: &str| {
        token.parse().map_err(|error: pli_rooms::InvalidPaginationToken| {
            MatrixError::invalid_param(error.to_string())
        })
    };
    token.map(parse).transpose()
}

fn limit(wanted: UInt) -> usize {
    usize::try_from(u64::from(wanted)).unwrap_or(MAX_LIMIT).min(MAX_LIMIT)
}

pub(super) async fn resolve(
    rooms: &Rooms,
    app_services: &AppServices,
    room_id_or_alias: OwnedRoomOrAliasId,
) -> Result<OwnedRoomId, MatrixError> {
    match OwnedRoomId::try_from(room_id_or_alias) {
        Ok(room_id) => Ok(room_id),
        Err(alias) => resolve_alias(rooms, app_services, &alias).await,
    }
}

/// The room that an alias points to. An alias that nobody here knows is its application service's to
/// bring into being.
async fn resolve_alias(
    rooms: &Rooms,
    app_services: &AppServices,
    alias: &RoomAliasId,
) -> Result<OwnedRoomId, MatrixError> {
    match rooms.resolve_alias(alias).await {
        Err(unknown @ RoomError::UnknownAlias(_)) => {
            Ok(app_services.ask_for_room(alias).await?.ok_or(unknown)?)
        }
        outcome => Ok(outcome?),
    }
}

/// Whoever wants to come into a room that nobody here knows learns that.
fn unknown_is_not_found(error: RoomError) -> MatrixError {
    match error {
        RoomError::UnknownRoom(_) => MatrixError::not_found(error.to_string()),
        other => other.into(),
    }
}

/// Tags are their owner's alone.
fn check_owner(requester: &Requester, user_id: &UserId) -> Result<(), MatrixError> {
    if requester.user_id == user_id {
        return Ok(());
    }
    Err(MatrixError::forbidden("these are somebody else's tags"))
}
