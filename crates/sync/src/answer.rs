//! One answer, from one snapshot.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use pli_accounts::{
    AccountData, account_data::AccountDataEvent, keys::OneTimeKeys, to_device::ToDevice,
};
use pli_push::PushRules;
use pli_rooms::{IgnoredUsers, MembershipKind, Rooms, UserRoom, filter};
use pli_store::{Position, Snapshot};
use ruma::{
    OwnedRoomId, RoomId, UInt,
    api::client::sync::sync_events::v3::{InvitedRoom, KnockedRoom, Response},
    events::{AnyGlobalAccountDataEvent, AnyRoomAccountDataEvent},
    push::Ruleset,
    serde::Raw,
};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::OnceCell;

use crate::{
    Changes, News, Sync, SyncError, SyncRequest, SyncToken, device_lists::DeviceListChanges,
    service::since_position, sticky::Sticky,
};

/// How many to-device messages one answer carries.
const TO_DEVICE_LIMIT: usize = 100;

/// An answer being built.
pub(crate) struct Answering<'a> {
    pub(crate) sync: &'a Sync,
    pub(crate) request: &'a SyncRequest,
    pub(crate) snapshot: Snapshot,
    /// Where the request's token stands.
    pub(crate) since: Position,
    pub(crate) changes: Changes,
    pub(crate) device_lists: DeviceListChanges,
    /// Rooms in which nothing was appended or read: only typing or account data changed.
    pub(crate) quiet_rooms: HashSet<OwnedRoomId>,
    /// Keys of the device were given away (or uploaded) since.
    key_counts_changed: bool,
    push_rules: OnceCell<Arc<Ruleset>>,
    ignored: OnceCell<IgnoredUsers>,
    pub(crate) response: Response,
    /// What sticks in the rooms looked at so far.
    pub(crate) sticky: Vec<Sticky>,
    pub(crate) next: SyncToken,
}

impl<'a> Answering<'a> {
    pub(crate) async fn build(
        sync: &'a Sync,
        request: &'a SyncRequest,
        snapshot: Snapshot,
        changes: Changes,
        next: SyncToken,
    ) -> Result<Self, SyncError> {
        let mut answering = Self::new(sync, request, snapshot, changes, next);
        let has_changes = answering.changes != Changes::Nothing;
        if has_changes || request.full_state || answering.has_more_sticky() {
            answering.fill().await?;
        } else if answering.has_more_to_device() {
            answering.add_to_device().await?;
        }
        answering.add_key_counts().await?;
        Ok(answering)
    }

    /// An answer in which nothing is told yet.
    pub(crate) fn new(
        sync: &'a Sync,
        request: &'a SyncRequest,
        snapshot: Snapshot,
        changes: Changes,
        next: SyncToken,
    ) -> Self {
        Self {
            sync,
            request,
            snapshot,
            since: since_position(request),
            changes,
            device_lists: DeviceListChanges::default(),
            quiet_rooms: HashSet::new(),
            key_counts_changed: false,
            push_rules: OnceCell::new(),
            ignored: OnceCell::new(),
            response: Response::new(String::new()),
            sticky: Vec::new(),
            next,
        }
    }

    /// Whether there is nothing that a waiting client should be told.
    pub(crate) fn is_empty(&self) -> bool {
        self.response.rooms.is_empty()
            && self.response.rooms.knock.is_empty()
            && self.response.account_data.is_empty()
            && self.response.to_device.is_empty()
            && self.response.device_lists.is_empty()
            && self.response.presence.is_empty()
            && !self.key_counts_changed
    }

    /// Whether no to-device message is left for the device, after what it has acknowledged.
    pub(crate) fn has_no_to_device(&self) -> bool {
        self.response.to_device.is_empty() && self.next.to_device == self.next.position
    }

    pub(crate) fn into_response(mut self) -> Response {
        self.response.next_batch = self.next.to_string();
        self.response
    }

    pub(crate) fn rooms(&self) -> &'a Rooms {
        &self.sync.inner.rooms
    }

    /// The push rules of whoever asks.
    pub(crate) async fn push_rules(&self) -> Result<&Arc<Ruleset>, SyncError> {
        let read = || self.sync.inner.unread.rules(&self.snapshot, &self.request.user_id);
        Ok(self.push_rules.get_or_try_init(read).await?)
    }

    /// Whom whoever asks ignores.
    pub(crate) async fn ignored(&self) -> Result<&IgnoredUsers, SyncError> {
        let read = || self.rooms().ignored_users(&self.snapshot, &self.request.user_id);
        Ok(self.ignored.get_or_try_init(read).await?)
    }

    /// Whether an invitation is one that its addressee doesn't want to be told of.
    pub(crate) async fn is_ignored_invite(&self, invite: &UserRoom) -> Result<bool, SyncError> {
        let (snapshot, user_id) = (&self.snapshot, &self.request.user_id);
        let ignored = self.ignored().await?;
        Ok(self.rooms().is_unwanted_invite(snapshot, user_id, ignored, invite).await?)
    }

    pub(crate) fn is_initial(&self) -> bool {
        self.request.since.is_none()
    }

    /// Whether the answer before left to-device messages out: nothing new has to happen for them to
    /// come now.
    fn has_more_to_device(&self) -> bool {
        self.request.since.is_some_and(|since| since.to_device < since.position)
    }

    async fn fill(&mut self) -> Result<(), SyncError> {
        let news = match &self.changes {
            Changes::Some(news) => Some(news.clone()),
            _ => None,
        };
        let own_changed = news.as_ref().is_none_or(|news| news.own);
        let mut of_rooms = HashMap::new();
        if own_changed || self.request.full_state {
            of_rooms = self.add_account_data().await?;
        }
        if own_changed || self.request.full_state || self.has_more_to_device() {
            self.add_to_device().await?;
        }
        let user_rooms = self.rooms_to_visit(news.as_ref(), &of_rooms).await?;
        for user_room in user_rooms {
            let account_data = of_rooms.remove(&user_room.room_id).unwrap_or_default();
            self.add_room(&user_room, account_data).await?;
        }
        self.add_sticky().await?;
        let lists_changed = news.as_ref().is_none_or(|news| news.device_lists || news.own);
        if !self.is_initial() && (lists_changed || !self.device_lists.is_empty()) {
            self.response.device_lists = self.device_lists_since().await?;
        }
        self.add_presence().await
    }

    /// The rooms in which something may have happened: those that the notifier names, or, when it
    /// doesn't know so far back, all.
    async fn rooms_to_visit(
        &mut self,
        news: Option<&News>,
        account_data: &HashMap<OwnedRoomId, Vec<Raw<AnyRoomAccountDataEvent>>>,
    ) -> Result<Vec<UserRoom>, SyncError> {
        let wanted = &self.request.filter.room;
        let is_wanted = |room_id: &RoomId| {
            !wanted.not_rooms.iter().any(|excluded| excluded == room_id)
                && wanted
                    .rooms
                    .as_ref()
                    .is_none_or(|rooms| rooms.iter().any(|room| room == room_id))
        };
        let user_id = &self.request.user_id;
        let looks_everywhere = self.request.full_state || self.has_more_sticky();
        let Some(news) = news.filter(|_| !looks_everywhere) else {
            let mut rooms = self.rooms().user_rooms(&self.snapshot, user_id).await?;
            rooms.retain(|room| is_wanted(&room.room_id));
            return Ok(rooms);
        };

        let mut room_ids: Vec<&OwnedRoomId> =
            news.rooms.iter().chain(&news.typing).chain(account_data.keys()).collect();
        room_ids.sort_unstable();
        room_ids.dedup();
        if room_ids.len() > news.rooms.len() {
            let changed: HashSet<&OwnedRoomId> = news.rooms.iter().collect();
            let quiet = room_ids.iter().filter(|room_id| !changed.contains(*room_id));
            self.quiet_rooms = quiet.map(|room_id| (*room_id).clone()).collect();
        }
        let mut rooms = Vec::with_capacity(room_ids.len());
        for room_id in room_ids.into_iter().filter(|room_id| is_wanted(room_id)) {
            rooms.extend(self.rooms().user_room(&self.snapshot, user_id, room_id).await?);
        }
        Ok(rooms)
    }

    async fn add_room(
        &mut self,
        user_room: &UserRoom,
        account_data: Vec<Raw<AnyRoomAccountDataEvent>>,
    ) -> Result<(), SyncError> {
        let room_id = user_room.room_id.clone();
        let changed = user_room.changed.position() > self.since;
        match user_room.membership {
            MembershipKind::Join => {
                if let Some(joined) = Box::pin(self.joined_room(user_room, account_data)).await? {
                    self.response.rooms.join.insert(room_id, joined);
                }
            }
            MembershipKind::Invite if changed || self.request.full_state => {
                if self.is_ignored_invite(user_room).await? {
                    return Ok(());
                }
                let state = stripped_state(user_room)?;
                let mut invited = InvitedRoom::new();
                invited.invite_state.events = state;
                self.response.rooms.invite.insert(room_id, invited);
            }
            MembershipKind::Knock if changed || self.request.full_state => {
                let mut knocked = KnockedRoom::new();
                knocked.knock_state.events = stripped_state(user_room)?;
                self.response.rooms.knock.insert(room_id, knocked);
            }
            MembershipKind::Leave | MembershipKind::Ban => {
                if let Some(left) = Box::pin(self.left_room(user_room, account_data)).await? {
                    self.response.rooms.leave.insert(room_id, left);
                }
            }
            MembershipKind::Invite | MembershipKind::Knock => {}
        }
        Ok(())
    }

    /// Adds the account data that is about no room; gives back what is about rooms.
    async fn add_account_data(
        &mut self,
    ) -> Result<HashMap<OwnedRoomId, Vec<Raw<AnyRoomAccountDataEvent>>>, SyncError> {
        let user_id = &self.request.user_id;
        let changed = if self.is_initial() || self.request.full_state {
            let mut all = AccountData::all(&self.snapshot, user_id).await?;
            // Who never changed their push rules has the server's.
            if !all.iter().any(|data| data.room_id.is_none() && data.event_type == "m.push_rules") {
                all.push(AccountDataEvent {
                    room_id: None,
                    event_type: "m.push_rules".to_owned(),
                    content: PushRules::default_content(user_id)?,
                    position: Position::ZERO,
                });
            }
            all
        } else {
            AccountData::changes(&self.snapshot, user_id, self.since).await?
        };

        let mut of_rooms: HashMap<OwnedRoomId, Vec<_>> = HashMap::new();
        for data in changed {
            match &data.room_id {
                Some(room_id) => {
                    let wanted = &self.request.filter.room.account_data;
                    if filter::matches_other(wanted, room_id, &data.event_type) {
                        let event = account_data_event::<AnyRoomAccountDataEvent>(&data)?;
                        of_rooms.entry(room_id.clone()).or_default().push(event);
                    }
                }
                None => {
                    if filter::matches_global(&self.request.filter.account_data, &data.event_type) {
                        let event = account_data_event::<AnyGlobalAccountDataEvent>(&data)?;
                        self.response.account_data.events.push(event);
                    }
                }
            }
        }
        Ok(of_rooms)
    }

    async fn add_to_device(&mut self) -> Result<(), SyncError> {
        let after = self.request.since.map_or(Position::ZERO, |since| since.to_device);
        let (user_id, device_id) = (&self.request.user_id, &self.request.device_id);
        let pending =
            ToDevice::pending(&self.snapshot, user_id, device_id, after, TO_DEVICE_LIMIT).await?;
        self.response.to_device.events = pending.events.into_iter().map(Raw::from_json).collect();
        if let Some(up_to) = pending.up_to {
            self.next.to_device = up_to;
        }
        Ok(())
    }

    /// How many one-time keys are left, so that the device uploads more in time.
    async fn add_key_counts(&mut self) -> Result<(), SyncError> {
        let (user_id, device_id) = (&self.request.user_id, &self.request.device_id);
        let (counts, changed) =
            OneTimeKeys::counts_versioned(&self.snapshot, user_id, device_id).await?;
        self.key_counts_changed = changed.is_some_and(|changed| changed > self.since);
        self.response.device_one_time_keys_count = counts
            .one_time_keys
            .into_iter()
            .map(|(algorithm, count)| (algorithm, UInt::new_saturating(count)))
            .collect();
        self.response.device_unused_fallback_key_types = Some(counts.unused_fallback_types);
        Ok(())
    }
}

pub(crate) fn account_data_event<T>(data: &AccountDataEvent) -> Result<Raw<T>, SyncError> {
    #[derive(Serialize)]
    struct Event<'a> {
        r#type: &'a str,
        content: &'a RawValue,
    }
    let event = Event { r#type: &data.event_type, content: &data.content };
    Ok(Raw::from_json(serde_json::value::to_raw_value(&event)?))
}

pub(crate) fn stripped_state<T>(user_room: &UserRoom) -> Result<Vec<Raw<T>>, SyncError> {
    let events = user_room.stripped_state.as_deref().unwrap_or("[]");
    let events: Vec<Box<RawValue>> = serde_json::from_str(events)?;
    Ok(events.into_iter().map(Raw::from_json).collect())
}
