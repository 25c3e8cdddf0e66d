//! People's profiles by sliding sync (MSC4262).

use serde_json::{Value, json};

use super::Connection;
use crate::support::{Person, TestServer};

const V3: &str = "/_matrix/client/v3";
const EXTENSION: &str = "org.matrix.msc4262.profiles";

async fn set(server: &TestServer, person: &Person, field: &str, value: &str) {
    let path = format!("{V3}/profile/{}/{field}", person.user_id);
    server.put(person, &path, json!({ field: value })).await.ok();
}

fn connection<'a>(
    server: &'a TestServer,
    person: &Person,
    members: &str,
    config: Value,
) -> Connection<'a> {
    let list = json!({
        "ranges": [[0, 9]],
        "timeline_limit": 1,
        "required_state": [["m.room.member", members]],
    });
    let body = json!({ "lists": { "rooms": list }, "extensions": { EXTENSION: config } });
    Connection::new(server, person, body)
}

fn users(answer: &Value) -> Value {
    answer["extensions"][EXTENSION]["users"].clone()
}

/// An app would show names and nothing else of people until somebody opens each profile.
#[tokio::test]
async fn who_is_in_a_room_is_told_with_the_room() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    set(&server, &samir, "m.tz", "Europe/Paris").await;
    let room = server.room_of(&[&claire, &samir, &awa]).await;
    server.write(&samir, &room, "bonjour").await;

    let all = connection(&server, &claire, "*", json!({ "enabled": true })).sync().await;
    let told = users(&all);
    assert_eq!(told.as_object().unwrap().len(), 3, "{told}");
    let profile = json!({ "displayname": "samir", "m.tz": "Europe/Paris" });
    assert_eq!(told[&samir.user_id], json!({ "updated": profile }));

    // Who wants members as it needs them needs the one who spoke.
    let config = json!({ "enabled": true, "fields": ["m.tz"] });
    let mut lazy = connection(&server, &claire, "$LAZY", config);
    let told = users(&lazy.sync().await);
    let zone = json!({ "updated": { "m.tz": "Europe/Paris" } });
    assert_eq!(told, json!({ &samir.user_id: zone }));
    assert!(lazy.sync().await["extensions"].get(EXTENSION).is_none(), "told once");

    let off = connection(&server, &claire, "*", json!({ "enabled": false })).sync().await;
    assert!(off["extensions"].get(EXTENSION).is_none());
    let versions = server.send(reqwest::Method::GET, "/_matrix/client/versions", None, None).await;
    assert_eq!(versions.ok()["unstable_features"]["org.matrix.msc4262"], true);
}

/// What people change about themselves would show after the next start of the app only; and what
/// strangers do is nobody's business.
#[tokio::test]
async fn what_changes_reaches_those_who_share_a_room_and_nobody_else() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    let desk = server.sign_in("claire").await;
    server.room_of(&[&claire, &samir]).await;
    let config = json!({ "enabled": true, "fields": ["m.tz", "org.example.mood"] });
    let mut client = connection(&server, &claire, "$LAZY", config);
    client.sync().await;

    let answer = client.wait_for(set(&server, &samir, "m.tz", "Europe/Paris")).await;
    let zone = json!({ "updated": { "m.tz": "Europe/Paris" } });
    assert_eq!(users(&answer), json!({ &samir.user_id: zone }));
    // One's own, from another device.
    let answer = client.wait_for(set(&server, &desk, "org.example.mood", "busy")).await;
    let mood = json!({ "updated": { "org.example.mood": "busy" } });
    assert_eq!(users(&answer), json!({ &claire.user_id: mood }));

    set(&server, &hugo, "m.tz", "Europe/Paris").await;
    set(&server, &samir, "org.example.other", "unasked").await;
    assert!(client.sync().await["extensions"].get(EXTENSION).is_none());
    let path = format!("{V3}/profile/{}/m.tz", samir.user_id);
    let answer = client.wait_for(server.delete(&samir, &path)).await;
    assert_eq!(users(&answer), json!({ &samir.user_id: { "removed": ["m.tz"] } }));
}

/// Whoever comes back from their holidays would miss what colleagues changed, or hold up everybody
/// else while the server looks at what strangers did.
#[tokio::test]
async fn what_changed_among_very_much_is_told_after_all() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let hugo = server.sign_up("hugo").await;
    server.room_of(&[&claire, &samir]).await;
    let mut client = connection(&server, &claire, "$LAZY", json!({ "enabled": true }));
    client.sync().await;
    set(&server, &samir, "m.tz", "Europe/Paris").await;
    for number in 0..1_001 {
        set(&server, &hugo, &format!("org.example.{number}"), "x").await;
    }
    set(&server, &claire, "m.tz", "Europe/Rome").await;

    let zone = |zone: &str| json!({ "updated": { "m.tz": zone } });
    let expected = json!({
        &samir.user_id: zone("Europe/Paris"),
        &claire.user_id: zone("Europe/Rome"),
    });
    assert_eq!(users(&client.sync().await), expected);
    assert!(client.sync().await["extensions"].get(EXTENSION).is_none(), "told once");
}

/// An app would follow for ever whoever it met once.
#[tokio::test]
async fn who_shares_no_room_any_more_need_not_be_followed() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = server.room_of(&[&claire, &samir]).await;
    let other = server.room_of(&[&claire, &samir]).await;
    let mut client = connection(&server, &claire, "$LAZY", json!({ "enabled": true }));
    client.body["extensions"]["e2ee"] = json!({ "enabled": true });
    client.sync().await;
    server.act(&samir, &room, "leave", None).await;
    let told = users(&client.sync().await);
    assert_ne!(told.get(&samir.user_id), Some(&Value::Null), "they share another one: {told}");
    server.act(&samir, &other, "leave", None).await;
    let told = users(&client.sync().await);
    assert_eq!(told.get(&samir.user_id), Some(&Value::Null), "{told}");
}
