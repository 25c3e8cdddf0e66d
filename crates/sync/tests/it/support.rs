//! A server's sync in a store in memory.

use std::{sync::Arc, time::Duration};

use pli_accounts::to_device::ToDevice;
use pli_events::SigningKey;
use pli_push::{PushRules, Unread};
use pli_rooms::{CreateRoom, MembershipChange, Preset, Rooms, RoomsConfig, SendMessage, SetState};
use pli_store::{
    Store,
    ambient::{Ambient, Entropy, ManualClock, SeededEntropy},
};
use pli_sync::{Sync, SyncRequest, SyncToken};
use ruma::{
    OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId,
    api::client::sync::sync_events::v3::{Response, State},
    events::{StateEventType, TimelineEventType},
    server_name,
};
use serde_json::{Value, value::to_raw_value};

pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) rooms: Rooms,
    pub(crate) sync: Sync,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key: SigningKey,
}

pub(crate) fn user(name: &str) -> OwnedUserId {
    UserId::parse(format!("@{name}:pli.test")).unwrap()
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::on(Store::memory()).await
    }

    /// Another node that shares the store: it has nothing of this one's memory.
    pub(crate) async fn other_node(&self) -> Self {
        Self::on(self.store.clone()).await
    }

    async fn on(store: Store) -> Self {
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let entropy = SeededEntropy::new(7);
        let key = SigningKey::generate(&mut |buffer| entropy.fill(buffer));
        let ambient = Ambient { clock: Arc::clone(&clock) as _, entropy: Arc::new(entropy) };
        let config = RoomsConfig::new(server_name!("pli.test").to_owned());
        let same_key = SigningKey::from_text(&key.to_text()).unwrap();
        let rooms = Rooms::new(store.clone(), ambient.clone(), config, same_key);
        let unread = Unread::new(rooms.clone(), PushRules::new(store.clone()));
        let to_device = ToDevice::new(store.clone(), ambient.clone());
        let typing = rooms.typing().clone();
        let sync =
            Sync::start(store.clone(), ambient, rooms.clone(), typing, unread, to_device, false)
                .await
                .unwrap();
        Self { store, rooms, sync, clock, key }
    }

    pub(crate) async fn room_of(&self, names: &[&str]) -> OwnedRoomId {
        // A room's id is the hash of how it began: the same moment would make the same room.
        self.clock.advance(Duration::from_millis(1));
        let mut request = CreateRoom::new(user(names[0]));
        request.preset = Some(Preset::PublicChat);
        let room_id = self.rooms.create_room(request).await.unwrap();
        for name in &names[1..] {
            let change = MembershipChange::new(user(name), room_id.clone());
            self.rooms.join(change).await.unwrap();
        }
        room_id
    }

    pub(crate) async fn say(&self, name: &str, room_id: &RoomId, text: &str) -> OwnedEventId {
        let content = serde_json::json!({ "msgtype": "m.text", "body": text });
        self.rooms
            .send_message(SendMessage {
                sender: user(name),
                device_id: "DEVICE".into(),
                room_id: room_id.to_owned(),
                event_type: TimelineEventType::RoomMessage,
                content: to_raw_value(&content).unwrap(),
                transaction_id: text.into(),
                timestamp: None,
                sticky: None,
            })
            .await
            .unwrap()
    }

    pub(crate) async fn set(
        &self,
        name: &str,
        room_id: &RoomId,
        event_type: StateEventType,
        content: Value,
    ) -> OwnedEventId {
        self.rooms
            .set_state(SetState {
                sender: user(name),
                room_id: room_id.to_owned(),
                event_type,
                state_key: String::new(),
                content: to_raw_value(&content).unwrap(),
                timestamp: None,
                sticky: None,
            })
            .await
            .unwrap()
    }

    pub(crate) fn request(name: &str, since: Option<&str>) -> SyncRequest {
        SyncRequest {
            user_id: user(name),
            device_id: "DEVICE".into(),
            since: since.map(|since| since.parse().unwrap()),
            filter: Arc::default(),
            full_state: false,
            use_state_after: false,
            timeout: Duration::ZERO,
        }
    }

    pub(crate) async fn sync(&self, name: &str, since: Option<&str>) -> Response {
        self.sync.sync(&Self::request(name, since), std::future::pending()).await.unwrap()
    }

    /// A first sync; gives the token.
    pub(crate) async fn begin(&self, name: &str) -> String {
        self.sync(name, None).await.next_batch
    }

    /// Whether the notifier knows that nothing happened for a user since a token.
    pub(crate) async fn changes(&self, name: &str, since: &str) -> pli_sync::Changes {
        let token: SyncToken = since.parse().unwrap();
        let notifier = self.sync.notifier();
        notifier.reach(self.store.position().await.unwrap()).await;
        notifier.changes(&user(name), token.position, token.ephemeral)
    }
}

/// The messages of a room in an answer.
pub(crate) fn texts(response: &Response, room_id: &RoomId) -> Vec<String> {
    let Some(room) = response.rooms.join.get(room_id) else { return Vec::new() };
    let body = |event: &ruma::serde::Raw<_>| {
        let event: Value = serde_json::from_str(event.json().get()).ok()?;
        event["content"]["body"].as_str().map(ToOwned::to_owned)
    };
    room.timeline.events.iter().filter_map(body).collect()
}

/// Type and event id of what an answer says of a room's state.
pub(crate) fn state(response: &Response, room_id: &RoomId) -> Vec<(String, String)> {
    let (State::Before(events) | State::After(events)) = &response.rooms.join[room_id].state else {
        return Vec::new();
    };
    let pair = |event: &ruma::serde::Raw<_>| {
        let event: Value = serde_json::from_str(event.json().get()).unwrap();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        (text("type"), text("event_id"))
    };
    let mut pairs: Vec<_> = events.events.iter().map(pair).collect();
    pairs.sort_unstable();
    pairs
}
