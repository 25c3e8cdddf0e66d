//! Dehydrated devices (MSC3814).

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const DEHYDRATED: &str = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device";

fn device(person: &Person, device_id: &str) -> Value {
    json!({
        "device_id": device_id,
        "initial_device_display_name": "Asleep",
        "device_data": {
            "algorithm": "org.matrix.msc3814.v2",
            "device_pickle": "c2VjcmV0",
            "nonce": "bm9uY2U",
        },
        "device_keys": {
            "user_id": person.user_id,
            "device_id": device_id,
            "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
            "keys": {
                (format!("curve25519:{device_id}")): "Y3VydmU",
                (format!("ed25519:{device_id}")): "ZWQ",
            },
            "signatures": {
                (person.user_id.clone()): { (format!("ed25519:{device_id}")): "c2lnbmF0dXJl" },
            },
            "dehydrated": true,
        },
        "one_time_keys": {
            "signed_curve25519:AAAA": {
                "key": "b25l",
                "signatures": {
                    (person.user_id.clone()): { (format!("ed25519:{device_id}")): "c2ln" },
                },
            },
        },
    })
}

async fn tell(server: &TestServer, sender: &Person, to: &Person, device: &str, count: usize) {
    let path = format!("/_matrix/client/v3/sendToDevice/m.room.encrypted/{device}{count}");
    let body = json!({ "messages": { (to.user_id.clone()): { (device): { "count": count } } } });
    server.put(sender, &path, body).await.ok();
}

/// Who is signed in nowhere loses the room keys sent meanwhile if their dehydrated device isn't to be
/// seen, can't be written to, or forgets what it was told.
#[tokio::test]
async fn keys_reach_people_who_are_signed_in_nowhere() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.get(&claire, DEHYDRATED).await.refused(404, "M_NOT_FOUND");
    let stored = server.put(&claire, DEHYDRATED, device(&claire, "SLEEPER")).await.ok();
    assert_eq!(stored["device_id"], "SLEEPER");
    let got = server.get(&claire, DEHYDRATED).await.ok();
    assert_eq!(got["device_data"], device(&claire, "SLEEPER")["device_data"]);

    let id = claire.user_id.as_str();
    let query = json!({ "device_keys": { (id): [] } });
    let keys = server.post(&samir, "/_matrix/client/v3/keys/query", query).await.ok();
    assert_eq!(keys["device_keys"][id]["SLEEPER"]["dehydrated"], true, "{keys}");
    let claim = json!({ "one_time_keys": { (id): { "SLEEPER": "signed_curve25519" } } });
    let claimed = server.post(&samir, "/_matrix/client/v3/keys/claim", claim).await.ok();
    assert!(claimed["one_time_keys"][id]["SLEEPER"].is_object(), "{claimed}");

    for count in [1, 2] {
        tell(&server, &samir, &claire, "SLEEPER", count).await;
    }
    let path = format!("{DEHYDRATED}/SLEEPER/events");
    let events = server.post(&claire, &path, json!({})).await.ok();
    let counts: Vec<_> =
        events["events"].as_array().unwrap().iter().map(|e| &e["content"]["count"]).collect();
    assert_eq!(counts, [1, 2]);
    let next = json!({ "next_batch": events["next_batch"] });
    let rest = server.post(&claire, &path, next).await.ok();
    assert_eq!(rest["events"], json!([]));
    // A client that was interrupted begins again.
    let again = server.post(&claire, &path, json!({})).await.ok();
    assert_eq!(again["events"].as_array().unwrap().len(), 2);
}

/// Element Web asks page by page until there is no token for a next one: with one too many it would ask
/// for ever, with one too few the newest messages stay closed.
#[tokio::test]
async fn keys_for_people_who_are_signed_in_nowhere_come_page_by_page() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.put(&claire, DEHYDRATED, device(&claire, "SLEEPER")).await.ok();
    let path = format!("{DEHYDRATED}/SLEEPER/events");
    let none = server.get(&claire, &path).await.ok();
    assert_eq!(none, json!({ "events": [] }));

    for count in 0..150 {
        tell(&server, &samir, &claire, "SLEEPER", count).await;
    }
    let first = server.get(&claire, &path).await.ok();
    assert_eq!(first["events"].as_array().unwrap().len(), 100);
    let from = first["next_batch"].as_str().unwrap();
    let second = server.get(&claire, &format!("{path}?from={from}")).await.ok();
    assert_eq!(second["events"].as_array().unwrap().len(), 50);
    assert_eq!(second["events"][49]["content"]["count"], 149);
    assert_eq!(second.get("next_batch"), None);

    server.get(&claire, &format!("{path}?from=elsewhere")).await.refused(400, "M_INVALID_PARAM");
    let device = &claire.device_id;
    server.get(&claire, &format!("{DEHYDRATED}/{device}/events")).await.refused(403, "M_FORBIDDEN");
    server.get(&samir, &path).await.refused(403, "M_FORBIDDEN");
}

/// A device that was taken over, or given up, must not go on collecting keys.
#[tokio::test]
async fn there_is_one_dehydrated_device_at_most() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    server.put(&claire, DEHYDRATED, device(&claire, "FIRST")).await.ok();
    tell(&server, &claire, &claire, "FIRST", 1).await;
    server.put(&claire, DEHYDRATED, device(&claire, "SECOND")).await.ok();
    assert_eq!(server.get(&claire, DEHYDRATED).await.ok()["device_id"], "SECOND");
    let path = format!("{DEHYDRATED}/FIRST/events");
    server.post(&claire, &path, json!({})).await.refused(403, "M_FORBIDDEN");
    let id = claire.user_id.as_str();
    let query = json!({ "device_keys": { (id): [] } });
    let keys = server.post(&claire, "/_matrix/client/v3/keys/query", query.clone()).await.ok();
    assert!(keys["device_keys"][id]["FIRST"].is_null(), "{keys}");
    assert!(keys["device_keys"][id]["SECOND"].is_object(), "{keys}");

    assert_eq!(server.delete(&claire, DEHYDRATED).await.ok()["device_id"], "SECOND");
    server.delete(&claire, DEHYDRATED).await.refused(404, "M_NOT_FOUND");
    let keys = server.post(&claire, "/_matrix/client/v3/keys/query", query).await.ok();
    assert!(keys["device_keys"][id]["SECOND"].is_null(), "{keys}");
}

/// A device in use would lose its keys, and somebody else's mail could be read.
#[tokio::test]
async fn other_devices_are_not_touched() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let own = device(&claire, &claire.device_id);
    server.put(&claire, DEHYDRATED, own).await.refused(400, "M_INVALID_PARAM");
    server
        .put(&claire, DEHYDRATED, device(&samir, "SLEEPER"))
        .await
        .refused(400, "M_INVALID_PARAM");
    let mut unknown = device(&claire, "SLEEPER");
    unknown["device_data"] = json!({ "algorithm": "org.example.none" });
    server.put(&claire, DEHYDRATED, unknown).await.refused(400, "M_BAD_JSON");
    server.get(&claire, DEHYDRATED).await.refused(404, "M_NOT_FOUND");
    let path = format!("{DEHYDRATED}/{}/events", claire.device_id);
    server.post(&claire, &path, json!({})).await.refused(403, "M_FORBIDDEN");
    let nobody = server.send(reqwest::Method::GET, DEHYDRATED, None, None).await;
    nobody.refused(401, "M_MISSING_TOKEN");
}
