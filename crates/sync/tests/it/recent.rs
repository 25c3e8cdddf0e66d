//! The members of a room are answered from what was read once for all of them: nobody may be shown
//! more, or older things, than a reading of their own would show.

use pli_accounts::filters::SyncFilter;
use pli_rooms::{Mark, MembershipChange, ReceiptKind, ReceiptThreadKey, Redaction};
use ruma::{EventId, OwnedRoomId, RoomId, UInt, events::StateEventType};
use serde_json::json;

use crate::support::{Server, texts, user};

/// A message's text; its sender's device is told its transaction id besides.
const SECRET: &str = r#""body":"secret""#;
const NAMES: [&str; 3] = ["claire", "samir", "awa"];

async fn read(
    server: &Server,
    name: &str,
    room_id: &RoomId,
    event_id: &EventId,
    kind: ReceiptKind,
) {
    let mark = Mark::Receipt(kind, ReceiptThreadKey::Unthreaded);
    server.rooms.mark_read(&user(name), room_id, event_id, &mark).await.unwrap();
}

async fn unread(server: &Server, name: &str, room_id: &RoomId) -> Option<UInt> {
    let response = server.sync(name, None).await;
    response.rooms.join[room_id].unread_notifications.notification_count
}

/// Everything that an answer to somebody's first sync says, as text.
async fn everything(server: &Server, name: &str, room_id: &OwnedRoomId) -> String {
    let response = server.sync(name, None).await;
    serde_json::to_string(&response.rooms.join[room_id]).unwrap()
}

/// What somebody took back would still be shown.
#[tokio::test]
async fn what_was_taken_back_is_shown_to_nobody_on_any_node() {
    let server = Server::new().await;
    let other_node = server.other_node().await;
    let room_id = server.room_of(&NAMES).await;
    let since = server.begin("awa").await;
    let secret = server.say("samir", &room_id, "secret").await;
    for name in NAMES {
        assert!(everything(&server, name, &room_id).await.contains(SECRET));
        assert!(everything(&other_node, name, &room_id).await.contains(SECRET));
    }

    let redaction = Redaction {
        sender: user("samir"),
        device_id: "DEVICE".into(),
        room_id: room_id.clone(),
        event_id: secret,
        reason: None,
        transaction_id: "redact".into(),
    };
    server.rooms.redact(redaction).await.unwrap();
    for node in [&server, &other_node] {
        for name in NAMES {
            assert!(!everything(node, name, &room_id).await.contains(SECRET), "{name}");
        }
        let response = node.sync("awa", Some(&since)).await;
        assert!(texts(&response, &room_id).is_empty());
        assert_eq!(response.rooms.join[&room_id].timeline.events.len(), 2);
    }
}

/// Somebody would miss a message that came in through another node.
#[tokio::test]
async fn what_is_said_on_one_node_is_heard_on_all() {
    let server = Server::new().await;
    let other_node = server.other_node().await;
    let room_id = server.room_of(&NAMES).await;
    let mut tokens = Vec::new();
    for node in [&server, &other_node] {
        tokens.push(node.begin("claire").await);
    }
    for text in ["un", "deux", "trois"] {
        server.say("samir", &room_id, text).await;
        for (node, since) in [&server, &other_node].into_iter().zip(&mut tokens) {
            let response = node.sync("claire", Some(since)).await;
            assert_eq!(texts(&response, &room_id), [text]);
            since.clone_from(&response.next_batch);
            // Who begins now sees all of it.
            assert!(texts(&node.sync("awa", None).await, &room_id).ends_with(&[text.to_owned()]));
        }
    }
}

/// Somebody who was removed would read on.
#[tokio::test]
async fn who_left_hears_nothing_that_others_were_told() {
    let server = Server::new().await;
    let room_id = server.room_of(&NAMES).await;
    let since = server.begin("awa").await;
    server.say("claire", &room_id, "avant").await;
    server.sync("samir", None).await;
    server.rooms.leave(MembershipChange::new(user("awa"), room_id.clone())).await.unwrap();
    server.say("claire", &room_id, "apres").await;
    assert!(everything(&server, "samir", &room_id).await.contains("apres"));

    let response = server.sync("awa", Some(&since)).await;
    assert!(!response.rooms.join.contains_key(&room_id));
    let left = serde_json::to_string(&response.rooms.leave[&room_id]).unwrap();
    assert!(left.contains("avant"));
    assert!(!left.contains("apres"));
}

/// Somebody new would read what was said before they came, in a room whose history is its members'.
#[tokio::test]
async fn who_comes_later_is_not_shown_what_members_were_told() {
    let server = Server::new().await;
    let room_id = server.room_of(&["claire", "samir"]).await;
    let joined = json!({ "history_visibility": "joined" });
    server.set("claire", &room_id, StateEventType::RoomHistoryVisibility, joined).await;
    server.say("claire", &room_id, "entre nous").await;
    assert!(everything(&server, "samir", &room_id).await.contains("entre nous"));

    server.rooms.join(MembershipChange::new(user("awa"), room_id.clone())).await.unwrap();
    server.say("claire", &room_id, "bienvenue").await;
    assert!(everything(&server, "samir", &room_id).await.contains("entre nous"));
    let shown = everything(&server, "awa", &room_id).await;
    assert!(shown.contains("bienvenue"));
    assert!(!shown.contains("entre nous"));
}

/// Somebody's private receipt would be told to others, or would not count for themselves.
#[tokio::test]
async fn receipts_are_told_to_those_who_may_know_and_counts_follow_them() {
    let server = Server::new().await;
    let other_node = server.other_node().await;
    let room_id = server.room_of(&NAMES).await;
    let one = server.say("claire", &room_id, "un").await;
    let two = server.say("claire", &room_id, "deux").await;
    let nodes = [&server, &other_node];
    for node in nodes {
        assert_eq!(unread(node, "samir", &room_id).await, UInt::new(2));
        assert_eq!(unread(node, "awa", &room_id).await, UInt::new(2));
    }

    read(&server, "samir", &room_id, &one, ReceiptKind::Read).await;
    read(&server, "awa", &room_id, &two, ReceiptKind::ReadPrivate).await;
    for node in nodes {
        assert_eq!(unread(node, "samir", &room_id).await, UInt::new(1));
        assert_eq!(unread(node, "awa", &room_id).await, UInt::new(0));
        let of_samir = everything(node, "samir", &room_id).await;
        assert!(of_samir.contains("m.read"));
        assert!(!of_samir.contains("m.read.private"));
        assert!(everything(node, "awa", &room_id).await.contains("m.read.private"));
    }

    // A receipt that moved is told once, where it is now.
    read(&server, "samir", &room_id, &two, ReceiptKind::Read).await;
    server.say("claire", &room_id, "trois").await;
    for node in nodes {
        assert_eq!(unread(node, "samir", &room_id).await, UInt::new(1));
        let response = node.sync("claire", None).await;
        let ephemeral = &response.rooms.join[&room_id].ephemeral.events;
        let receipts = ephemeral.iter().map(|event| event.json().get()).collect::<String>();
        assert!(receipts.contains(two.as_str()));
        assert!(!receipts.contains(one.as_str()));
    }
}

/// A room in which much happened since it was read last would be shown with a hole.
#[tokio::test]
async fn a_room_in_which_much_happened_is_told_without_a_hole() {
    let server = Server::new().await;
    let room_id = server.room_of(&["claire", "samir"]).await;
    let since = server.begin("samir").await;
    let said: Vec<String> = (0..150).map(|number| format!("message {number}")).collect();
    for text in &said {
        server.say("claire", &room_id, text).await;
    }
    let response = server.sync("samir", Some(&since)).await;
    assert!(response.rooms.join[&room_id].timeline.limited);
    assert_eq!(texts(&response, &room_id), said[130..]);

    let mut request = Server::request("samir", Some(&since));
    let filter = SyncFilter::from_json(r#"{"room":{"timeline":{"limit":200}}}"#).unwrap();
    request.filter = std::sync::Arc::new(filter);
    let response = server.sync.sync(&request, std::future::pending()).await.unwrap();
    assert!(!response.rooms.join[&room_id].timeline.limited);
    assert_eq!(texts(&response, &room_id), said);
    assert_eq!(unread(&server, "samir", &room_id).await, UInt::new(150));
}
