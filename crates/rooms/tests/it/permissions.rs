//! What somebody without the right to do it asks for is refused and changes nothing.

use pli_rooms::{Mark, MembershipChange, ReceiptKind, ReceiptThreadKey, Redaction, RoomError};
use ruma::{OwnedEventId, OwnedRoomId, events::StateEventType, room_alias_id};
use serde_json::json;

use crate::support::{Server, user};

/// A room of Claire's with Samir (a member without power), Awa (banned), Hugo (invited) and Léa
/// (a stranger), and a message.
async fn room(server: &Server) -> (OwnedRoomId, OwnedEventId) {
    let room_id = server.public_room_of("claire").await;
    for name in ["samir", "awa"] {
        server.join(name, &room_id).await.unwrap();
    }
    let by_claire = || MembershipChange::new(user("claire"), room_id.clone());
    server.rooms.ban(by_claire(), user("awa")).await.unwrap();
    server.invite("claire", &room_id, "hugo").await.unwrap();
    let rule = json!({ "join_rule": "invite" });
    server.set("claire", &room_id, StateEventType::RoomJoinRules, "", rule).await.unwrap();
    let event_id = server.say("claire", &room_id, "bonjour", "t1").await.unwrap();
    (room_id, event_id)
}

#[track_caller]
fn assert_forbidden<T: std::fmt::Debug>(what: &str, outcome: Result<T, RoomError>) {
    let is_forbidden = matches!(outcome, Err(RoomError::Forbidden(_) | RoomError::BadState(_)));
    assert!(is_forbidden, "{what}: {outcome:?}");
}

#[tokio::test]
async fn nobody_outside_can_write() {
    let server = Server::new();
    let (room_id, event_id) = room(&server).await;
    let before = server.store.position().await.unwrap();
    for name in ["awa", "hugo", "lea"] {
        let by = || MembershipChange::new(user(name), room_id.clone());
        let topic = json!({ "topic": "le mien" });
        assert_forbidden(name, server.say(name, &room_id, "coucou", "t9").await);
        let set = server.set(name, &room_id, StateEventType::RoomTopic, "", topic).await;
        assert_forbidden(name, set);
        assert_forbidden(name, server.rooms.invite(by(), user("someone"), false).await);
        assert_forbidden(name, server.rooms.kick(by(), user("samir")).await);
        assert_forbidden(name, server.rooms.ban(by(), user("samir")).await);
        assert_forbidden(name, server.rooms.unban(by(), user("awa")).await);
        assert_forbidden(name, server.rooms.knock(by()).await);
        let redaction = Redaction {
            sender: user(name),
            device_id: "DEVICE".into(),
            room_id: room_id.clone(),
            event_id: event_id.clone(),
            reason: None,
            transaction_id: "t8".into(),
        };
        assert_forbidden(name, server.rooms.redact(redaction).await);
        let mark = Mark::Receipt(ReceiptKind::Read, ReceiptThreadKey::Unthreaded);
        let marked = server.rooms.mark_read(&user(name), &room_id, &event_id, &mark).await;
        assert_forbidden(name, marked);
        assert_forbidden(name, server.rooms.set_typing(&user(name), &room_id, None).await);
        let alias = room_alias_id!("#a-nous:pli.test");
        assert_forbidden(name, server.rooms.add_alias(&user(name), alias, &room_id).await);
        assert_forbidden(name, server.rooms.set_in_directory(&user(name), &room_id, true).await);
    }
    for name in ["awa", "lea"] {
        assert_forbidden(name, server.join(name, &room_id).await);
    }
    assert_forbidden("lea", server.leave("lea", &room_id).await);
    assert_eq!(server.store.position().await.unwrap(), before, "nothing was written");
}

#[tokio::test]
async fn nobody_outside_can_read() {
    let server = Server::new();
    let (room_id, event_id) = room(&server).await;
    let snapshot = server.snapshot().await;
    for name in ["hugo", "lea"] {
        let reader = user(name);
        let rooms = &server.rooms;
        assert_forbidden(name, rooms.state_for(&snapshot, &reader, &room_id).await);
        assert_forbidden(name, rooms.joined_members_for(&snapshot, &reader, &room_id).await);
        let members = rooms.members_for(&snapshot, &reader, &room_id, None, |_| true).await;
        assert_forbidden(name, members);
        assert_forbidden(name, rooms.aliases(&reader, &room_id).await);
        assert!(!server.sees(name, &room_id, &event_id).await);
    }
    // Awa was in the room before she was banned, but not when this was said.
    assert!(!server.sees("awa", &room_id, &event_id).await);
}

#[tokio::test]
async fn a_member_without_power_can_talk_and_no_more() {
    let server = Server::new();
    let (room_id, event_id) = room(&server).await;
    server.say("samir", &room_id, "coucou", "t2").await.unwrap();
    let before = server.store.position().await.unwrap();
    let by_samir = || MembershipChange::new(user("samir"), room_id.clone());
    for (event_type, content) in [
        (StateEventType::RoomName, json!({ "name": "le mien" })),
        (StateEventType::RoomTopic, json!({ "topic": "le mien" })),
        (StateEventType::RoomPowerLevels, json!({ "users": { "@samir:pli.test": 100 } })),
        (StateEventType::RoomJoinRules, json!({ "join_rule": "public" })),
        (StateEventType::RoomHistoryVisibility, json!({ "history_visibility": "world_readable" })),
    ] {
        let outcome = server.set("samir", &room_id, event_type.clone(), "", content).await;
        assert_forbidden(&event_type.to_string(), outcome);
    }
    let again = server.set("samir", &room_id, StateEventType::RoomCreate, "", json!({})).await;
    assert!(matches!(again, Err(RoomError::BadContent(_))), "{again:?}");
    assert_forbidden("kick", server.rooms.kick(by_samir(), user("claire")).await);
    assert_forbidden("ban", server.rooms.ban(by_samir(), user("hugo")).await);
    assert_forbidden("unban", server.rooms.unban(by_samir(), user("awa")).await);
    assert_forbidden("invite", server.rooms.invite(by_samir(), user("lea"), false).await);
    let redaction = Redaction {
        sender: user("samir"),
        device_id: "DEVICE".into(),
        room_id: room_id.clone(),
        event_id,
        reason: None,
        transaction_id: "t3".into(),
    };
    assert_forbidden("redact", server.rooms.redact(redaction).await);
    // Nor can he write somebody else's membership as a plain state event.
    let outcome = server
        .set(
            "samir",
            &room_id,
            StateEventType::RoomMember,
            "@lea:pli.test",
            json!({ "membership": "join" }),
        )
        .await;
    assert_forbidden("membership", outcome);
    assert_eq!(server.store.position().await.unwrap(), before, "nothing was written");
}
