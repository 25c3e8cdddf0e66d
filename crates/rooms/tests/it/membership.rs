use pli_rooms::{MembershipChange, MembershipKind, RoomError};
use pli_store::Touch;
use ruma::events::StateEventType;
use serde_json::json;

use crate::support::{Server, on_each_store, user};

#[tokio::test]
async fn people_come_and_go_and_the_lists_follow() {
    on_each_store(|server| async move {
        let room_id = server.room_of("claire").await;
        server.invite("claire", &room_id, "samir").await.unwrap();
        assert_eq!(server.membership("samir", &room_id).await, Some(MembershipKind::Invite));
        server.join("samir", &room_id).await.unwrap();
        server.invite("claire", &room_id, "awa").await.unwrap();

        let snapshot = server.snapshot().await;
        let (summary, _) = server.rooms.summary(&snapshot, &room_id).await.unwrap().unwrap();
        assert_eq!((summary.joined, summary.invited), (2, 1));
        let joined = server.rooms.members(&snapshot, &room_id, MembershipKind::Join).await.unwrap();
        let joined: Vec<_> = joined.into_iter().map(|member| member.user_id).collect();
        assert_eq!(joined, [user("claire"), user("samir")]);
        drop(snapshot);

        // Rejected and left.
        server.leave("awa", &room_id).await.unwrap();
        server.leave("samir", &room_id).await.unwrap();
        let snapshot = server.snapshot().await;
        let (summary, _) = server.rooms.summary(&snapshot, &room_id).await.unwrap().unwrap();
        assert_eq!((summary.joined, summary.invited), (1, 0));
        assert_eq!(summary.heroes, [user("claire")]);
        let left = server.rooms.members(&snapshot, &room_id, MembershipKind::Leave).await.unwrap();
        assert_eq!(left.len(), 2);
        let samir =
            server.rooms.user_room(&snapshot, &user("samir"), &room_id).await.unwrap().unwrap();
        assert_eq!(samir.joined_until, Some(samir.changed));
        let awa = server.rooms.user_room(&snapshot, &user("awa"), &room_id).await.unwrap().unwrap();
        assert_eq!(awa.joined_until, None);
    })
    .await;
}

#[tokio::test]
async fn joining_twice_and_leaving_twice_write_nothing() {
    let server = Server::new();
    let room_id = server.public_room_of("claire").await;
    let joined = server.join("samir", &room_id).await.unwrap();
    let position = server.store.position().await.unwrap();
    assert_eq!(server.join("samir", &room_id).await.unwrap(), joined);
    assert_eq!(server.store.position().await.unwrap(), position);
    server.leave("samir", &room_id).await.unwrap();
    let position = server.store.position().await.unwrap();
    let error = server.leave("samir", &room_id).await.unwrap_err();
    assert!(matches!(error, RoomError::Forbidden(_)), "{error}");
    assert_eq!(server.store.position().await.unwrap(), position);
}

#[tokio::test]
async fn who_left_sees_the_room_as_it_was_then_until_they_forget_it() {
    let server = Server::new();
    let room_id = server.public_room_of("claire").await;
    let set_name = |name: &'static str| {
        let (server, room_id) = (&server, room_id.clone());
        async move {
            let content = json!({ "name": name });
            server.set("claire", &room_id, StateEventType::RoomName, "", content).await.unwrap()
        }
    };
    set_name("avant").await;
    server.join("samir", &room_id).await.unwrap();
    let error = server.rooms.forget(&user("samir"), &room_id).await.unwrap_err();
    assert!(matches!(error, RoomError::StillInRoom), "{error}");
    server.leave("samir", &room_id).await.unwrap();
    let later = set_name("après").await;

    let snapshot = server.snapshot().await;
    let seen = server
        .rooms
        .state_event_for(&snapshot, &user("samir"), &room_id, &StateEventType::RoomName, "")
        .await
        .unwrap();
    assert_eq!(seen.pdu.content().get(), r#"{"name":"avant"}"#);
    assert!(!server.sees("samir", &room_id, &later).await);
    drop(snapshot);

    server.rooms.forget(&user("samir"), &room_id).await.unwrap();
    let snapshot = server.snapshot().await;
    let error = server.rooms.state_for(&snapshot, &user("samir"), &room_id).await.unwrap_err();
    assert!(matches!(error, RoomError::Forbidden(_)), "{error}");
    drop(snapshot);

    // Coming back undoes the forgetting.
    server.join("samir", &room_id).await.unwrap();
    let snapshot = server.snapshot().await;
    let samir = server.rooms.user_room(&snapshot, &user("samir"), &room_id).await.unwrap().unwrap();
    assert!(!samir.forgotten);
    assert_eq!(samir.membership, MembershipKind::Join);
}

#[tokio::test]
async fn moderators_remove_ban_and_pardon() {
    let server = Server::new();
    let room_id = server.public_room_of("claire").await;
    server.join("samir", &room_id).await.unwrap();
    let by_claire = || MembershipChange::new(user("claire"), room_id.clone());

    server.rooms.kick(by_claire(), user("samir")).await.unwrap();
    assert_eq!(server.membership("samir", &room_id).await, Some(MembershipKind::Leave));
    let error = server.rooms.kick(by_claire(), user("samir")).await.unwrap_err();
    assert!(matches!(error, RoomError::Forbidden(_)), "{error}");

    server.rooms.ban(by_claire(), user("samir")).await.unwrap();
    assert!(matches!(server.join("samir", &room_id).await, Err(RoomError::BadState(_))));
    // Removing somebody who is banned must not lift the ban.
    assert!(server.rooms.kick(by_claire(), user("samir")).await.is_err());
    assert_eq!(server.membership("samir", &room_id).await, Some(MembershipKind::Ban));

    server.rooms.unban(by_claire(), user("samir")).await.unwrap();
    assert!(server.rooms.unban(by_claire(), user("samir")).await.is_err());
    server.join("samir", &room_id).await.unwrap();
}

#[tokio::test]
async fn somebody_knocks_and_is_let_in() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let knock = || {
        let change = MembershipChange::new(user("samir"), room_id.clone());
        server.rooms.knock(change.because(Some("bonjour".to_owned())))
    };
    assert!(matches!(knock().await, Err(RoomError::Forbidden(_))));
    let rule = json!({ "join_rule": "knock" });
    server.set("claire", &room_id, StateEventType::RoomJoinRules, "", rule).await.unwrap();
    knock().await.unwrap();
    let snapshot = server.snapshot().await;
    let samir = server.rooms.user_room(&snapshot, &user("samir"), &room_id).await.unwrap().unwrap();
    assert_eq!(samir.membership, MembershipKind::Knock);
    assert!(samir.stripped_state.is_some());
    drop(snapshot);
    server.invite("claire", &room_id, "samir").await.unwrap();
    server.join("samir", &room_id).await.unwrap();
}

#[tokio::test]
async fn members_of_one_room_may_join_another_that_is_open_to_them() {
    let server = Server::new();
    let ministry = server.public_room_of("claire").await;
    let room_id = server.room_of("claire").await;
    let rule = json!({
        "join_rule": "restricted",
        "allow": [{ "type": "m.room_membership", "room_id": ministry }],
    });
    server.set("claire", &room_id, StateEventType::RoomJoinRules, "", rule).await.unwrap();
    assert!(matches!(server.join("samir", &room_id).await, Err(RoomError::Forbidden(_))));
    server.join("samir", &ministry).await.unwrap();
    server.join("samir", &room_id).await.unwrap();
    let content = server
        .state_content(&room_id, StateEventType::RoomMember, user("samir").as_str())
        .await
        .unwrap();
    assert_eq!(content["join_authorised_via_users_server"], user("claire").as_str());
}

#[tokio::test]
async fn invitations_and_joins_wake_those_they_concern() {
    let server = Server::new();
    let room_id = server.room_of("claire").await;
    let mut commits = server.store.subscribe();
    server.invite("claire", &room_id, "samir").await.unwrap();
    let touched = commits.recv().await.unwrap().touched.clone();
    for touch in [
        Touch::Room(room_id.clone()),
        Touch::User(user("samir")),
        Touch::Member { room_id: room_id.clone(), user_id: user("samir"), joined: false },
    ] {
        assert!(touched.contains(&touch), "{touch:?} in {touched:?}");
    }
    server.join("samir", &room_id).await.unwrap();
    let touched = commits.recv().await.unwrap().touched.clone();
    let joined = Touch::Member { room_id, user_id: user("samir"), joined: true };
    assert!(touched.contains(&joined));
}

#[tokio::test]
async fn heroes_who_leave_are_replaced_by_others() {
    let server = Server::new();
    let room_id = server.public_room_of("claire").await;
    for number in 0..8 {
        server.join(&format!("u{number}"), &room_id).await.unwrap();
    }
    let heroes = async || {
        let snapshot = server.snapshot().await;
        server.rooms.summary(&snapshot, &room_id).await.unwrap().unwrap().0.heroes
    };
    assert_eq!(heroes().await.len(), 6);
    server.leave("u0", &room_id).await.unwrap();
    let after = heroes().await;
    assert_eq!(after.len(), 6);
    assert!(!after.contains(&user("u0")));
}
