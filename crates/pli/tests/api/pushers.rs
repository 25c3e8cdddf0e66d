//! Pushers and what their gateways are told: whether a phone rings, and only then.

mod gateway;

use std::time::Duration;

use serde_json::{Value, json};

use self::gateway::Gateway;
use crate::{
    support::{PASSWORD, Person, TestServer},
    sync::V3,
};

const CONFIG: &str = "registration.mode = \"open\"\n\
                      push.allow_private_addresses = true\n\
                      push.allow_plain_http = true";

async fn start() -> TestServer {
    TestServer::start_with(&format!("store.url = \"memory:\"\n{CONFIG}")).await
}

fn pusher(url: &str, pushkey: &str) -> Value {
    json!({
        "kind": "http",
        "app_id": "fr.example.pli",
        "app_display_name": "Pli",
        "device_display_name": "Téléphone",
        "pushkey": pushkey,
        "lang": "fr",
        "data": { "url": url },
    })
}

async fn set(server: &TestServer, person: &Person, pusher: &Value) {
    server.post(person, &format!("{V3}/pushers/set"), pusher.clone()).await.ok();
}

async fn keys_of(server: &TestServer, person: &Person) -> Vec<String> {
    let listed = server.get(person, &format!("{V3}/pushers")).await.ok();
    let pushers = listed["pushers"].as_array().unwrap().clone();
    pushers.iter().map(|pusher| pusher["pushkey"].as_str().unwrap().to_owned()).collect()
}

const ENABLED: &str = "org.matrix.msc3881.enabled";
const DEVICE: &str = "org.matrix.msc3881.device_id";
const HTTPS: &str = "https://push.example/_matrix/push/v1/notify";

#[tokio::test]
async fn a_pusher_is_listed_as_it_was_set_until_it_is_removed() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    assert_eq!(server.get(&claire, &format!("{V3}/pushers")).await.ok(), json!({ "pushers": [] }));
    let mut wanted = pusher(HTTPS, "clé");
    wanted["profile_tag"] = json!("travail");
    wanted["data"]["format"] = json!("event_id_only");
    wanted["data"]["default_payload"] = json!({ "aps": {} });
    set(&server, &claire, &wanted).await;
    let listed = server.get(&claire, &format!("{V3}/pushers")).await.ok();
    wanted[ENABLED] = json!(true);
    wanted[DEVICE] = json!(claire.device_id);
    assert_eq!(listed, json!({ "pushers": [wanted] }));

    wanted["lang"] = json!("en");
    set(&server, &claire, &wanted).await;
    let listed = server.get(&claire, &format!("{V3}/pushers")).await.ok();
    assert_eq!(listed, json!({ "pushers": [wanted] }));

    let gone = json!({ "kind": null, "app_id": "fr.example.pli", "pushkey": "clé" });
    set(&server, &claire, &gone).await;
    assert!(keys_of(&server, &claire).await.is_empty());
    set(&server, &claire, &gone).await;
}

#[tokio::test]
async fn a_pusher_that_could_not_work_is_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = format!("{V3}/pushers/set");
    let refused = async |edit: &dyn Fn(&mut Value), errcode: &str| {
        let mut body = pusher(HTTPS, "clé");
        edit(&mut body);
        server.post(&claire, &path, body).await.refused(400, errcode);
    };
    let url = |url: &'static str| move |body: &mut Value| body["data"]["url"] = json!(url);
    let invalid = "M_INVALID_PARAM";
    refused(&url("http://push.example/_matrix/push/v1/notify"), invalid).await;
    refused(&url("https://push.example/elsewhere"), invalid).await;
    refused(&url("https://a:b@push.example/_matrix/push/v1/notify"), invalid).await;
    refused(&url("push.example"), invalid).await;
    refused(&|body| body["kind"] = json!("email"), invalid).await;
    refused(&|body| body["kind"] = json!("pigeon"), invalid).await;
    refused(&|body| body["app_id"] = json!("x".repeat(65)), invalid).await;
    refused(&|body| body["pushkey"] = json!("x".repeat(513)), invalid).await;
    refused(&|body| body["pushkey"] = json!(""), invalid).await;
    refused(&|body| body["lang"] = json!("x".repeat(20_000)), invalid).await;
    refused(&|body| body["data"] = json!({}), "M_BAD_JSON").await;
    refused(&|body| body["pushkey"] = json!(7), "M_BAD_JSON").await;
    let no_kind = |body: &mut Value| drop(body.as_object_mut().unwrap().remove("kind"));
    refused(&no_kind, "M_MISSING_PARAM").await;
    refused(&|body| drop(body.as_object_mut().unwrap().remove("lang")), "M_BAD_JSON").await;
    assert!(keys_of(&server, &claire).await.is_empty());
}

/// The same phone, used by somebody else from now on.
#[tokio::test]
async fn a_phone_rings_for_one_person_unless_it_is_shared() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    set(&server, &claire, &pusher(HTTPS, "une")).await;
    let mut shared = pusher(HTTPS, "une");
    shared["append"] = json!(true);
    set(&server, &samir, &shared).await;
    assert_eq!(keys_of(&server, &claire).await, ["une"]);
    set(&server, &samir, &pusher(HTTPS, "une")).await;
    assert!(keys_of(&server, &claire).await.is_empty());
    assert_eq!(keys_of(&server, &samir).await, ["une"]);
}

#[tokio::test]
async fn a_pusher_ends_with_its_session() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    set(&server, &claire, &pusher(HTTPS, "une")).await;
    let second = server.sign_in("claire").await;
    set(&server, &second, &pusher(HTTPS, "deux")).await;
    server.post(&second, &format!("{V3}/logout"), json!({})).await.ok();
    assert_eq!(keys_of(&server, &claire).await, ["une"]);

    // A new password signs all other devices out.
    let third = server.sign_in("claire").await;
    set(&server, &third, &pusher(HTTPS, "trois")).await;
    let change = json!({
        "new_password": "une toute nouvelle phrase",
        "auth": {
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": "claire" },
            "password": PASSWORD,
        },
    });
    server.post(&claire, &format!("{V3}/account/password"), change).await.ok();
    assert_eq!(keys_of(&server, &claire).await, ["une"]);
}

#[tokio::test]
async fn a_phone_rings_with_who_wrote_what_and_where() {
    let server = start().await;
    let gateway = Gateway::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let name = json!({ "displayname": "Samir Benali" });
    server.put(&samir, &format!("{V3}/profile/{}/displayname", samir.user_id), name).await.ok();
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.name_room(&claire, &room_id, "Budget").await;
    server.write(&samir, &room_id, "avant").await;
    let mut wanted = pusher(&gateway.url(), "clé");
    wanted["data"]["canal"] = json!("cloche");
    set(&server, &claire, &wanted).await;

    let content = json!({
        "msgtype": "m.text",
        "body": "Bonjour",
        "m.mentions": { "user_ids": [claire.user_id] },
    });
    let event_id = server.write_content(&samir, &room_id, "bonjour", content.clone()).await;
    let told = gateway.next().await;
    assert_eq!(told["event_id"], *event_id);
    assert_eq!(told["room_id"], *room_id);
    assert_eq!(told["type"], "m.room.message");
    assert_eq!(told["sender"], *samir.user_id);
    assert_eq!(told["sender_display_name"], "Samir Benali");
    assert_eq!(told["room_name"], "Budget");
    assert_eq!(told["content"], content);
    assert_eq!(told["counts"], json!({ "unread": 2 }));
    assert!(told.get("prio").is_none_or(|prio| prio == "high"));
    let device = &told["devices"][0];
    assert_eq!(device["app_id"], "fr.example.pli");
    assert_eq!(device["pushkey"], "clé");
    assert_eq!(device["pushkey_ts"], 1_700_000_000);
    assert_eq!(device["data"], json!({ "canal": "cloche" }));
    assert_eq!(device["tweaks"]["highlight"], true);

    // Nobody's phone rings for what they wrote themselves; what comes next is the next of others.
    server.write(&claire, &room_id, "moi").await;
    let last = server.write(&samir, &room_id, "fin").await;
    assert_eq!(gateway.next().await["event_id"], *last);

    // What was read elsewhere takes the number from the icon.
    server.read(&claire, &room_id, &last, "m.read.private").await;
    let told = gateway.next().await;
    assert!(told.get("event_id").is_none(), "{told}");
    assert_eq!(told["counts"], json!({ "unread": 0 }));
}

#[tokio::test]
async fn a_discreet_pusher_is_told_ids_only() {
    let server = start().await;
    let gateway = Gateway::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let mut wanted = pusher(&gateway.url(), "clé");
    wanted["data"]["format"] = json!("event_id_only");
    set(&server, &claire, &wanted).await;
    let path = format!("{V3}/rooms/{room_id}/send/m.room.encrypted/t1");
    let secret = json!({ "algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x" });
    let event_id = server.put(&samir, &path, secret).await.ok()["event_id"].clone();
    let told = gateway.next().await;
    let mut names: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
    names.retain(|name| *name != "prio");
    names.sort_unstable();
    assert_eq!(names, ["counts", "devices", "event_id", "room_id"]);
    assert_eq!(told["event_id"], event_id);
    assert_eq!(told["devices"][0]["data"], json!({ "format": "event_id_only" }));
}

#[tokio::test]
async fn an_invitation_rings() {
    let server = start().await;
    let gateway = Gateway::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    set(&server, &claire, &pusher(&gateway.url(), "clé")).await;
    let room_id = server.create_room(&samir, json!({})).await;
    server.act(&samir, &room_id, "invite", Some(&claire)).await;
    let told = gateway.next().await;
    assert_eq!(told["room_id"], *room_id);
    assert_eq!(told["type"], "m.room.member");
    assert_eq!(told["user_is_target"], true);
}

#[tokio::test]
async fn whom_somebody_ignores_rings_nobody() {
    let server = start().await;
    let gateway = Gateway::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let room_id = server.room_of(&[&claire, &samir, &awa]).await;
    set(&server, &claire, &pusher(&gateway.url(), "clé")).await;
    let ignored = json!({ "ignored_users": { samir.user_id.clone(): {} } });
    let path = format!("{V3}/user/{}/account_data/m.ignored_user_list", claire.user_id);
    server.put(&claire, &path, ignored).await.ok();
    server.write(&samir, &room_id, "pourriel").await;
    let event_id = server.write(&awa, &room_id, "utile").await;
    assert_eq!(gateway.next().await["event_id"], *event_id);
}

#[tokio::test]
async fn a_rejected_key_ends_its_pusher() {
    let server = start().await;
    let gateway = Gateway::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    set(&server, &claire, &pusher(&gateway.url(), "bonne")).await;
    set(&server, &claire, &pusher(&gateway.url(), "mauvaise")).await;
    gateway.reject("mauvaise");
    server.write(&samir, &room_id, "un").await;
    gateway.next().await;
    gateway.next().await;
    server.write(&samir, &room_id, "deux").await;
    assert_eq!(gateway.next().await["devices"][0]["pushkey"], "bonne");
    server.until(async || keys_of(&server, &claire).await == ["bonne"]).await;
}

/// A gateway that is down delays its own users only, and they lose nothing.
#[tokio::test]
async fn a_gateway_that_is_down_is_asked_again_and_delays_nobody_else() {
    let server = start().await;
    let [down, up] = [Gateway::start().await, Gateway::start().await];
    down.fail(true);
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let room_id = server.room_of(&[&claire, &samir, &awa]).await;
    set(&server, &claire, &pusher(&down.url(), "une")).await;
    set(&server, &awa, &pusher(&up.url(), "deux")).await;
    let event_id = server.write(&samir, &room_id, "un").await;
    assert_eq!(up.next().await["event_id"], *event_id);
    down.next().await;
    down.fail(false);
    assert_eq!(down.next().await["event_id"], *event_id);
}

#[tokio::test]
async fn what_could_not_be_told_is_told_after_a_restart_unless_it_is_old() {
    let mut server = TestServer::start_with(CONFIG).await;
    let gateway = Gateway::start().await;
    gateway.fail(true);
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    set(&server, &claire, &pusher(&gateway.url(), "clé")).await;
    server.write(&samir, &room_id, "vieux").await;
    gateway.next().await;
    server.clock.advance(Duration::from_secs(25 * 60 * 60));
    let event_id = server.write(&samir, &room_id, "neuf").await;
    server.restart().await;
    gateway.fail(false);
    let told = loop {
        let told = gateway.next().await;
        if told["content"]["body"] == "neuf" {
            break told;
        }
    };
    assert_eq!(told["event_id"], *event_id);
    // Told once: the next is another.
    let event_id = server.write(&samir, &room_id, "suite").await;
    loop {
        let told = gateway.next().await;
        if told["content"]["body"] != "neuf" {
            assert_eq!(told["event_id"], *event_id);
            break;
        }
    }
}

/// Who silences the phone from the desk would still be rung, or never again.
#[tokio::test]
async fn another_device_silences_a_phone_and_lets_it_ring_again() {
    let server = start().await;
    let gateway = Gateway::start().await;
    let claire = server.sign_up("claire").await;
    let desk = server.sign_in("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    set(&server, &claire, &pusher(&gateway.url(), "clé")).await;
    server.write(&samir, &room_id, "un").await;
    gateway.next().await;

    let listed = async || {
        let answer = server.get(&desk, &format!("{V3}/pushers")).await.ok();
        answer["pushers"][0].clone()
    };
    let mut known = listed().await;
    assert_eq!(known[ENABLED], true);
    known[ENABLED] = json!(false);
    set(&server, &desk, &known).await;
    assert_eq!(listed().await, known, "it stays the phone's");
    server.write(&samir, &room_id, "deux").await;
    known[ENABLED] = json!(true);
    set(&server, &desk, &known).await;
    let event_id = server.write(&samir, &room_id, "trois").await;
    assert_eq!(gateway.next().await["event_id"], *event_id, "what came meanwhile is not told");

    known[ENABLED] = json!("yes");
    let path = format!("{V3}/pushers/set");
    server.post(&desk, &path, known).await.refused(400, "M_BAD_JSON");
    let versions = server.send(reqwest::Method::GET, "/_matrix/client/versions", None, None).await;
    assert_eq!(versions.ok()["unstable_features"]["org.matrix.msc3881"], true);
}

/// An invitation that nobody is to see would ring.
#[tokio::test]
async fn an_unwanted_invitation_rings_nobody() {
    let server = start().await;
    let gateway = Gateway::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    set(&server, &claire, &pusher(&gateway.url(), "clé")).await;
    let path = format!(
        "{V3}/user/{}/account_data/org.matrix.msc4155.invite_permission_config",
        claire.user_id
    );
    server.put(&claire, &path, json!({ "ignored_users": [samir.user_id] })).await.ok();
    server.create_room(&samir, json!({ "invite": [claire.user_id] })).await;
    let room_id = server.create_room(&awa, json!({ "invite": [claire.user_id] })).await;
    let told = gateway.next().await;
    assert_eq!(told["room_id"], *room_id);
    assert_eq!(told["counts"]["unread"], 1);
}
