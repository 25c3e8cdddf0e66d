//! Two people with the Matrix Rust SDK: its own client, its own cryptography. What breaks here breaks
//! for everybody who uses an app built on it.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "support/open_server.rs"]
mod open_server;

use std::{net::SocketAddr, time::Duration};

use matrix_sdk::{
    Client, Room, RoomState,
    config::SyncSettings,
    ruma::{
        OwnedEventId, OwnedRoomId, OwnedUserId, RoomId,
        api::client::{
            account::register::v3::Request as RegisterRequest,
            room::create_room::v3::Request as CreateRoomRequest,
            uiaa::{AuthData, Dummy},
        },
        events::{
            AnySyncMessageLikeEvent, AnySyncTimelineEvent, InitialStateEvent,
            room::{
                encryption::RoomEncryptionEventContent,
                message::{MessageType, RoomMessageEventContent},
            },
        },
    },
};
use pli_store::testing::PostgresServer;

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_across_a_restart_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("pli.db").display());
    two_people_talk_across_a_restart(folder.path(), &store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_talk_across_a_restart_on_postgresql() {
    let folder = tempfile::tempdir().unwrap();
    let postgres = PostgresServer::start().unwrap();
    let store = postgres.create_database("pli").await.unwrap();
    two_people_talk_across_a_restart(folder.path(), &store).await;
}

async fn two_people_talk_across_a_restart(folder: &std::path::Path, store: &str) {
    let store = format!("store.url = \"{store}\"");
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let server = open_server::start(folder, any_port, &store).await;
    let address = server.client_address();

    let claire = sign_up(address, "claire.martin").await;
    let samir = sign_up(address, "samir.benali").await;
    let room = encrypted_room_with(&claire, samir.user_id().unwrap().to_owned()).await;
    accept_invitation(&samir, room.room_id()).await;
    claire.sync_once(SyncSettings::default()).await.unwrap();

    let first = send(&room, "Point de situation à 10 h").await;
    assert_eq!(read(&samir, room.room_id(), &first).await, "Point de situation à 10 h");

    server.stop().await;
    let server = open_server::start(folder, address, &store).await;

    // Both go on with the sessions, tokens and keys that they had.
    let second = send(&room, "La note est partie").await;
    assert_eq!(read(&samir, room.room_id(), &second).await, "La note est partie");
    let samir_room = samir.get_room(room.room_id()).unwrap();
    let third = send(&samir_room, "Bien reçu").await;
    assert_eq!(read(&claire, room.room_id(), &third).await, "Bien reçu");
    server.stop().await;
}

async fn sign_up(address: SocketAddr, name: &str) -> Client {
    let client =
        Client::builder().homeserver_url(format!("http://{address}")).build().await.unwrap();
    let mut request = RegisterRequest::new();
    request.username = Some(name.to_owned());
    request.password = Some("correct horse battery staple".to_owned());
    request.auth = Some(AuthData::Dummy(Dummy::new()));
    client.matrix_auth().register(request).await.unwrap();
    client.sync_once(SyncSettings::default()).await.unwrap();
    client
}

async fn encrypted_room_with(client: &Client, other: OwnedUserId) -> Room {
    let encryption = RoomEncryptionEventContent::with_recommended_defaults();
    let mut request = CreateRoomRequest::new();
    request.initial_state = vec![InitialStateEvent::with_empty_state_key(encryption).to_raw_any()];
    request.invite = vec![other];
    request.is_direct = true;
    let room = client.create_room(request).await.unwrap();
    client.sync_once(SyncSettings::default()).await.unwrap();
    room
}

async fn accept_invitation(client: &Client, room_id: &RoomId) {
    client.sync_once(SyncSettings::default()).await.unwrap();
    let invited = client.get_room(room_id).unwrap();
    assert_eq!(invited.state(), RoomState::Invited);
    invited.join().await.unwrap();
    client.sync_once(SyncSettings::default()).await.unwrap();
}

async fn send(room: &Room, text: &str) -> OwnedEventId {
    let sent = room.send(RoomMessageEventContent::text_plain(text)).await.unwrap();
    sent.response.event_id
}

/// The text of a message, decrypted by the reader's own client once it has synced.
async fn read(reader: &Client, room_id: &RoomId, event_id: &OwnedEventId) -> String {
    let room_id: OwnedRoomId = room_id.to_owned();
    let settings = SyncSettings::default().timeout(Duration::from_secs(5));
    reader.sync_once(settings).await.unwrap();
    let room = reader.get_room(&room_id).unwrap();
    let event = room.event(event_id, None).await.unwrap();
    assert!(event.encryption_info().is_some(), "the message was not encrypted");
    let AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(message)) =
        event.raw().deserialize().unwrap()
    else {
        panic!("not a message: {:?}", event.raw().json())
    };
    match message.as_original().unwrap().content.msgtype.clone() {
        MessageType::Text(text) => text.body,
        other => panic!("not a text: {other:?}"),
    }
}
