use pli_rooms::{CreateRoom, InitialState, MembershipKind, Preset, RoomError};
use ruma::{
    RoomVersionId,
    events::{StateEventType, TimelineEventType},
    room_alias_id,
};
use serde_json::json;

use crate::support::{Server, on_each_store, raw, user};

#[tokio::test]
async fn a_conversation_begins_with_name_topic_and_invitations_in_one_commit() {
    on_each_store(|server| async move {
        let mut request = CreateRoom::new(user("claire"));
        request.name = Some("Cabinet".to_owned());
        request.topic = Some("Ordre du jour".to_owned());
        request.invite = vec![user("samir"), user("awa")];
        request.is_direct = true;
        request.initial_state = vec![InitialState {
            event_type: StateEventType::RoomEncryption,
            state_key: String::new(),
            content: raw(json!({ "algorithm": "m.megolm.v1.aes-sha2" })),
        }];
        let before = server.store.position().await.unwrap();
        let room_id = server.rooms.create_room(request).await.unwrap();
        assert_eq!(server.store.position().await.unwrap().0, before.0 + 1);

        let types: Vec<_> = server
            .timeline(&room_id)
            .await
            .iter()
            .map(|event| event.pdu.event_type().to_string())
            .collect();
        assert_eq!(
            types,
            [
                "m.room.create",
                "m.room.member",
                "m.room.power_levels",
                "m.room.join_rules",
                "m.room.history_visibility",
                "m.room.guest_access",
                "m.room.encryption",
                "m.room.name",
                "m.room.topic",
                "m.room.member",
                "m.room.member",
            ]
        );

        let snapshot = server.snapshot().await;
        let (summary, _) = server.rooms.summary(&snapshot, &room_id).await.unwrap().unwrap();
        assert_eq!(summary.name.as_deref(), Some("Cabinet"));
        assert_eq!(summary.topic.as_deref(), Some("Ordre du jour"));
        assert_eq!(summary.encryption.as_deref(), Some("m.megolm.v1.aes-sha2"));
        assert_eq!((summary.joined, summary.invited), (1, 2));
        assert_eq!(summary.heroes, [user("claire"), user("samir"), user("awa")]);

        let invitation =
            server.rooms.user_room(&snapshot, &user("samir"), &room_id).await.unwrap().unwrap();
        assert_eq!(invitation.membership, MembershipKind::Invite);
        assert!(invitation.is_direct);
        let stripped: Vec<serde_json::Value> =
            serde_json::from_str(invitation.stripped_state.as_deref().unwrap()).unwrap();
        let stripped_types: Vec<_> =
            stripped.iter().map(|event| event["type"].as_str().unwrap()).collect();
        for needed in ["m.room.create", "m.room.name", "m.room.join_rules", "m.room.encryption"] {
            assert!(stripped_types.contains(&needed), "{needed} in {stripped_types:?}");
        }
        // The inviter, and the invitation itself.
        assert_eq!(stripped_types.iter().filter(|name| **name == "m.room.member").count(), 2);
    })
    .await;
}

#[tokio::test]
async fn rooms_of_version_12_are_named_after_their_create_event() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let timeline = server.timeline(&room_id).await;
    assert_eq!(timeline[0].event_id().as_str()[1..], room_id.as_str()[1..]);
    let levels = server.state_content(&room_id, StateEventType::RoomPowerLevels, "").await.unwrap();
    assert_eq!(levels["users"], json!({}), "creators have all power without being named");
}

#[tokio::test]
async fn rooms_of_older_versions_can_be_created_and_used() {
    let server = Server::new();
    for version in pli_events::SUPPORTED_ROOM_VERSIONS {
        if *version == RoomVersionId::V12 {
            continue;
        }
        let mut request = CreateRoom::new(user("claire"));
        request.room_version = Some(version.clone());
        request.preset = Some(Preset::PublicChat);
        let room_id = server.rooms.create_room(request).await.unwrap();
        assert_eq!(room_id.server_name().unwrap(), "pli.test");
        server.join("samir", &room_id).await.unwrap();
        server.say("samir", &room_id, "bonjour", &format!("{version}")).await.unwrap();
        let levels =
            server.state_content(&room_id, StateEventType::RoomPowerLevels, "").await.unwrap();
        assert_eq!(levels["users"]["@claire:pli.test"], 100);
    }
}

#[tokio::test]
async fn a_version_that_is_not_supported_is_refused() {
    let server = Server::new();
    let mut request = CreateRoom::new(user("claire"));
    request.room_version = Some(RoomVersionId::try_from("org.example.unknown").unwrap());
    let error = server.rooms.create_room(request).await.unwrap_err();
    assert!(matches!(error, RoomError::UnsupportedRoomVersion(_)), "{error}");
}

#[tokio::test]
async fn an_alias_belongs_to_one_room_only_and_the_second_room_is_not_created() {
    let server = Server::new();
    let mut request = CreateRoom::new(user("claire"));
    request.alias_localpart = Some("cabinet".to_owned());
    let room_id = server.rooms.create_room(request.clone()).await.unwrap();
    let alias = room_alias_id!("#cabinet:pli.test");
    assert_eq!(server.rooms.resolve_alias(alias).await.unwrap(), room_id);

    let before = server.store.position().await.unwrap();
    let error = server.rooms.create_room(request).await.unwrap_err();
    assert!(matches!(error, RoomError::AliasInUse(_)), "{error}");
    assert_eq!(server.store.position().await.unwrap(), before);
}

#[tokio::test]
async fn contradicting_state_creates_nothing() {
    let server = Server::new();
    let mut request = CreateRoom::new(user("claire"));
    // The creators of version 12 must not be named.
    request.power_level_content_override =
        Some(raw(json!({ "users": { "@claire:pli.test": 100 } })));
    let before = server.store.position().await.unwrap();
    let error = server.rooms.create_room(request).await.unwrap_err();
    assert!(matches!(error, RoomError::InvalidRoomState(_)), "{error}");
    assert_eq!(server.store.position().await.unwrap(), before);
}

#[tokio::test]
async fn those_who_are_trusted_like_the_creator_have_the_creators_power() {
    let server = Server::new();
    for (version, expected) in [(RoomVersionId::V11, false), (RoomVersionId::V12, true)] {
        let mut request = CreateRoom::new(user("claire"));
        request.room_version = Some(version);
        request.preset = Some(Preset::TrustedPrivateChat);
        request.invite = vec![user("samir")];
        let room_id = server.rooms.create_room(request).await.unwrap();
        let create = server.state_content(&room_id, StateEventType::RoomCreate, "").await.unwrap();
        assert_eq!(create.get("additional_creators").is_some(), expected);
        server.join("samir", &room_id).await.unwrap();
        let name = json!({ "name": "Samir peut" });
        server.set("samir", &room_id, StateEventType::RoomName, "", name).await.unwrap();
        let snapshot = server.snapshot().await;
        let levels = server.rooms.power_levels(&snapshot, &room_id).await.unwrap();
        assert!(levels.allows_to_send(
            &user("samir"),
            &TimelineEventType::RoomPowerLevels,
            Some("")
        ));
    }
}

#[tokio::test]
async fn two_alike_rooms_created_in_the_same_moment_are_two_rooms() {
    let server = Server::new();
    let (left, right) = tokio::join!(server.room_of("claire"), server.room_of("claire"));
    assert_ne!(left, right);
    server.say("claire", &left, "ici", "t1").await.unwrap();
    server.say("claire", &right, "là", "t2").await.unwrap();
}
