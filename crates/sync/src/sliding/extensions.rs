use std::collections::{HashMap, HashSet};

use pli_accounts::{
    AccountData, account_data::AccountDataEvent, keys::OneTimeKeys, to_device::ToDevice,
};
use pli_push::PushRules;
use pli_rooms::{
    MembershipKind, ReceiptKind, StreamedReceipt, THREAD_UNTHREADED, ThreadSubscriptionsToken,
};
use pli_store::{Position, Stamp};
use ruma::{
    OwnedEventId, OwnedRoomId, RoomId, UInt,
    api::client::{
        sync::sync_events::v5::response,
        threads::get_thread_subscriptions_changes::unstable::{
            ThreadSubscription, ThreadUnsubscription,
        },
    },
    events::AnyRoomAccountDataEvent,
    serde::Raw,
};
use serde_json::json;

use super::{
    answer::{SlidingAnswering, Told},
    connection::Connection,
    request::RoomsExtension,
    wanted::{Wanted, WantedRoom},
};
use crate::{Changes, SyncError, answer::account_data_event, joined::receipt_event};

/// How many messages from device to device one answer carries.
const TO_DEVICE_LIMIT: usize = 100;
/// How many changes of thread subscriptions one answer carries.
const THREADS_LIMIT: usize = 100;
/// The receipt's thread of events outside threads.
const THREAD_MAIN: &str = "main";

/// The wanted rooms that the user is in, each with how far it was told before.
pub(crate) type RoomPositions<'w> = HashMap<&'w RoomId, (&'w WantedRoom, Option<Position>)>;

impl SlidingAnswering<'_> {
    pub(crate) async fn add_extensions(
        &mut self,
        wanted: &Wanted,
        connection: &Connection,
        epoch: Option<u64>,
        rooms: &RoomPositions<'_>,
        told: &mut Told,
    ) -> Result<(), SyncError> {
        let extensions = &self.request.body.extensions;
        if extensions.to_device.enabled {
            self.add_to_device(told).await?;
        }
        if extensions.e2ee.enabled {
            self.add_e2ee(wanted, told).await?;
        }
        if extensions.account_data.enabled {
            self.add_account_data(wanted, connection, epoch, rooms, told).await?;
        }
        if extensions.receipts.enabled {
            self.add_receipts(wanted, rooms, told).await?;
        }
        if extensions.typing.enabled {
            self.add_typing(wanted, rooms, told)?;
        }
        if extensions.thread_subscriptions.enabled {
            self.add_thread_subscriptions(told).await?;
        }
        if extensions.profiles.scope.enabled {
            self.add_profiles(wanted, told).await?;
        }
        if extensions.sticky_events.enabled {
            self.add_sticky_events(wanted, told).await?;
        }
        Ok(())
    }

    /// Messages after the `since` of the extension, which says how far the device has dealt with
    /// them.
    async fn add_to_device(&self, told: &mut Told) -> Result<(), SyncError> {
        let wanted = &self.request.body.extensions.to_device;
        let since = position_since("to_device", wanted.since.as_deref())?;
        let limit = wanted.limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(TO_DEVICE_LIMIT).clamp(1, TO_DEVICE_LIMIT);
        let snapshot = &self.base.snapshot;
        let (user_id, device_id) = (&self.request.user_id, &self.request.device_id);
        // A `since` from a future that a restored backup doesn't know says nothing.
        let known = since.filter(|since| *since <= snapshot.position());
        let after = known.unwrap_or(Position::ZERO);
        let pending = ToDevice::pending(snapshot, user_id, device_id, after, limit).await?;
        let next = match pending.up_to {
            Some(up_to) => up_to,
            // Stays the same while nothing comes.
            None => known.filter(|_| pending.events.is_empty()).unwrap_or(snapshot.position()),
        };
        told.has_extension_news |= !pending.events.is_empty();
        told.has_more_to_device = pending.up_to.is_some();
        told.to_device = Some(next);
        let mut section = response::ToDevice::default();
        section.next_batch = next.to_string();
        section.events = pending.events.into_iter().map(Raw::from_json).collect();
        told.extensions.to_device = Some(section);
        Ok(())
    }

    async fn add_e2ee(&mut self, wanted: &Wanted, told: &mut Told) -> Result<(), SyncError> {
        let (user_id, device_id) = (&self.request.user_id, &self.request.device_id);
        let snapshot = &self.base.snapshot;
        let (counts, changed) = OneTimeKeys::counts_versioned(snapshot, user_id, device_id).await?;
        told.has_extension_news |= changed.is_some_and(|changed| changed > self.base.since);
        let section = &mut told.extensions.e2ee;
        section.device_one_time_keys_count = counts
            .one_time_keys
            .into_iter()
            .map(|(algorithm, count)| (algorithm, UInt::new_saturating(count)))
            .collect();
        section.device_unused_fallback_key_types = Some(counts.unused_fallback_types);
        if self.base.is_initial() {
            return Ok(());
        }

        for room in &wanted.active {
            self.note_members(&room.room_id).await?;
        }
        let may_have_changed = match &self.base.changes {
            Changes::Some(news) => news.device_lists || news.own,
            Changes::Nothing => false,
            Changes::Unknown => true,
        };
        if may_have_changed || !self.base.device_lists.is_empty() {
            let lists = self.base.device_lists_since().await?;
            told.has_extension_news |= !lists.is_empty();
            told.extensions.e2ee.device_lists = lists;
        }
        Ok(())
    }

    /// Notes who came into an encrypted room, or went, whether or not the room is wanted: keys are
    /// kept for all rooms.
    async fn note_members(&mut self, room_id: &RoomId) -> Result<(), SyncError> {
        let since = self.base.since;
        let user_id = &self.request.user_id;
        let user_room = self.base.rooms().user_room(&self.base.snapshot, user_id, room_id).await?;
        let Some(user_room) = user_room else { return Ok(()) };
        match user_room.membership {
            MembershipKind::Join => {
                let is_new = user_room.since.position() > since;
                let recent = self.recent(room_id, Stamp::last_at(since), 1, since).await?;
                let Some(recent) = recent else { return Ok(()) };
                let (before, end) = (self.root_at(room_id, since, &recent).await?, recent.state());
                if before != end {
                    let states = self.base.rooms().states();
                    let changed = states.diff(&self.base.snapshot, before, end).await?;
                    self.base
                        .note_device_lists(&user_room, is_new, &changed, recent.summary())
                        .await?;
                }
            }
            MembershipKind::Leave | MembershipKind::Ban => {
                let was_in = user_room.joined_until.is_some_and(|until| until.position() > since);
                let summary = self.base.rooms().summary(&self.base.snapshot, room_id).await?;
                if was_in && summary.is_some_and(|(summary, _)| summary.encryption.is_some()) {
                    self.base.device_lists.left_room(room_id.to_owned());
                }
            }
            MembershipKind::Invite | MembershipKind::Knock => {}
        }
        Ok(())
    }

    async fn add_account_data(
        &self,
        wanted: &Wanted,
        connection: &Connection,
        epoch: Option<u64>,
        rooms: &RoomPositions<'_>,
        told: &mut Told,
    ) -> Result<(), SyncError> {
        let scope = &self.request.body.extensions.account_data;
        let (snapshot, user_id) = (&self.base.snapshot, &self.request.user_id);
        let mut of_rooms: HashMap<OwnedRoomId, Vec<Raw<AnyRoomAccountDataEvent>>> = HashMap::new();
        let own_changed = self.may_have_changed_own();
        let mut changed = if self.base.is_initial() {
            let mut global = AccountData::of(snapshot, user_id, None).await?;
            // Who never changed their push rules has the server's.
            if !global.iter().any(|data| data.event_type == "m.push_rules") {
                global.push(AccountDataEvent {
                    room_id: None,
                    event_type: "m.push_rules".to_owned(),
                    content: PushRules::default_content(user_id)?,
                    position: Position::ZERO,
                });
            }
            global
        } else if own_changed {
            AccountData::changes(snapshot, user_id, self.base.since).await?
        } else {
            Vec::new()
        };

        // A room that is told from the start, or again, is told with all that is kept of it.
        for (room_id, (room, from)) in rooms {
            let is_live = from.is_some_and(|from| from == self.base.since);
            if !is_live && covers(scope, wanted, room) {
                let all = AccountData::of(snapshot, user_id, Some(room_id)).await?;
                changed.retain(|data| data.room_id.as_deref() != Some(room_id));
                changed.extend(all);
            }
        }
        for data in changed {
            match &data.room_id {
                None => {
                    let event = account_data_event(&data)?;
                    told.extensions.account_data.global.push(event);
                }
                Some(room_id) => match rooms.get(&**room_id) {
                    Some((room, _)) => {
                        if covers(scope, wanted, room) {
                            let event = account_data_event(&data)?;
                            of_rooms.entry(room_id.clone()).or_default().push(event);
                        }
                    }
                    None => {
                        if let Some(epoch) = epoch {
                            self.pause(room_id, connection, epoch, told);
                        }
                    }
                },
            }
        }
        told.extensions.account_data.rooms = of_rooms.into_iter().collect();
        told.has_extension_news |= !told.extensions.account_data.is_empty();
        Ok(())
    }

    async fn add_receipts(
        &self,
        wanted: &Wanted,
        rooms: &RoomPositions<'_>,
        told: &mut Told,
    ) -> Result<(), SyncError> {
        let scope = &self.request.body.extensions.receipts;
        for (room_id, (room, from)) in rooms {
            let may_have_any = from.is_none_or(|from| self.may_have_read_after(room_id, from));
            if !may_have_any || !covers(scope, wanted, room) {
                continue;
            }
            let receipts = match from {
                Some(from) => self.receipts_since(room_id, *from).await?,
                None => self.receipts_to_begin_with(room_id, told).await?,
            };
            if let Some(event) = receipt_event(&receipts)? {
                let event = event.cast_unchecked();
                told.extensions.receipts.rooms.insert((*room_id).to_owned(), event);
            }
        }
        told.has_extension_news |= !told.extensions.receipts.is_empty();
        Ok(())
    }

    async fn receipts_since(
        &self,
        room_id: &RoomId,
        from: Position,
    ) -> Result<Vec<StreamedReceipt>, SyncError> {
        let reader = &self.request.user_id;
        let recent = self.recent(room_id, Stamp::last_at(from), 1, from).await?;
        let Some(recent) = recent else { return Ok(Vec::new()) };
        if let Some(receipts) = recent.receipts_since(reader, from) {
            return Ok(receipts.into_iter().cloned().collect());
        }
        Ok(self.base.rooms().receipts_since(&self.base.snapshot, room_id, reader, from).await?)
    }

    /// The receipts for the events that are told, and the user's own.
    async fn receipts_to_begin_with(
        &self,
        room_id: &RoomId,
        told: &Told,
    ) -> Result<Vec<StreamedReceipt>, SyncError> {
        let reader = &self.request.user_id;
        let snapshot = &self.base.snapshot;
        let timeline = told.rooms.get(room_id).map(|room| room.timeline.as_slice());
        let events: HashSet<OwnedEventId> = timeline
            .unwrap_or_default()
            .iter()
            .filter_map(|event| event.get_field("event_id").ok().flatten())
            .collect();
        let recent = self.recent(room_id, Stamp::MIN, 1, Position::ZERO).await?;
        let Some(recent) = recent else { return Ok(Vec::new()) };
        let newest = recent.newest_receipts(reader);
        let mut receipts: Vec<StreamedReceipt> = newest
            .filter(|receipt| receipt.user_id != *reader && events.contains(&receipt.event_id))
            .cloned()
            .collect();
        for kind in [ReceiptKind::Read, ReceiptKind::ReadPrivate] {
            for thread in [THREAD_UNTHREADED, THREAD_MAIN] {
                let rooms = self.base.rooms();
                let own = rooms.receipt(snapshot, room_id, kind, thread, reader).await?;
                receipts.extend(own.map(|own| StreamedReceipt {
                    user_id: reader.clone(),
                    kind,
                    thread: thread.to_owned(),
                    event_id: own.event_id,
                    ts: own.ts,
                }));
            }
        }
        Ok(receipts)
    }

    /// The latest changes of the threads that the user follows; what doesn't fit is fetched by
    /// `prev_batch`.
    async fn add_thread_subscriptions(&self, told: &mut Told) -> Result<(), SyncError> {
        if !self.may_have_changed_own() {
            return Ok(());
        }
        let limit = self.request.body.extensions.thread_subscriptions.limit;
        let limit = limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(THREADS_LIMIT).clamp(1, THREADS_LIMIT);
        let token = ThreadSubscriptionsToken { before: None, after: self.base.since };
        let (snapshot, user_id) = (&self.base.snapshot, &self.request.user_id);
        let rooms = self.base.rooms();
        let page = rooms.thread_subscription_changes(snapshot, user_id, token, limit).await?;
        let section = &mut told.extensions.thread_subscriptions;
        for change in page.changes {
            let bump_stamp = UInt::new_saturating(change.bump_stamp.0);
            match change.automatic {
                Some(automatic) => {
                    let subscribed = section.subscribed.entry(change.room_id).or_default();
                    subscribed.insert(change.root, ThreadSubscription::new(automatic, bump_stamp));
                }
                None => {
                    let unsubscribed = section.unsubscribed.entry(change.room_id).or_default();
                    unsubscribed.insert(change.root, ThreadUnsubscription::new(bump_stamp));
                }
            }
        }
        section.prev_batch = page.earlier.map(|token| token.to_string());
        told.has_extension_news |= !told.extensions.thread_subscriptions.is_empty();
        Ok(())
    }

    /// Whether something of the user's own may have changed since the request's `pos`.
    fn may_have_changed_own(&self) -> bool {
        match &self.base.changes {
            Changes::Some(news) => news.own,
            Changes::Nothing => false,
            Changes::Unknown => true,
        }
    }

    fn add_typing(
        &self,
        wanted: &Wanted,
        rooms: &RoomPositions<'_>,
        told: &mut Told,
    ) -> Result<(), SyncError> {
        let scope = &self.request.body.extensions.typing;
        let changed = match &self.base.changes {
            Changes::Some(news) => Some(&news.typing),
            _ => None,
        };
        for (room_id, (room, from)) in rooms {
            let has_changed =
                changed.is_some_and(|changed| changed.iter().any(|changed| changed == room_id));
            // Where it isn't known whether anybody stopped, those who type are told.
            let may_type = has_changed || from.is_none() || self.base.changes == Changes::Unknown;
            if !may_type || !covers(scope, wanted, room) {
                continue;
            }
            let typing = self.base.sync.inner.typing.now(room_id);
            if !typing.user_ids.is_empty() || (has_changed && from.is_some()) {
                let content = json!({ "user_ids": typing.user_ids });
                let event = json!({ "type": "m.typing", "content": content });
                let event = Raw::new(&event)?.cast_unchecked();
                told.extensions.typing.rooms.insert((*room_id).to_owned(), event);
            }
        }
        told.has_extension_news |= !told.extensions.typing.is_empty();
        Ok(())
    }
}

pub(crate) fn covers(scope: &RoomsExtension, wanted: &Wanted, room: &WantedRoom) -> bool {
    let lists = wanted.lists_of(room);
    scope.covers(room.room.room_id.as_str(), &lists, wanted.is_subscribed(room))
}

/// The position that the `since` of an extension stands for.
///
/// # Errors
/// When it is none of this server's.
pub(crate) fn position_since(
    extension: &str,
    since: Option<&str>,
) -> Result<Option<Position>, SyncError> {
    let malformed = |_| {
        let text = format!("extensions.{extension}.since: not a token of this server");
        SyncError::InvalidRequest(text)
    };
    since.map(|since| since.parse().map(Position)).transpose().map_err(malformed)
}
