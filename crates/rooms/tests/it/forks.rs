//! Events that other servers built: branches, their resolution, and what isn't accepted.

use pli_events::{Pdu, PduTemplate, auth_event_types, room_version_rules};
use pli_rooms::{MembershipChange, MembershipKind, RoomError};
use ruma::{
    EventId, MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, RoomVersionId, UInt,
    events::{StateEventType, TimelineEventType},
    server_name, uint,
};
use serde_json::{Value, json};

use crate::support::{Server, raw, user};

/// What another server would send: an event that follows one that isn't the last any more.
struct Elsewhere<'a> {
    server: &'a Server,
    room_id: OwnedRoomId,
}

impl Elsewhere<'_> {
    /// Builds an event on the state after `parent`, which must be an event of the main branch.
    async fn event(
        &self,
        parent: &OwnedEventId,
        sender: &str,
        event_type: TimelineEventType,
        state_key: Option<&str>,
        content: Value,
    ) -> Pdu {
        let snapshot = self.server.snapshot().await;
        let rooms = &self.server.rooms;
        let parent_event = rooms.event(&snapshot, parent).await.unwrap().unwrap();
        let rules = room_version_rules(&RoomVersionId::V12).unwrap();
        let content = raw(content);
        let sender = user(sender);
        let types = auth_event_types(&event_type, &sender, state_key, &content, rules).unwrap();
        let mut auth_events = Vec::new();
        for (auth_type, auth_key) in types {
            let root = parent_event.room_state;
            let event = rooms.state_event(&snapshot, root, &auth_type, &auth_key).await.unwrap();
            auth_events.extend(event.map(|event| event.event_id().to_owned()));
        }
        PduTemplate {
            room_id: Some(self.room_id.clone()),
            sender,
            event_type,
            state_key: state_key.map(ToOwned::to_owned),
            content,
            redacts: None,
            prev_events: vec![parent.clone()],
            auth_events,
            depth: parent_event.pdu.depth() + uint!(1),
            origin_server_ts: MilliSecondsSinceUnixEpoch(UInt::new(1_700_000_000_500).unwrap()),
            replaces_state: None,
            sticky: None,
        }
        .build(rules, server_name!("pli.test"), &self.server.key)
        .unwrap()
    }

    async fn message(&self, parent: &OwnedEventId, sender: &str, text: &str) -> Pdu {
        let content = json!({ "msgtype": "m.text", "body": text });
        self.event(parent, sender, TimelineEventType::RoomMessage, None, content).await
    }
}

async fn room_with_moderators(server: &Server) -> OwnedRoomId {
    let room_id = server.public_room_of("claire").await;
    for name in ["samir", "awa", "hugo"] {
        server.join(name, &room_id).await.unwrap();
    }
    let mut levels =
        server.state_content(&room_id, StateEventType::RoomPowerLevels, "").await.unwrap();
    levels["users"] = json!({ "@samir:pli.test": 60, "@awa:pli.test": 50 });
    server.set("claire", &room_id, StateEventType::RoomPowerLevels, "", levels).await.unwrap();
    room_id
}

async fn extremities(server: &Server, room_id: &OwnedRoomId) -> usize {
    let snapshot = server.snapshot().await;
    server.rooms.head(&snapshot, room_id).await.unwrap().unwrap().0.extremities.len()
}

#[tokio::test]
async fn the_next_message_brings_branches_together() {
    let server = Server::new();
    let room_id = room_with_moderators(&server).await;
    let elsewhere = Elsewhere { server: &server, room_id: room_id.clone() };
    let fork = server.say("claire", &room_id, "ici", "t1").await.unwrap();
    let here = server.say("claire", &room_id, "ici encore", "t2").await.unwrap();
    let there = elsewhere.message(&fork, "samir", "là-bas").await;
    let there_id = server.rooms.receive(there.clone()).await.unwrap();
    assert_eq!(extremities(&server, &room_id).await, 2);
    // The same event again changes nothing.
    let position = server.store.position().await.unwrap();
    server.rooms.receive(there).await.unwrap();
    assert_eq!(server.store.position().await.unwrap(), position);

    let merge = server.say("claire", &room_id, "ensemble", "t3").await.unwrap();
    assert_eq!(extremities(&server, &room_id).await, 1);
    let snapshot = server.snapshot().await;
    let merge = server.rooms.event(&snapshot, &merge).await.unwrap().unwrap();
    let mut parents = merge.pdu.prev_events().to_vec();
    parents.sort_unstable();
    let mut expected = vec![here, there_id.clone()];
    expected.sort_unstable();
    assert_eq!(parents, expected);
    drop(snapshot);
    assert!(server.sees("hugo", &room_id, &there_id).await);
}

#[tokio::test]
async fn two_servers_agree_on_the_state_whatever_they_heard_first() {
    let topics = async |first: usize| {
        // The same seed and clock: both servers begin with the very same room.
        let server = Server::new();
        let room_id = room_with_moderators(&server).await;
        let elsewhere = Elsewhere { server: &server, room_id: room_id.clone() };
        let fork = server.say("claire", &room_id, "ici", "t1").await.unwrap();
        let topic = |text: &str| json!({ "topic": text });
        let kind = TimelineEventType::RoomTopic;
        let branches = [
            elsewhere.event(&fork, "samir", kind.clone(), Some(""), topic("de Samir")).await,
            elsewhere.event(&fork, "awa", kind, Some(""), topic("d'Awa")).await,
        ];
        server.rooms.receive(branches[first].clone()).await.unwrap();
        server.rooms.receive(branches[1 - first].clone()).await.unwrap();
        let topic = server.state_content(&room_id, StateEventType::RoomTopic, "").await.unwrap();
        let snapshot = server.snapshot().await;
        let (summary, _) = server.rooms.summary(&snapshot, &room_id).await.unwrap().unwrap();
        assert_eq!(summary.topic.as_deref(), topic["topic"].as_str());
        let root = server.rooms.current_state_root(&snapshot, &room_id).await.unwrap();
        (topic, root)
    };
    assert_eq!(topics(0).await, topics(1).await);
}

#[tokio::test]
async fn a_removal_on_one_branch_wins_over_what_the_removed_does_on_the_other() {
    let server = Server::new();
    let room_id = room_with_moderators(&server).await;
    let elsewhere = Elsewhere { server: &server, room_id: room_id.clone() };
    let fork = server.say("claire", &room_id, "ici", "t1").await.unwrap();
    // Awa, a moderator, changes the topic on a branch that doesn't know of her removal yet.
    let topic = json!({ "topic": "d'Awa" });
    let kind = TimelineEventType::RoomTopic;
    let by_awa = elsewhere.event(&fork, "awa", kind, Some(""), topic).await;
    let change = MembershipChange::new(user("claire"), room_id.clone());
    server.rooms.ban(change, user("awa")).await.unwrap();
    let topic_id = server.rooms.receive(by_awa).await.unwrap();

    assert_eq!(server.state_content(&room_id, StateEventType::RoomTopic, "").await, None);
    assert_eq!(server.membership("awa", &room_id).await, Some(MembershipKind::Ban));
    // It is stored, soft-failed: nobody sees it, and nothing builds on it.
    let snapshot = server.snapshot().await;
    let event = server.rooms.event(&snapshot, &topic_id).await.unwrap().unwrap();
    assert!(event.soft_failed && !event.pdu.is_rejected());
    drop(snapshot);
    assert!(!server.sees("claire", &room_id, &topic_id).await);
    assert_eq!(extremities(&server, &room_id).await, 1);
}

#[tokio::test]
async fn members_and_counts_follow_a_resolution() {
    let server = Server::new();
    let room_id = room_with_moderators(&server).await;
    let elsewhere = Elsewhere { server: &server, room_id: room_id.clone() };
    let fork = server.say("claire", &room_id, "ici", "t1").await.unwrap();
    let name = json!({ "name": "ailleurs" });
    server.set("claire", &room_id, StateEventType::RoomName, "", name).await.unwrap();
    let kicked = elsewhere
        .event(
            &fork,
            "samir",
            TimelineEventType::RoomMember,
            Some("@hugo:pli.test"),
            json!({ "membership": "leave" }),
        )
        .await;
    server.rooms.receive(kicked).await.unwrap();
    assert_eq!(server.membership("hugo", &room_id).await, Some(MembershipKind::Leave));
    let snapshot = server.snapshot().await;
    let (summary, _) = server.rooms.summary(&snapshot, &room_id).await.unwrap().unwrap();
    assert_eq!(summary.joined, 3);
    assert_eq!(summary.name.as_deref(), Some("ailleurs"), "the other branch's state is kept");
    let joined = server.rooms.members(&snapshot, &room_id, MembershipKind::Join).await.unwrap();
    assert_eq!(joined.len(), 3);
}

#[tokio::test]
async fn what_its_sender_may_not_do_is_kept_but_changes_nothing() {
    let server = Server::new();
    let room_id = room_with_moderators(&server).await;
    let elsewhere = Elsewhere { server: &server, room_id: room_id.clone() };
    let last = server.say("claire", &room_id, "ici", "t1").await.unwrap();
    let name = json!({ "name": "à moi" });
    let kind = TimelineEventType::RoomName;
    let by_hugo = elsewhere.event(&last, "hugo", kind, Some(""), name).await;
    let event_id = server.rooms.receive(by_hugo).await.unwrap();
    assert_eq!(server.state_content(&room_id, StateEventType::RoomName, "").await, None);
    assert!(!server.sees("claire", &room_id, &event_id).await);
    for server in [&server, &server.restarted()] {
        let snapshot = server.snapshot().await;
        let event = server.rooms.event(&snapshot, &event_id).await.unwrap().unwrap();
        assert!(event.pdu.is_rejected());
    }
    let next = server.say("claire", &room_id, "la suite", "t2").await.unwrap();
    let snapshot = server.snapshot().await;
    let next = server.rooms.event(&snapshot, &next).await.unwrap().unwrap();
    assert_eq!(next.pdu.prev_events(), [last]);
}

#[tokio::test]
async fn an_event_whose_past_is_unknown_is_not_taken_in() {
    let server = Server::new();
    let room_id = room_with_moderators(&server).await;
    let elsewhere = Elsewhere { server: &server, room_id: room_id.clone() };
    let last = server.say("claire", &room_id, "ici", "t1").await.unwrap();
    let first = elsewhere.message(&last, "samir", "un").await;
    let mut second = PduTemplate {
        room_id: Some(room_id.clone()),
        sender: user("samir"),
        event_type: TimelineEventType::RoomMessage,
        state_key: None,
        content: raw(json!({ "msgtype": "m.text", "body": "deux" })),
        redacts: None,
        prev_events: vec![first.event_id().to_owned()],
        auth_events: first.auth_events().to_vec(),
        depth: first.depth() + uint!(1),
        origin_server_ts: first.origin_server_ts(),
        replaces_state: None,
        sticky: None,
    };
    let rules = room_version_rules(&RoomVersionId::V12).unwrap();
    let build = |template: &PduTemplate| {
        template.clone().build(rules, server_name!("pli.test"), &server.key).unwrap()
    };
    let position = server.store.position().await.unwrap();
    let error = server.rooms.receive(build(&second)).await.unwrap_err();
    assert!(matches!(error, RoomError::UnknownEvent(id) if id == first.event_id()));
    second.auth_events = vec![EventId::parse("$unknown").unwrap()];
    second.prev_events = vec![last];
    let error = server.rooms.receive(build(&second)).await.unwrap_err();
    assert!(matches!(error, RoomError::UnknownEvent(_)), "{error}");
    assert_eq!(server.store.position().await.unwrap(), position);
}

#[tokio::test]
async fn a_redaction_that_arrives_before_its_target_still_redacts_it() {
    let server = Server::new();
    let room_id = room_with_moderators(&server).await;
    let elsewhere = Elsewhere { server: &server, room_id: room_id.clone() };
    let last = server.say("claire", &room_id, "ici", "t1").await.unwrap();
    let target = elsewhere.message(&last, "samir", "secret").await;
    let redaction = elsewhere
        .event(
            &last,
            "samir",
            TimelineEventType::RoomRedaction,
            None,
            json!({ "redacts": target.event_id() }),
        )
        .await;
    server.rooms.receive(redaction).await.unwrap();
    let target_id = server.rooms.receive(target).await.unwrap();
    let snapshot = server.snapshot().await;
    let event = server.rooms.event(&snapshot, &target_id).await.unwrap().unwrap();
    assert_eq!(event.pdu.content().get(), "{}");
    assert!(event.redacted_by.is_some());
}
