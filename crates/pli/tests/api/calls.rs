//! Calls: where they are made, and who is let in (MSC4143, MSC4195).

use jsonwebtoken::{DecodingKey, Validation, decode};
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestServer};

const TRANSPORTS: &str = "/_matrix/client/unstable/org.matrix.msc4143/rtc/transports";
const SFU_GET: &str = "/livekit/jwt/sfu/get";
const GET_TOKEN: &str = "/livekit/jwt/get_token";
const SLOT_TOKEN: &str = "/_matrix/client/unstable/io.element.msc4195/rtc/livekit/get_token";

async fn server_with_calls() -> TestServer {
    TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         rtc.livekit_url = \"wss://livekit.pli.test\"\nrtc.livekit_key = \"pli\"\n\
         rtc.livekit_secret = \"a secret that nobody guesses in time\"",
    )
    .await
}

async fn proof(server: &TestServer, person: &Person) -> Value {
    let path = format!("/_matrix/client/v3/user/{}/openid/request_token", person.user_id);
    server.post(person, &path, json!({})).await.ok()
}

async fn ask(server: &TestServer, path: &str, body: Value) -> Answer {
    server.send(reqwest::Method::POST, path, None, Some(body)).await
}

/// What the LiveKit server reads in a token.
fn claims(server: &TestServer, jwt: &Value) -> Value {
    let mut validation = Validation::default();
    // The server's clock is not the test's.
    validation.validate_exp = false;
    let key = DecodingKey::from_secret(b"a secret that nobody guesses in time");
    let claims = decode::<Value>(jwt.as_str().unwrap(), &key, &validation).unwrap().claims;
    let now = pli_store::ambient::Clock::now_ms(&*server.clock) / 1000;
    let (from, to) = (claims["nbf"].as_u64().unwrap(), claims["exp"].as_u64().unwrap());
    assert!(from <= now && now < to, "{claims}");
    claims
}

/// Nobody can call anybody if clients don't find the server, or are not let in.
#[tokio::test]
async fn members_of_a_room_are_let_into_its_call() {
    let server = server_with_calls().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    server.post(&samir, &format!("/_matrix/client/v3/rooms/{room}/join"), json!({})).await.ok();
    let focus = json!({ "type": "livekit", "livekit_service_url": "http://pli.test/livekit/jwt" });
    let transports = server.get(&claire, TRANSPORTS).await.ok();
    assert_eq!(transports["rtc_transports"], json!([focus]));
    let nobody = server.send(reqwest::Method::GET, TRANSPORTS, None, None).await;
    nobody.refused(401, "M_MISSING_TOKEN");
    let path = "/.well-known/matrix/client";
    let well_known = server.send(reqwest::Method::GET, path, None, None).await.ok();
    assert_eq!(well_known["org.matrix.msc4143.rtc_foci"], json!([focus]));

    let token = proof(&server, &claire).await;
    let body = json!({ "room": room, "openid_token": token, "device_id": "PHONE" });
    let answer = ask(&server, SFU_GET, body).await.ok();
    assert_eq!(answer["url"], "wss://livekit.pli.test");
    let today = claims(&server, &answer["jwt"]);
    assert_eq!(today["iss"], "pli");
    assert_eq!(today["sub"], format!("{}:PHONE", claire.user_id));
    assert_eq!(today["video"]["roomJoin"], true);

    // Who asks in the newer way meets those who ask as clients do today.
    let member =
        json!({ "id": "m1", "claimed_user_id": samir.user_id, "claimed_device_id": "DESK" });
    let token = proof(&server, &samir).await;
    let body = json!({
        "room_id": room, "slot_id": "m.call#ROOM", "openid_token": token, "member": member,
    });
    let answer = ask(&server, GET_TOKEN, body).await.ok();
    let newer = claims(&server, &answer["jwt"]);
    assert_eq!(newer["video"]["room"], today["video"]["room"]);
    assert!(!newer["sub"].as_str().unwrap().contains("samir"), "{newer}");
    let body = json!({
        "url": "wss://livekit.pli.test", "room_id": room, "slot_id": "m.call#ROOM",
        "member_id": "m2",
    });
    let answer = server.post(&samir, SLOT_TOKEN, body).await.ok();
    assert_eq!(claims(&server, &answer["jwt"])["video"]["room"], today["video"]["room"]);
}

/// A call is overheard by whoever is let in.
#[tokio::test]
async fn others_are_not_let_in() {
    let server = server_with_calls().await;
    let claire = server.sign_up("claire").await;
    let hugo = server.sign_up("hugo").await;
    let room = server.create_room(&claire, json!({})).await;
    let body = |token: &Value| json!({ "room": room, "openid_token": token, "device_id": "A" });
    let stranger = proof(&server, &hugo).await;
    ask(&server, SFU_GET, body(&stranger)).await.refused(403, "M_FORBIDDEN");
    let mut forged = proof(&server, &claire).await;
    forged["access_token"] = json!(format!("x.{}", claire.user_id));
    ask(&server, SFU_GET, body(&forged)).await.refused(403, "M_FORBIDDEN");
    let mut elsewhere = proof(&server, &claire).await;
    elsewhere["matrix_server_name"] = json!("other.test");
    ask(&server, SFU_GET, body(&elsewhere)).await.refused(403, "M_FORBIDDEN");
    let as_claire =
        json!({ "id": "m1", "claimed_user_id": claire.user_id, "claimed_device_id": "A" });
    let body = json!({
        "room_id": room, "slot_id": "m.call#ROOM", "openid_token": stranger, "member": as_claire,
    });
    ask(&server, GET_TOKEN, body).await.refused(403, "M_FORBIDDEN");
    ask(&server, SFU_GET, json!({ "room": room })).await.refused(400, "M_BAD_JSON");
    let body = json!({
        "url": "wss://other.test", "room_id": room, "slot_id": "m.call#ROOM", "member_id": "m",
    });
    server.post(&claire, SLOT_TOKEN, body).await.refused(400, "M_INVALID_PARAM");
}

/// Clients offer calls that could never be made if a server without them says that it has some.
#[tokio::test]
async fn without_a_livekit_server_there_are_no_calls() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let transports = server.get(&claire, TRANSPORTS).await.ok();
    assert_eq!(transports["rtc_transports"], json!([]));
    let room = server.create_room(&claire, json!({})).await;
    let token = proof(&server, &claire).await;
    let body = json!({ "room": room, "openid_token": token, "device_id": "A" });
    ask(&server, SFU_GET, body).await.refused(404, "M_UNRECOGNIZED");
}
