//! One sliding sync answer, from one snapshot.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use pli_rooms::MembershipKind;
use pli_store::Position;
use ruma::{
    OwnedDeviceId, OwnedRoomId, RoomId, api::client::sync::sync_events::v5::response::Extensions,
};

use super::{
    connection::Connection,
    request::SlidingRequest,
    response::{RoomResult, StickyEventsResult},
    rows::Sent,
    wanted::{Wanted, WantedRoom},
};
use crate::{Changes, SyncError, answer::Answering};

/// In how many rooms is looked for receipts of the user's own when it isn't known what changed.
const LOOKED_THROUGH: usize = 200;

/// An answer being built.
pub(crate) struct SlidingAnswering<'a> {
    /// What it has in common with `/sync`.
    pub(crate) base: Answering<'a>,
    pub(crate) request: &'a SlidingRequest,
    pub(crate) direct: Arc<HashSet<OwnedRoomId>>,
    /// By whom it is remembered which members were told: the device, on this connection.
    pub(crate) told_to: OwnedDeviceId,
    /// Whether the client speaks the merged form of the protocol.
    pub(crate) speaks_merged_form: bool,
}

/// What an answer has to tell.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) rooms: HashMap<OwnedRoomId, RoomResult>,
    pub(crate) extensions: Extensions,
    /// Whether the extensions tell anything that a waiting client should hear.
    pub(crate) has_extension_news: bool,
    /// Up to where messages from device to device are handed over; `None` without that extension.
    pub(crate) to_device: Option<Position>,
    /// Whether more messages from device to device wait.
    pub(crate) has_more_to_device: bool,
    pub(crate) sticky_events: Option<StickyEventsResult>,
    /// Up to where what sticks is handed over; `None` if the client has nothing yet.
    pub(crate) sticky: Option<Position>,
    /// Whether more sticky events wait.
    pub(crate) has_more_sticky: bool,
    /// What is to be remembered.
    pub(crate) changes: HashMap<OwnedRoomId, Sent>,
}

impl Told {
    pub(crate) fn is_empty(&self) -> bool {
        self.rooms.is_empty() && !self.has_extension_news
    }
}

impl SlidingAnswering<'_> {
    /// Everything that there is to tell. `epoch` is that of the request's `pos`.
    pub(crate) async fn tell(
        &mut self,
        wanted: &Wanted,
        connection: &Connection,
        epoch: Option<u64>,
    ) -> Result<Told, SyncError> {
        let mut told = Told::default();
        let sent_of = |room_id: &RoomId| epoch.and_then(|epoch| connection.sent(room_id, epoch));
        for (index, room) in wanted.rooms.iter().enumerate() {
            let combination = wanted.combination(room);
            let room_id = &room.room.room_id;
            let sent = sent_of(room_id);
            let former = sent
                .filter(|sent| sent.state != combination.state_index)
                .and_then(|sent| connection.state(sent));
            let is_dm = self.direct.contains(room_id);
            let is_worth_a_look = sent.is_none_or(|sent| {
                let from = sent.paused_at.unwrap_or(self.base.since);
                room.room.active_at > from
                    || former.is_some()
                    || combination.timeline_limit > sent.limit
                    || sent.is_dm != is_dm
                    || (index < LOOKED_THROUGH && self.may_have_read_after(room_id, from))
            });
            let result = if is_worth_a_look {
                self.room(room, combination, sent, former).await?
            } else {
                None
            };
            let now = match (&result, sent) {
                (None, None) => continue,
                (None, Some(sent)) => Sent {
                    paused_at: None,
                    limit: combination.timeline_limit.max(sent.limit),
                    state: combination.state_index,
                    is_dm,
                    ..*sent
                },
                (Some(result), sent) => {
                    // A gap, or a room told from the start: nothing before it counts.
                    let kept = sent.filter(|_| !result.limited && result.initial.is_none());
                    let kept = kept.map_or(0, |sent| sent.limit);
                    Sent {
                        paused_at: None,
                        membership: result.membership.unwrap_or(MembershipKind::Join),
                        limit: combination.timeline_limit.max(kept),
                        state: combination.state_index,
                        is_dm,
                    }
                }
            };
            if sent != Some(&now) {
                told.changes.insert(room_id.clone(), now);
            }
            if let Some(mut result) = result {
                result.lists = wanted.lists_of(room).into_iter().map(str::to_owned).collect();
                told.rooms.insert(room_id.clone(), result);
            }
        }
        if let Some(epoch) = epoch {
            self.pause_others(wanted, connection, epoch, &mut told);
        }
        let froms = self.room_positions(wanted, connection, epoch);
        Box::pin(self.add_extensions(wanted, connection, epoch, &froms, &mut told)).await?;
        Ok(told)
    }

    /// From where each wanted room that the user is in is told; `None`: from the start.
    fn room_positions<'w>(
        &self,
        wanted: &'w Wanted,
        connection: &Connection,
        epoch: Option<u64>,
    ) -> HashMap<&'w RoomId, (&'w WantedRoom, Option<Position>)> {
        let joined =
            wanted.rooms.iter().filter(|room| room.room.membership == MembershipKind::Join);
        let positions = joined.map(|room| {
            let room_id = &*room.room.room_id;
            let sent = epoch.and_then(|epoch| connection.sent(room_id, epoch));
            let sent = sent.filter(|sent| sent.membership == MembershipKind::Join);
            let from = sent.map(|sent| sent.paused_at.unwrap_or(self.base.since));
            (room_id, (room, from))
        });
        positions.collect()
    }

    /// Remembers of rooms outside the windows how far they were told, if anything happened in them.
    fn pause_others(&self, wanted: &Wanted, connection: &Connection, epoch: u64, told: &mut Told) {
        let is_wanted: HashSet<&RoomId> =
            wanted.rooms.iter().map(|room| &*room.room.room_id).collect();
        let mut pause = |room_id: &RoomId| {
            if !is_wanted.contains(room_id) {
                self.pause(room_id, connection, epoch, told);
            }
        };
        wanted.active.iter().for_each(|room| pause(&room.room_id));
        match &self.base.changes {
            Changes::Some(news) => news.rooms.iter().for_each(|room_id| pause(room_id)),
            Changes::Unknown => {
                let notifier = &self.base.sync.inner.notifier;
                for (room_id, _) in connection.all_sent(epoch) {
                    if notifier.room_changed(room_id) > self.base.since {
                        pause(room_id);
                    }
                }
            }
            Changes::Nothing => {}
        }
    }

    pub(crate) fn pause(
        &self,
        room_id: &RoomId,
        connection: &Connection,
        epoch: u64,
        told: &mut Told,
    ) {
        let live = connection.sent(room_id, epoch).filter(|sent| sent.paused_at.is_none());
        if let Some(sent) = live {
            let paused = Sent { paused_at: Some(self.base.since), ..sent.clone() };
            told.changes.insert(room_id.to_owned(), paused);
        }
    }

    /// Whether a receipt may have changed in a room since the request's `pos`.
    pub(crate) fn may_have_read(&self, room_id: &RoomId) -> bool {
        self.may_have_read_after(room_id, self.base.since)
    }

    pub(crate) fn may_have_read_after(&self, room_id: &RoomId, from: Position) -> bool {
        match &self.base.changes {
            Changes::Some(news) if from == self.base.since => {
                news.rooms.iter().any(|changed| changed == room_id)
            }
            Changes::Nothing if from == self.base.since => false,
            _ => self.base.sync.inner.notifier.room_changed(room_id) > from,
        }
    }
}
