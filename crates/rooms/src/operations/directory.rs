use pli_store::{Batch, Direction};
use ruma::{OwnedRoomId, RoomId, UserId, events::TimelineEventType};

use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{PUBLIC_ROOM, ROOM_HEAD},
    rows::RoomSummary,
};

/// How many rows a scan takes at once.
const PAGE: usize = 1000;

/// A room that the public directory lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicRoom {
    /// The room.
    pub room_id: OwnedRoomId,
    /// What there is to show of it.
    pub summary: RoomSummary,
}

/// Which rooms of a directory are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryFilter {
    /// What the name, topic or alias contains; all of them if absent.
    pub search: Option<String>,
    /// The types, `None` for ordinary rooms; all types if empty.
    pub room_types: Vec<Option<String>>,
}

/// A page of the public directory, the rooms with the most members first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicRooms {
    /// The rooms.
    pub rooms: Vec<PublicRoom>,
    /// How many rooms match in all.
    pub total: usize,
    /// Where the page begins.
    pub offset: usize,
}

impl Rooms {
    /// Whether the public directory lists a room.
    ///
    /// # Errors
    /// [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn is_in_directory(&self, room_id: &RoomId) -> Result<bool, RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        if snapshot.get(&ROOM_HEAD, room_id).await?.is_none() {
            return Err(RoomError::UnknownRoom(room_id.to_owned()));
        }
        Ok(snapshot.get(&PUBLIC_ROOM, room_id).await?.is_some())
    }

    /// Lists a room in the public directory, or takes it out: for those who may set its main alias.
    ///
    /// # Errors
    /// [`RoomError::UnknownRoom`], [`RoomError::Forbidden`]; when the store fails.
    pub async fn set_in_directory(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        is_listed: bool,
    ) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let levels = self.power_levels(&snapshot, room_id).await?;
        let canonical = TimelineEventType::RoomCanonicalAlias;
        let is_allowed = self.is_joined(&snapshot, user_id, room_id).await?
            && levels.allows_to_send(user_id, &canonical, Some(""));
        drop(snapshot);
        if !is_allowed {
            return Err(RoomError::Forbidden(
                "only the room's moderators may list it in the directory".to_owned(),
            ));
        }
        let mut batch = Batch::new();
        if is_listed {
            batch.put(&PUBLIC_ROOM, room_id, &());
        } else {
            batch.delete(&PUBLIC_ROOM, room_id);
        }
        self.inner.store.commit(batch).await?;
        Ok(())
    }

    /// A page of the public directory.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn public_rooms(
        &self,
        filter: &DirectoryFilter,
        offset: usize,
        limit: usize,
    ) -> Result<PublicRooms, RoomError> {
        let room_ids = self.listed_rooms().await?;
        self.directory_page(room_ids, filter, offset, limit).await
    }

    /// All rooms of the public directory.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn listed_rooms(&self) -> Result<Vec<OwnedRoomId>, RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        let mut room_ids = Vec::new();
        let mut range = PUBLIC_ROOM.all();
        loop {
            let rows = snapshot.scan(&PUBLIC_ROOM, range, PAGE, Direction::Forward).await?;
            let Some(last) = rows.last() else { return Ok(room_ids) };
            range = PUBLIC_ROOM.all().after(&last.key);
            let is_last = rows.len() < PAGE;
            room_ids.extend(rows.into_iter().map(|row| row.key));
            if is_last {
                return Ok(room_ids);
            }
        }
    }

    /// A page of a list of rooms, as [`Rooms::public_rooms`] of the directory.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn directory_page(
        &self,
        mut room_ids: Vec<OwnedRoomId>,
        filter: &DirectoryFilter,
        offset: usize,
        limit: usize,
    ) -> Result<PublicRooms, RoomError> {
        // A room can be in several lists.
        room_ids.sort_unstable();
        room_ids.dedup();
        let snapshot = self.inner.store.snapshot().await?;
        let mut listed = Vec::with_capacity(room_ids.len());
        for room_ids in room_ids.chunks(PAGE) {
            let summaries = self.summaries(&snapshot, room_ids).await?;
            for (room_id, summary) in room_ids.iter().zip(summaries) {
                if let Some((summary, _)) = summary {
                    listed.push(PublicRoom { room_id: room_id.clone(), summary });
                }
            }
        }
        let search = filter.search.as_deref().map(str::to_lowercase).unwrap_or_default();
        listed.retain(|PublicRoom { summary, .. }| {
            let is_of_type =
                filter.room_types.is_empty() || filter.room_types.contains(&summary.room_type);
            is_of_type && (search.is_empty() || is_match(summary, &search))
        });
        listed.sort_by(|left, right| {
            let by_members = right.summary.joined.cmp(&left.summary.joined);
            by_members.then_with(|| left.room_id.cmp(&right.room_id))
        });
        let total = listed.len();
        let rooms = listed.into_iter().skip(offset).take(limit).collect();
        Ok(PublicRooms { rooms, total, offset })
    }
}

fn is_match(summary: &RoomSummary, search: &str) -> bool {
    let alias = summary.canonical_alias.as_ref().map(|alias| alias.as_str());
    [summary.name.as_deref(), summary.topic.as_deref(), alias]
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(search))
}
