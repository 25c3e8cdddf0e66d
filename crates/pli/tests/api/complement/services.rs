//! What clients ask the server for besides rooms: relays, proofs of who they are, help.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::{support::TestServer, sync::V3};

#[tokio::test]
async fn calls_get_relays_where_there_are_some() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = format!("{V3}/voip/turnServer");
    assert_eq!(server.get(&claire, &path).await.body, json!({}));

    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         turn = { uris = [\"turns:turn.pli.test:5349\"], shared_secret = \"north\" }",
    )
    .await;
    let claire = server.sign_up("claire").await;
    let answer = server.get(&claire, &path).await.ok();
    assert_eq!(answer["uris"], json!(["turns:turn.pli.test:5349"]));
    assert_eq!(answer["ttl"], 86_400);
    // The clock stands at 1,700,000,000 s.
    assert_eq!(answer["username"], "1700086400:@claire:pli.test");
    // As `openssl dgst -sha1 -hmac north -binary | base64` says of the name.
    let mac = hmac_sha1("north", "1700086400:@claire:pli.test");
    assert_eq!(answer["password"], mac);
    server.send(Method::GET, &path, None, None).await.refused(401, "M_MISSING_TOKEN");
}

fn hmac_sha1(secret: &str, text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A widget would let anybody in under any name, or nobody.
#[tokio::test]
async fn somebody_proves_to_a_third_party_who_they_are() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let path = format!("{V3}/user/{}/openid/request_token", claire.user_id);
    server.post(&samir, &path, json!({})).await.refused(403, "M_FORBIDDEN");
    let proof = server.post(&claire, &path, json!({})).await.ok();
    assert_eq!(proof["token_type"], "Bearer");
    assert_eq!(proof["matrix_server_name"], "pli.test");
    assert_eq!(proof["expires_in"], 3600);
    let token = proof["access_token"].as_str().unwrap();
    let ask = async |token: &str| {
        let path = format!("/_matrix/federation/v1/openid/userinfo?access_token={token}");
        server.send(Method::GET, &path, None, None).await
    };
    assert_eq!(ask(token).await.ok()["sub"], claire.user_id);
    // It opens nothing else.
    let whoami = format!("{V3}/account/whoami");
    server.send(Method::GET, &whoami, Some(token), None).await.refused(401, "M_UNKNOWN_TOKEN");
    let forged = token.replace("@claire", "@samir");
    for wrong in [&*forged, "", "pli_oi_x.@claire:pli.test", &claire.access_token] {
        ask(wrong).await.refused(401, "M_UNKNOWN_TOKEN");
    }
    let none = "/_matrix/federation/v1/openid/userinfo";
    server.send(Method::GET, none, None, None).await.refused(401, "M_MISSING_TOKEN");
    server.clock.advance(Duration::from_secs(60 * 60));
    ask(token).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn whom_to_turn_to_is_said_where_it_is_configured() {
    let support = "/.well-known/matrix/support";
    let policy = "/.well-known/matrix/policy_server";
    let server = TestServer::start().await;
    for path in [support, policy] {
        server.send(Method::GET, path, None, None).await.refused(404, "M_NOT_FOUND");
    }
    let server = TestServer::start_with(
        "store.url = \"memory:\"\n[support]\npage = \"https://pli.test/aide\"\n\
         contacts = [{ role = \"m.role.admin\", email_address = \"rssi@pli.test\" }]\n\
         policy_server_key = \"6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s\"",
    )
    .await;
    let expected = json!({
        "support_page": "https://pli.test/aide",
        "contacts": [{ "role": "m.role.admin", "email_address": "rssi@pli.test" }],
    });
    assert_eq!(server.send(Method::GET, support, None, None).await.ok(), expected);
    let keys = server.send(Method::GET, policy, None, None).await.ok();
    assert!(keys["public_keys"]["ed25519"].is_string(), "{keys}");
}

/// Old clients would show a form that can never work.
#[tokio::test]
async fn what_needs_an_identity_server_is_refused_for_what_it_is() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let identity = json!({
        "client_secret": "s", "id_server": "id.pli.test", "id_access_token": "t", "sid": "1",
    });
    let three_pid = json!({ "three_pid_creds": identity });
    let phone = json!({
        "client_secret": "s", "country": "FR", "phone_number": "0102030405", "send_attempt": 1,
    });
    for (path, body, status, code) in [
        ("account/3pid", three_pid, 403, "M_THREEPID_DENIED"),
        ("account/3pid/bind", identity, 403, "M_THREEPID_DENIED"),
        ("account/3pid/msisdn/requestToken", phone.clone(), 400, "M_THREEPID_MEDIUM_NOT_SUPPORTED"),
        ("account/password/msisdn/requestToken", phone.clone(), 403, "M_THREEPID_DENIED"),
        ("register/msisdn/requestToken", phone, 403, "M_THREEPID_DENIED"),
    ] {
        server.post(&claire, &format!("{V3}/{path}"), body).await.refused(status, code);
    }
    let path = format!("{V3}/account/3pid/unbind");
    let body = json!({ "medium": "email", "address": "claire@pli.test" });
    let answer = server.post(&claire, &path, body).await.ok();
    assert_eq!(answer["id_server_unbind_result"], "no-support");
    let room_id = server.create_room(&claire, json!({})).await;
    let path = format!("{V3}/rooms/{room_id}/invite");
    let body = json!({
        "id_server": "id.pli.test", "id_access_token": "t",
        "medium": "email", "address": "samir@pli.test",
    });
    server.post(&claire, &path, body).await.refused(403, "M_THREEPID_DENIED");
}

/// Bots of before `/sync` would stand still.
#[tokio::test]
async fn clients_of_before_sync_are_served() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let first = server.write(&samir, &room_id, "un").await;
    let left = server.room_of(&[&samir, &claire]).await;
    server.act(&claire, &left, "leave", None).await;

    let path = format!("{V3}/initialSync?limit=2");
    let all = server.get(&claire, &path).await.ok();
    let rooms = all["rooms"].as_array().unwrap();
    assert_eq!(rooms.len(), 1, "{all}");
    assert_eq!((&rooms[0]["room_id"], &rooms[0]["membership"]), (&json!(room_id), &json!("join")));
    assert_eq!(rooms[0]["messages"]["chunk"].as_array().unwrap().len(), 2);
    assert_eq!(rooms[0]["messages"]["chunk"][1]["room_id"], room_id);
    assert!(rooms[0]["state"].as_array().unwrap().len() > 5);
    let archived = server.get(&claire, &format!("{V3}/initialSync?archived=true")).await.ok();
    assert_eq!(archived["rooms"].as_array().unwrap().len(), 2, "{archived}");

    let end = all["end"].as_str().unwrap();
    let second = server.write(&samir, &room_id, "deux").await;
    let events = server.get(&claire, &format!("{V3}/events?from={end}&timeout=0")).await.ok();
    assert_eq!(events["chunk"][0]["event_id"], second, "{events}");
    assert_eq!(events["chunk"][0]["room_id"], room_id);
    let end = events["end"].as_str().unwrap();
    let nothing = server.get(&claire, &format!("{V3}/events?from={end}&timeout=0")).await.ok();
    assert_eq!(nothing["chunk"], json!([]));
    let wrong = format!("{V3}/events?from=yesterday&timeout=0");
    server.get(&claire, &wrong).await.refused(400, "M_INVALID_PARAM");

    let one = server.get(&claire, &format!("{V3}/events/{first}")).await.ok();
    assert_eq!(one["content"]["body"], "un");
    let awa = server.sign_up("awa").await;
    server.get(&awa, &format!("{V3}/events/{first}")).await.refused(404, "M_NOT_FOUND");
    let path = format!("{V3}/rooms/{room_id}/initialSync?limit=1");
    let room = server.get(&claire, &path).await.ok();
    assert_eq!(room["messages"]["chunk"][0]["event_id"], second);
    assert_eq!((&room["membership"], &room["visibility"]), (&json!("join"), &json!("private")));
    server.get(&awa, &path).await.refused(403, "M_FORBIDDEN");
}
