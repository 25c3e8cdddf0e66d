//! Pages of the public directory, for both of its endpoints.

use pli_rooms::{DirectoryFilter, PublicRoom, Rooms};
use ruma::{
    OwnedRoomId, UInt,
    directory::{Filter, PublicRoomsChunk, PublicRoomsChunkInit, RoomTypeFilter},
    events::room::history_visibility::HistoryVisibility,
    room::RoomType,
};

use super::limit;
use crate::MatrixError;

/// How many rooms a page has if the client doesn't say.
const USUAL_LIMIT: u32 = 100;

pub(super) struct Page {
    pub(super) chunk: Vec<PublicRoomsChunk>,
    pub(super) next_batch: Option<String>,
    pub(super) prev_batch: Option<String>,
    pub(super) total: UInt,
}

pub(super) async fn page(
    rooms: &Rooms,
    listed: Vec<OwnedRoomId>,
    filter: &Filter,
    since: Option<&str>,
    wanted: Option<UInt>,
) -> Result<Page, MatrixError> {
    // A token is the number of rooms before the page.
    let offset: usize = match since {
        Some(since) => since
            .strip_prefix('p')
            .and_then(|offset| offset.parse().ok())
            .ok_or_else(|| MatrixError::invalid_param("the token is not one of this server's"))?,
        None => 0,
    };
    let limit = limit(wanted.unwrap_or(UInt::from(USUAL_LIMIT)));
    let found = rooms.directory_page(listed, &wanted_rooms(filter), offset, limit).await?;
    let end = offset + found.rooms.len();
    Ok(Page {
        next_batch: (end < found.total).then(|| format!("p{end}")),
        prev_batch: (offset > 0).then(|| format!("p{}", offset.saturating_sub(limit))),
        total: UInt::new_saturating(u64::try_from(found.total).unwrap_or(u64::MAX)),
        chunk: found.rooms.into_iter().map(chunk).collect(),
    })
}

fn wanted_rooms(filter: &Filter) -> DirectoryFilter {
    let room_type = |wanted: &RoomTypeFilter| wanted.as_str().map(ToOwned::to_owned);
    DirectoryFilter {
        search: filter.generic_search_term.clone(),
        room_types: filter.room_types.iter().map(room_type).collect(),
    }
}

fn chunk(room: PublicRoom) -> PublicRoomsChunk {
    let PublicRoom { room_id, summary } = room;
    let mut chunk: PublicRoomsChunk = PublicRoomsChunkInit {
        num_joined_members: UInt::new_saturating(summary.joined),
        room_id,
        world_readable: summary.history_visibility == HistoryVisibility::WorldReadable,
        guest_can_join: summary.guest_can_join,
    }
    .into();
    chunk.canonical_alias = summary.canonical_alias;
    chunk.name = summary.name;
    chunk.topic = summary.topic;
    chunk.avatar_url = summary.avatar_url;
    chunk.join_rule = summary.join_rule;
    chunk.room_type = summary.room_type.map(RoomType::from);
    chunk
}
