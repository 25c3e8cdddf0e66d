//! Guests come into rooms that allow it, and go when a room allows it no more
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#guest-access)).
//!
//! Who goes is found after the change, by a job that survives restarts.

use pli_accounts::Accounts;
use pli_store::{Batch, Direction, Expect, Keyspace, Record};
use ruma::{OwnedRoomId, OwnedUserId, RoomId};
use serde::{Deserialize, Serialize};

use super::MembershipChange;
use crate::{Rooms, error::RoomError, keyspaces::MEMBER, rows::MembershipKind};

/// Rooms that guests have to leave.
pub(crate) const GUEST_EVICTION: Keyspace<OwnedRoomId, GuestEviction> =
    Keyspace::new("guest_eviction");

/// How many members, or rooms, are read at once.
const PAGE: usize = 500;

/// Guests have to leave this room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GuestEviction {}

impl Record for GuestEviction {}

impl Rooms {
    /// Lets the guests leave a room that allows them no more, in the background.
    pub(crate) fn evict_guests(&self, room_id: &RoomId) {
        let rooms = self.clone();
        let room_id = room_id.to_owned();
        tokio::spawn(async move { rooms.run_guest_eviction_or_log(&room_id).await });
    }

    /// Does what a stop of the server left undone. To be called once after the start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume_guest_evictions(&self) -> Result<(), RoomError> {
        let mut range = GUEST_EVICTION.all();
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let rows = snapshot.scan(&GUEST_EVICTION, range, PAGE, Direction::Forward).await?;
            drop(snapshot);
            let Some(last) = rows.last() else { return Ok(()) };
            range = GUEST_EVICTION.all().after(&last.key);
            for row in &rows {
                self.run_guest_eviction_or_log(&row.key).await;
            }
        }
    }

    async fn run_guest_eviction_or_log(&self, room_id: &RoomId) {
        if let Err(error) = self.run_guest_eviction(room_id).await {
            // The row stays: the next change or the next start tries again.
            tracing::warn!(%room_id, %error, "guests did not leave a room yet");
        }
    }

    async fn run_guest_eviction(&self, room_id: &RoomId) -> Result<(), RoomError> {
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let job = snapshot.get_versioned(&GUEST_EVICTION, room_id).await?;
            let Some((_, version)) = job else { return Ok(()) };
            let summary = self.summary(&snapshot, room_id).await?;
            drop(snapshot);
            // They may be allowed again since.
            if summary.is_some_and(|(summary, _)| !summary.guest_can_join) {
                self.let_guests_leave(room_id).await?;
            }
            let mut batch = Batch::new();
            batch
                .require(&GUEST_EVICTION, room_id, Expect::Version(version))
                .delete(&GUEST_EVICTION, room_id);
            match self.inner.store.commit(batch).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn let_guests_leave(&self, room_id: &RoomId) -> Result<(), RoomError> {
        let mut last: Option<OwnedUserId> = None;
        let mut failure = None;
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let members = MEMBER.prefix((room_id, MembershipKind::Join));
            let range = match &last {
                Some(last) => members.after((room_id, MembershipKind::Join, last)),
                None => members,
            };
            let rows = snapshot.scan(&MEMBER, range, PAGE, Direction::Forward).await?;
            let members: Vec<OwnedUserId> = rows.into_iter().map(|row| row.key.2).collect();
            let guests = Accounts::guests_among(&snapshot, &members).await?;
            drop(snapshot);
            for guest in guests {
                let change = MembershipChange::new(guest, room_id.to_owned())
                    .because(Some("guests are not allowed in this room any more".to_owned()));
                match self.leave(change).await {
                    // Who has gone already has gone.
                    Ok(_) | Err(RoomError::Forbidden(_)) => {}
                    Err(error) if error.is_passing() => return Err(error),
                    // The others go all the same.
                    Err(error) => failure = Some(error),
                }
            }
            if members.len() < PAGE {
                return failure.map_or(Ok(()), Err);
            }
            last = members.into_iter().next_back();
        }
    }
}
