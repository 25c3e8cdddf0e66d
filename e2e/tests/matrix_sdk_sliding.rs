//! Two people with the Matrix Rust SDK over sliding sync, as Element X uses it: a window onto the
//! rooms for one connection, keys and messages from device to device on the same. What breaks here
//! breaks for everybody who uses an app built on it.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "support/open_server.rs"]
mod open_server;

use std::{net::SocketAddr, time::Duration};

use matrix_sdk::{
    Client, Room, RoomState, SlidingSync, SlidingSyncList, SlidingSyncMode,
    ruma::{
        OwnedEventId, RoomId,
        api::client::{
            account::register::v3::Request as RegisterRequest,
            room::create_room::v3::Request as CreateRoomRequest,
            uiaa::{AuthData, Dummy},
        },
        events::{
            AnySyncMessageLikeEvent, AnySyncTimelineEvent, InitialStateEvent, StateEventType,
            room::{
                encryption::RoomEncryptionEventContent,
                message::{MessageType, RoomMessageEventContent},
            },
        },
    },
    sliding_sync::Version,
};

/// How many answers a client looks at for something to happen before it gives up.
const PATIENCE: usize = 20;

/// Somebody with an app.
struct Person {
    client: Client,
    sliding_sync: SlidingSync,
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_in_secret_over_sliding_sync_across_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = open_server::start(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)), "").await;
    let address = server.client_address();
    let claire = Person::sign_up(address, "claire.martin").await;
    let samir = Person::sign_up(address, "samir.benali").await;

    let room = claire.encrypted_room_with(&samir).await;
    let room_id = room.room_id();
    samir.until(|| samir.room_state(room_id) == Some(RoomState::Invited)).await;
    samir.client.get_room(room_id).unwrap().join().await.unwrap();
    samir.until(|| samir.room_state(room_id) == Some(RoomState::Joined)).await;
    claire.until(|| room.joined_members_count() == 2).await;

    let first = send(&room, "Point de situation à 10 h").await;
    assert_eq!(samir.read(room_id, &first).await, "Point de situation à 10 h");
    let answer = send(&samir.client.get_room(room_id).unwrap(), "J’y serai").await;
    assert_eq!(claire.read(room_id, &answer).await, "J’y serai");

    server.stop().await;
    let server = open_server::start(folder.path(), address, "").await;
    let second = send(&room, "La note est partie").await;
    assert_eq!(samir.read(room_id, &second).await, "La note est partie");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_learns_all_its_rooms_window_by_window() {
    let folder = tempfile::tempdir().unwrap();
    let server = open_server::start(folder.path(), SocketAddr::from(([127, 0, 0, 1], 0)), "").await;
    let claire = Person::sign_up(server.client_address(), "claire.martin").await;
    for _ in 0..7 {
        claire.client.create_room(CreateRoomRequest::new()).await.unwrap();
    }
    let list = SlidingSyncList::builder("growing")
        .sync_mode(SlidingSyncMode::new_growing(3))
        .timeline_limit(1);
    let growing = Person::sliding_sync(&claire.client, "growing", list).await;
    for _ in 0..3 {
        growing.sync_once().await.unwrap();
    }
    assert_eq!(claire.client.joined_rooms().len(), 7);
    server.stop().await;
}

impl Person {
    async fn sign_up(address: SocketAddr, name: &str) -> Self {
        let builder = Client::builder().homeserver_url(format!("http://{address}"));
        let client = builder
            .sliding_sync_version_builder(matrix_sdk::sliding_sync::VersionBuilder::DiscoverNative);
        // Discovery reads what the server says of itself.
        let client = client.build().await.unwrap();
        let mut request = RegisterRequest::new();
        request.username = Some(name.to_owned());
        request.password = Some("correct horse battery staple".to_owned());
        request.auth = Some(AuthData::Dummy(Dummy::new()));
        client.matrix_auth().register(request).await.unwrap();
        let state = [
            (StateEventType::RoomName, ""),
            (StateEventType::RoomEncryption, ""),
            (StateEventType::RoomMember, "$LAZY"),
            (StateEventType::RoomMember, "$ME"),
            (StateEventType::RoomCreate, ""),
            (StateEventType::SpaceChild, "*"),
        ];
        let state = state.map(|(event_type, key)| (event_type, key.to_owned()));
        let list = SlidingSyncList::builder("all_rooms")
            .sync_mode(SlidingSyncMode::new_selective().add_range(0..=19))
            .required_state(state.to_vec())
            .timeline_limit(10);
        let sliding_sync = Self::sliding_sync(&client, "room-list", list).await;
        sliding_sync.sync_once().await.unwrap();
        Self { client, sliding_sync }
    }

    async fn sliding_sync(
        client: &Client,
        name: &str,
        list: matrix_sdk::SlidingSyncListBuilder,
    ) -> SlidingSync {
        let builder = client.sliding_sync(name).unwrap().version(Version::Native);
        builder
            .poll_timeout(Duration::from_secs(5))
            .add_list(list)
            .with_all_extensions()
            .build()
            .await
            .unwrap()
    }

    async fn encrypted_room_with(&self, other: &Self) -> Room {
        let encryption = RoomEncryptionEventContent::with_recommended_defaults();
        let mut request = CreateRoomRequest::new();
        request.initial_state =
            vec![InitialStateEvent::with_empty_state_key(encryption).to_raw_any()];
        request.invite = vec![other.client.user_id().unwrap().to_owned()];
        request.is_direct = true;
        let room = self.client.create_room(request).await.unwrap();
        self.until(|| room.encryption_state().is_encrypted()).await;
        room
    }

    fn room_state(&self, room_id: &RoomId) -> Option<RoomState> {
        self.client.get_room(room_id).map(|room| room.state())
    }

    /// Takes in answers until something has happened.
    async fn until(&self, has_happened: impl Fn() -> bool) {
        for _ in 0..PATIENCE {
            if has_happened() {
                return;
            }
            self.sliding_sync.sync_once().await.unwrap();
        }
        panic!("it did not happen within {PATIENCE} answers");
    }

    /// The text of a message, decrypted by the reader's own client.
    async fn read(&self, room_id: &RoomId, event_id: &OwnedEventId) -> String {
        let room = self.client.get_room(room_id).unwrap();
        for _ in 0..PATIENCE {
            self.sliding_sync.sync_once().await.unwrap();
            let event = room.event(event_id, None).await.unwrap();
            if event.encryption_info().is_none() {
                continue;
            }
            let AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(message)) =
                event.raw().deserialize().unwrap()
            else {
                panic!("not a message: {:?}", event.raw().json())
            };
            return match message.as_original().unwrap().content.msgtype.clone() {
                MessageType::Text(text) => text.body,
                other => panic!("not a text: {other:?}"),
            };
        }
        panic!("the key did not come within {PATIENCE} answers");
    }
}

async fn send(room: &Room, text: &str) -> OwnedEventId {
    room.send(RoomMessageEventContent::text_plain(text)).await.unwrap().response.event_id
}
