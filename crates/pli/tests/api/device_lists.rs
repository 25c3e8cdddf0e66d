//! Whose devices a client must look at again: whoever is left out here can't be written to safely,
//! or reads what they shouldn't.

use serde_json::{Value, json};

use crate::{
    support::{Person, TestServer},
    sync::{Client, V3, has_news},
};

fn list<'a>(answer: &'a Value, name: &str) -> Vec<&'a str> {
    let users = answer["device_lists"][name].as_array().map(Vec::as_slice).unwrap_or_default();
    users.iter().map(|user_id| user_id.as_str().unwrap()).collect()
}

async fn encrypt(server: &TestServer, by: &Person, room_id: &str) {
    let content = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    server.set_state(by, room_id, "m.room.encryption", content).await;
}

/// Changes what others see of a device.
async fn rename(server: &TestServer, person: &Person, name: &str) {
    let path = format!("{V3}/devices/{}", person.device_id);
    server.put(person, &path, json!({ "display_name": name })).await.ok();
}

async fn encrypted_room(server: &TestServer, people: &[&Person]) -> String {
    let room_id = server.room_of(people).await;
    encrypt(server, people[0], &room_id).await;
    room_id
}

#[tokio::test]
async fn people_come_and_go() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let room_id = encrypted_room(&server, &[&claire]).await;
    let second = encrypted_room(&server, &[&claire, &awa]).await;
    // A client that doesn't want memberships in its timeline needs their devices all the same.
    let parameters = crate::sync::filter(&json!({ "room": {
        "timeline": { "types": ["m.room.encrypted"] },
        "state": { "types": [] },
    } }));
    let (mut filtered, _) = Client::start_with(&server, &claire, &parameters).await;
    let mut client = Client::start(&server, &claire).await;
    for client in [&mut client, &mut filtered] {
        client.sync().await;
    }

    server.join(&samir, &room_id).await;
    server.join(&awa, &room_id).await;
    for client in [&mut client, &mut filtered] {
        let answer = client.sync().await;
        let mut arrived = list(&answer, "changed");
        arrived.sort_unstable();
        assert_eq!(arrived, [&awa.user_id, &samir.user_id], "{answer}");
    }
    server.act(&samir, &room_id, "leave", None).await;
    server.act(&awa, &room_id, "leave", None).await;
    for client in [&mut client, &mut filtered] {
        let answer = client.sync().await;
        // Awa is still in the other room.
        assert_eq!(list(&answer, "left"), [&samir.user_id], "{answer}");
        assert!(list(&answer, "changed").is_empty(), "{answer}");
    }
    server.act(&claire, &second, "leave", None).await;
    let answer = client.sync().await;
    assert_eq!(list(&answer, "left"), [&awa.user_id], "{answer}");
}

#[tokio::test]
async fn joining_an_encrypted_room_or_encrypting_one_tells_all_members() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut client = Client::start(&server, &claire).await;
    encrypt(&server, &claire, &room_id).await;
    let answer = client.sync().await;
    assert!(list(&answer, "changed").contains(&&*samir.user_id), "{answer}");

    let awa = server.sign_up("awa").await;
    let mut client = Client::start(&server, &awa).await;
    let answer = client.wait_for(server.join(&awa, &room_id)).await;
    let changed = list(&answer, "changed");
    assert!(changed.contains(&&*samir.user_id) && changed.contains(&&*claire.user_id), "{answer}");
    // A new name is no new device.
    let path = format!("{V3}/profile/{}/displayname", samir.user_id);
    let answer =
        client.wait_for(server.put(&samir, &path, json!({ "displayname": "Samir" }))).await;
    assert!(list(&answer, "changed").is_empty(), "{answer}");
}

#[tokio::test]
async fn a_new_device_is_told_to_those_who_share_a_room() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    encrypted_room(&server, &[&claire, &samir]).await;
    let since = {
        let mut client = Client::start(&server, &claire).await;
        let mut stranger = Client::start(&server, &awa).await;
        // Samir has never synced: the server must find out by itself whom it concerns.
        let answer = client.wait_for(rename(&server, &samir, "Bureau")).await;
        assert_eq!(list(&answer, "changed"), [&samir.user_id]);
        assert!(!has_news(&stranger.sync().await));
        assert!(!has_news(&client.sync().await));
        // And somebody who just signed up concerns nobody.
        let hugo = server.sign_up("hugo").await;
        rename(&server, &hugo, "Bureau").await;
        assert!(!has_news(&client.sync().await));
        client.since
    };
    rename(&server, &samir, "Maison").await;
    server.restart().await;
    assert_eq!(list(&server.sync(&claire, &since).await, "changed"), [&samir.user_id]);
    let path = format!("{V3}/keys/changes?from={since}&to={since}");
    let changes = server.get(&claire, &path).await.ok();
    assert_eq!(changes["changed"], json!([samir.user_id]));
}

#[tokio::test]
async fn counts_of_keys_come_with_every_answer() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let (mut client, initial) = Client::start_with(&server, &claire, "").await;
    assert_eq!(initial["device_one_time_keys_count"]["signed_curve25519"], 0);
    assert_eq!(initial["device_unused_fallback_key_types"], json!([]));
    let answer = client.sync().await;
    assert_eq!(answer["device_one_time_keys_count"]["signed_curve25519"], 0);
    assert_eq!(answer["device_unused_fallback_key_types"], json!([]));
}
