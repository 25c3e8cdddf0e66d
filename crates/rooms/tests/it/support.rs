//! A server's rooms in a store of their own, and short ways to do the usual things.

use std::sync::Arc;

use pli_events::SigningKey;
use pli_rooms::{
    CreateRoom, MembershipChange, MembershipKind, RoomError, RoomEvent, Rooms, RoomsConfig,
    SendMessage, SetState, TimelineRange,
};
use pli_store::{
    Direction, Snapshot, Store,
    ambient::{Ambient, Entropy, ManualClock, SeededEntropy},
};
use ruma::{
    OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId,
    events::{StateEventType, TimelineEventType},
    server_name,
};
use serde_json::{Value, value::to_raw_value};

pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) rooms: Rooms,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) key: SigningKey,
}

pub(crate) fn user(name: &str) -> OwnedUserId {
    UserId::parse(format!("@{name}:pli.test")).unwrap()
}

pub(crate) fn raw(content: Value) -> Box<serde_json::value::RawValue> {
    to_raw_value(&content).unwrap()
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::on(Store::memory())
    }

    pub(crate) fn on(store: Store) -> Self {
        Self::with(store, RoomsConfig::new(server_name!("pli.test").to_owned()))
    }

    pub(crate) fn with(store: Store, config: RoomsConfig) -> Self {
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let entropy = SeededEntropy::new(7);
        let key = SigningKey::generate(&mut |buffer| entropy.fill(buffer));
        let ambient = Ambient { clock: clock.clone(), entropy: Arc::new(entropy) };
        let same_key = SigningKey::from_text(&key.to_text()).unwrap();
        let rooms = Rooms::new(store.clone(), ambient, config, same_key);
        Self { store, rooms, clock, key }
    }

    /// The same store after a restart: nothing in memory.
    pub(crate) fn restarted(&self) -> Self {
        Self::on(self.store.clone())
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        self.store.snapshot().await.unwrap()
    }

    pub(crate) async fn room_of(&self, creator: &str) -> OwnedRoomId {
        self.rooms.create_room(CreateRoom::new(user(creator))).await.unwrap()
    }

    pub(crate) async fn public_room_of(&self, creator: &str) -> OwnedRoomId {
        let mut request = CreateRoom::new(user(creator));
        request.preset = Some(pli_rooms::Preset::PublicChat);
        self.rooms.create_room(request).await.unwrap()
    }

    pub(crate) async fn join(
        &self,
        name: &str,
        room_id: &RoomId,
    ) -> Result<OwnedEventId, RoomError> {
        self.rooms.join(MembershipChange::new(user(name), room_id.to_owned())).await
    }

    pub(crate) async fn leave(
        &self,
        name: &str,
        room_id: &RoomId,
    ) -> Result<OwnedEventId, RoomError> {
        self.rooms.leave(MembershipChange::new(user(name), room_id.to_owned())).await
    }

    pub(crate) async fn invite(
        &self,
        sender: &str,
        room_id: &RoomId,
        target: &str,
    ) -> Result<OwnedEventId, RoomError> {
        let change = MembershipChange::new(user(sender), room_id.to_owned());
        self.rooms.invite(change, user(target), false).await
    }

    pub(crate) async fn say(
        &self,
        name: &str,
        room_id: &RoomId,
        text: &str,
        transaction: &str,
    ) -> Result<OwnedEventId, RoomError> {
        self.rooms
            .send_message(SendMessage {
                sender: user(name),
                device_id: "DEVICE".into(),
                room_id: room_id.to_owned(),
                event_type: TimelineEventType::RoomMessage,
                content: raw(serde_json::json!({ "msgtype": "m.text", "body": text })),
                transaction_id: transaction.into(),
                timestamp: None,
                sticky: None,
            })
            .await
    }

    /// Sends a message for each number, one after the other.
    pub(crate) async fn chat(
        &self,
        name: &str,
        room_id: &RoomId,
        numbers: std::ops::Range<usize>,
    ) -> Vec<OwnedEventId> {
        let mut event_ids = Vec::new();
        for number in numbers {
            let text = number.to_string();
            event_ids.push(self.say(name, room_id, &text, &text).await.unwrap());
        }
        event_ids
    }

    pub(crate) async fn set(
        &self,
        name: &str,
        room_id: &RoomId,
        event_type: StateEventType,
        state_key: &str,
        content: Value,
    ) -> Result<OwnedEventId, RoomError> {
        self.rooms
            .set_state(SetState {
                sender: user(name),
                room_id: room_id.to_owned(),
                event_type,
                state_key: state_key.to_owned(),
                content: raw(content),
                timestamp: None,
                sticky: None,
            })
            .await
    }

    pub(crate) async fn timeline(&self, room_id: &RoomId) -> Vec<Arc<RoomEvent>> {
        let snapshot = self.snapshot().await;
        self.rooms
            .timeline(&snapshot, room_id, TimelineRange::ALL, 10_000, Direction::Forward)
            .await
            .unwrap()
    }

    pub(crate) async fn state_content(
        &self,
        room_id: &RoomId,
        event_type: StateEventType,
        state_key: &str,
    ) -> Option<Value> {
        let snapshot = self.snapshot().await;
        let root = self.rooms.current_state_root(&snapshot, room_id).await.unwrap();
        let event = self.rooms.state_event(&snapshot, root, &event_type, state_key).await.unwrap();
        event.map(|event| event.pdu.content_as().unwrap())
    }

    pub(crate) async fn membership(&self, name: &str, room_id: &RoomId) -> Option<MembershipKind> {
        let snapshot = self.snapshot().await;
        let user_room = self.rooms.user_room(&snapshot, &user(name), room_id).await.unwrap();
        user_room.map(|user_room| user_room.membership)
    }

    /// Whether a user gets to see an event by asking for it.
    pub(crate) async fn sees(&self, name: &str, room_id: &RoomId, event_id: &OwnedEventId) -> bool {
        let snapshot = self.snapshot().await;
        self.rooms.event_for(&snapshot, &user(name), room_id, event_id).await.is_ok()
    }
}

/// Runs a check on every engine that a test can have without a server beside it.
pub(crate) async fn on_each_store<F: Future<Output = ()>>(check: impl Fn(Server) -> F) {
    check(Server::new()).await;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("rooms.db").display());
    let store = Store::open(&url).await.unwrap();
    check(Server::on(store.clone())).await;
    store.close().await;
}
