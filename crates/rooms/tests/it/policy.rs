//! Rooms whose policy server is down.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use pli_rooms::{PolicyServer, RoomError, RoomsConfig};
use pli_store::Store;
use ruma::{RoomId, events::StateEventType, server_name};
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::Server;

async fn is_refused(server: &Server, room_id: &RoomId, text: &str) -> bool {
    let outcome = server.say("claire", room_id, text, text).await;
    matches!(outcome, Err(RoomError::PolicyServerFailed))
}

/// Each message would wait until all those before it have waited in vain.
#[tokio::test]
async fn a_policy_server_that_is_down_is_not_asked_for_each_message() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    let mut config = RoomsConfig::new(server_name!("pli.test").to_owned());
    config.policy_server = Some(PolicyServer::new(format!("http://{address}")).unwrap());
    let server = Server::with(Store::memory(), config);
    let room_id = server.room_of("claire").await;
    let key = server.key.public_key().encode();
    let content = json!({ "via": "pli.test", "public_keys": { "ed25519": key } });
    let policy = StateEventType::from("m.room.policy");
    server.set("claire", &room_id, policy, "", content).await.unwrap();

    assert!(is_refused(&server, &room_id, "1").await);
    let asked_once = asked.load(Ordering::SeqCst);
    assert!(asked_once > 0);
    let (second, third) =
        tokio::join!(is_refused(&server, &room_id, "2"), is_refused(&server, &room_id, "3"));
    assert!(second && third);
    assert_eq!(asked.load(Ordering::SeqCst), asked_once);

    server.clock.advance(Duration::from_secs(6));
    assert!(is_refused(&server, &room_id, "4").await);
    assert!(asked.load(Ordering::SeqCst) > asked_once, "it may be there again");
}
