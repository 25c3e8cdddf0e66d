use ruma::{OwnedEventId, OwnedRoomId, events::StateEventType};
use serde_json::json;

use crate::support::Server;

struct Story {
    server: Server,
    room_id: OwnedRoomId,
    before_invite: OwnedEventId,
    while_invited: OwnedEventId,
    while_joined: OwnedEventId,
    after_leaving: OwnedEventId,
}

/// Samir is invited, comes in, and leaves; something is said at each stage.
async fn story(visibility: &str) -> Story {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let content = json!({ "history_visibility": visibility });
    let event_type = StateEventType::RoomHistoryVisibility;
    server.set("claire", &room_id, event_type, "", content).await.unwrap();
    let before_invite = server.say("claire", &room_id, "avant", "t1").await.unwrap();
    server.invite("claire", &room_id, "samir").await.unwrap();
    let while_invited = server.say("claire", &room_id, "invité", "t2").await.unwrap();
    server.join("samir", &room_id).await.unwrap();
    let while_joined = server.say("claire", &room_id, "là", "t3").await.unwrap();
    server.leave("samir", &room_id).await.unwrap();
    let after_leaving = server.say("claire", &room_id, "après", "t4").await.unwrap();
    Story { server, room_id, before_invite, while_invited, while_joined, after_leaving }
}

impl Story {
    async fn seen_by(&self, name: &str) -> [bool; 4] {
        let sees = async |event_id| self.server.sees(name, &self.room_id, event_id).await;
        [
            sees(&self.before_invite).await,
            sees(&self.while_invited).await,
            sees(&self.while_joined).await,
            sees(&self.after_leaving).await,
        ]
    }
}

#[tokio::test]
async fn history_is_visible_to_whom_the_room_says() {
    // Before the invitation, while invited, while joined, after leaving.
    for (visibility, of_samir, of_stranger) in [
        ("world_readable", [true, true, true, true], [true, true, true, true]),
        ("shared", [true, true, true, false], [false; 4]),
        ("invited", [false, true, true, false], [false; 4]),
        ("joined", [false, false, true, false], [false; 4]),
    ] {
        let story = story(visibility).await;
        assert_eq!(story.seen_by("samir").await, of_samir, "{visibility}, Samir");
        assert_eq!(story.seen_by("lea").await, of_stranger, "{visibility}, a stranger");
        assert_eq!(story.seen_by("claire").await, [true; 4], "{visibility}, Claire");
    }
}

#[tokio::test]
async fn who_comes_back_sees_what_the_room_shared_meanwhile() {
    for (visibility, expected) in [("shared", true), ("joined", false)] {
        let story = story(visibility).await;
        story.server.invite("claire", &story.room_id, "samir").await.unwrap();
        story.server.join("samir", &story.room_id).await.unwrap();
        let seen = story.server.sees("samir", &story.room_id, &story.after_leaving).await;
        assert_eq!(seen, expected, "{visibility}");
    }
}

#[tokio::test]
async fn the_rule_at_the_time_of_an_event_counts_not_todays() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let set = |visibility: &'static str| {
        let (server, room_id) = (&server, room_id.clone());
        async move {
            let content = json!({ "history_visibility": visibility });
            let event_type = StateEventType::RoomHistoryVisibility;
            server.set("claire", &room_id, event_type, "", content).await.unwrap()
        }
    };
    set("joined").await;
    let secret = server.say("claire", &room_id, "entre nous", "t1").await.unwrap();
    let opened = set("world_readable").await;
    let public = server.say("claire", &room_id, "à tous", "t2").await.unwrap();
    let closed = set("joined").await;
    assert!(!server.sees("lea", &room_id, &secret).await);
    assert!(server.sees("lea", &room_id, &public).await);
    // A change of the rule is visible if the old or the new rule shows it.
    assert!(server.sees("lea", &room_id, &opened).await);
    assert!(server.sees("lea", &room_id, &closed).await);
}

#[tokio::test]
async fn people_see_their_own_comings_and_goings() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let content = json!({ "history_visibility": "joined" });
    let event_type = StateEventType::RoomHistoryVisibility;
    server.set("claire", &room_id, event_type, "", content).await.unwrap();
    server.invite("claire", &room_id, "samir").await.unwrap();
    let joined = server.join("samir", &room_id).await.unwrap();
    let left = server.leave("samir", &room_id).await.unwrap();
    assert!(server.sees("samir", &room_id, &joined).await);
    assert!(server.sees("samir", &room_id, &left).await);
}
