//! Operations that no other test needs on its way. If these fail, something in a client's menus does.

use reqwest::Method;
use serde_json::json;

use crate::{
    support::{PASSWORD, Person, TestServer, mail::Mails},
    sync::V3,
};

#[tokio::test]
async fn a_client_finds_the_server_and_whether_a_token_lets_somebody_in() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"token\"\nregistration.token = \"sesame\"",
    )
    .await;
    let get = async |path: &str| server.send(Method::GET, path, None, None).await.ok();
    let found = get("/.well-known/matrix/client").await;
    assert_eq!(found["m.homeserver"]["base_url"], "http://pli.test");
    let valid = async |token: &str| {
        let path = "/_matrix/client/v1/register/m.login.registration_token/validity";
        get(&format!("{path}?token={token}")).await["valid"].clone()
    };
    assert_eq!(valid("sesame").await, true);
    assert_eq!(valid("open").await, false);
}

/// Lets somebody add an address, with its mailed code and the password.
async fn add_address(server: &TestServer, person: &Person, mails: &mut Mails, address: &str) {
    let ask = json!({ "client_secret": "secret", "email": address, "send_attempt": 1 });
    let path = format!("{V3}/account/3pid/email/requestToken");
    let asked = server.post(person, &path, ask).await.ok();
    let submit_url: url::Url = asked["submit_url"].as_str().unwrap().parse().unwrap();
    let code = mails.next().await.code();
    let submit = json!({ "sid": asked["sid"], "client_secret": "secret", "token": code });
    server.send(Method::POST, submit_url.path(), None, Some(submit)).await.ok();

    let add = format!("{V3}/account/3pid/add");
    let mut body = json!({ "sid": asked["sid"], "client_secret": "secret" });
    let challenge = server.post(person, &add, body.clone()).await;
    assert_eq!(challenge.status, 401);
    body["auth"] = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": person.user_id },
        "password": PASSWORD,
        "session": challenge.body["session"],
    });
    server.post(person, &add, body).await.ok();
}

#[tokio::test]
async fn addresses_are_added_with_the_password_and_the_last_one_stays() {
    let server = TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         registration.domains = [\"interieur.example\"]",
    )
    .await;
    let claire = server.sign_up("claire").await;
    let mut mails = Mails::of(&server);
    let (old, new) = ("claire.martin@interieur.example", "claire.petit@interieur.example");
    add_address(&server, &claire, &mut mails, old).await;
    add_address(&server, &claire, &mut mails, new).await;
    let delete = async |address: &str| {
        let body = json!({ "medium": "email", "address": address });
        server.post(&claire, &format!("{V3}/account/3pid/delete"), body).await
    };
    delete(old).await.ok();
    // Without an address nobody could get a new password.
    delete(new).await.refused(403, "M_FORBIDDEN");
    let left = server.get(&claire, &format!("{V3}/account/3pid")).await.ok();
    assert_eq!(left["threepids"].as_array().unwrap().len(), 1);
    assert_eq!(left["threepids"][0]["address"], new);
}

#[tokio::test]
async fn rooms_their_aliases_and_what_rings_for_them_can_be_listed() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({ "room_alias_name": "bureau" })).await;
    let get = async |path: &str| server.get(&claire, &format!("{V3}/{path}")).await.ok();
    assert_eq!(get("joined_rooms").await["joined_rooms"], json!([room_id]));
    let aliases = get(&format!("rooms/{room_id}/aliases")).await;
    assert_eq!(aliases["aliases"], json!(["#bureau:pli.test"]));
    let rules = get("pushrules/").await;
    assert_eq!(rules["global"]["override"][0]["rule_id"], ".m.rule.master");
    let master = get("pushrules/global/override/.m.rule.master/enabled").await;
    assert_eq!(master["enabled"], false);
}

#[tokio::test]
async fn what_is_wrong_can_be_reported() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let event_id = server.write(&samir, &room_id, "insulte").await;
    let reason = json!({ "reason": "insulte" });
    for path in [
        format!("{V3}/rooms/{room_id}/report/{event_id}"),
        format!("{V3}/rooms/{room_id}/report"),
        format!("{V3}/users/{}/report", samir.user_id),
    ] {
        server.post(&claire, &path, reason.clone()).await.ok();
    }
}

#[tokio::test]
async fn old_clients_follow_one_room() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire, json!({})).await;
    let path = format!("{V3}/events?room_id={room_id}&timeout=0");
    let news = server.get(&claire, &path).await.ok();
    assert!(news["chunk"].is_array(), "{news}");
}
