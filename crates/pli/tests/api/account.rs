//! One's own account, devices, profile and data, over HTTP.

use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    registration::BY_MAIL,
    support::{PASSWORD, Person, TestServer, mail::Mails},
};

const NEW_PASSWORD: &str = "a new and longer password";
const WHOAMI: &str = "/_matrix/client/v3/account/whoami";

fn password(person: &Person, session: &Value) -> Value {
    json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": person.user_id },
        "password": PASSWORD,
        "session": session,
    })
}

#[tokio::test]
async fn removing_a_device_needs_the_password_and_ends_its_session() {
    let server = TestServer::start().await;
    let here = server.sign_up("claire").await;
    let there = server.sign_in("claire").await;
    let path = format!("/_matrix/client/v3/devices/{}", there.device_id);
    server.put(&here, &path, json!({ "display_name": "Old phone" })).await.ok();
    assert_eq!(server.get(&here, &path).await.ok()["display_name"], "Old phone");
    let list = server.get(&here, "/_matrix/client/v3/devices").await.ok();
    assert_eq!(list["devices"].as_array().unwrap().len(), 2);
    let mut devices = list["devices"].as_array().unwrap().iter();
    let this = devices.find(|device| device["device_id"] == *here.device_id).unwrap();
    assert!(this["last_seen_ts"].is_u64(), "{list}");

    let challenge = server.delete(&here, &path).await;
    assert_eq!(challenge.status, StatusCode::UNAUTHORIZED);
    let session = &challenge.body["session"];
    let mut wrong = password(&here, session);
    wrong["password"] = "wrong password".into();
    let delete = async |auth: Value| {
        let token = Some(here.access_token.as_str());
        server.send(Method::DELETE, &path, token, Some(json!({ "auth": auth }))).await
    };
    let refused = delete(wrong).await.refused(401, "M_FORBIDDEN");
    assert_eq!(refused["flows"], challenge.body["flows"]);
    delete(password(&here, session)).await.ok();
    server.get(&there, WHOAMI).await.refused(401, "M_UNKNOWN_TOKEN");
    server.get(&here, &path).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn a_client_that_knows_no_stage_lets_its_user_confirm_on_a_page() {
    let server = TestServer::start().await;
    let here = server.sign_up("claire").await;
    let there = server.sign_in("claire").await;
    let path = "/_matrix/client/v3/delete_devices";
    let devices = json!([there.device_id]);
    let challenge = server.post(&here, path, json!({ "devices": devices })).await;
    let session = challenge.body["session"].as_str().unwrap();
    let page = format!("/_matrix/client/v3/auth/m.login.password/fallback/web?session={session}");
    let shown = server.http.get(server.url(&page)).send().await.unwrap();
    assert!(shown.headers().contains_key(header::CONTENT_SECURITY_POLICY));
    assert!(shown.text().await.unwrap().contains("type=\"password\""));

    let url = server.url(&page);
    let wrong = server.submit_form(&url, &[("password", "wrong")]).await;
    assert!(!wrong.text().await.unwrap().contains("authDone"));
    let right = server.submit_form(&url, &[("password", PASSWORD)]).await;
    assert!(right.text().await.unwrap().contains("authDone"));

    let auth = json!({ "session": session });
    let others = json!({ "devices": [here.device_id], "auth": auth });
    server.post(&here, path, others).await.refused(403, "M_FORBIDDEN");
    server.post(&here, path, json!({ "devices": devices, "auth": auth })).await.ok();
    server.get(&there, WHOAMI).await.refused(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_mail() {
    let server = TestServer::start_with(BY_MAIL).await;
    let address = "claire.martin@interieur.example";
    let mut mails = Mails::of(&server);
    let ask = async |path: &str| {
        let body = json!({ "client_secret": "s", "email": address, "send_attempt": 1 });
        server.send(Method::POST, path, None, Some(body)).await.ok()
    };
    let confirm = async |asked: &Value, code: &str| {
        let url: url::Url = asked["submit_url"].as_str().unwrap().parse().unwrap();
        let body = json!({ "sid": asked["sid"], "client_secret": "s", "token": code });
        server.send(Method::POST, url.path(), None, Some(body)).await.ok();
    };
    let stage = |asked: &Value| {
        json!({
            "type": "m.login.email.identity",
            "threepid_creds": { "sid": asked["sid"], "client_secret": "s" },
        })
    };
    let asked = ask("/_matrix/client/v3/register/email/requestToken").await;
    confirm(&asked, &mails.next().await.code()).await;
    let account = json!({ "password": PASSWORD, "auth": stage(&asked) });
    server.send(Method::POST, "/_matrix/client/v3/register", None, Some(account)).await.ok();

    let asked = ask("/_matrix/client/v3/account/password/email/requestToken").await;
    confirm(&asked, &mails.next().await.code()).await;
    let change = json!({ "new_password": NEW_PASSWORD, "auth": stage(&asked) });
    let path = "/_matrix/client/v3/account/password";
    server.send(Method::POST, path, None, Some(change)).await.ok();

    let login = |password: &str| {
        json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.thirdparty", "medium": "email", "address": address },
            "password": password,
        })
    };
    let path = "/_matrix/client/v3/login";
    server.send(Method::POST, path, None, Some(login(NEW_PASSWORD))).await.ok();
    let old = server.send(Method::POST, path, None, Some(login(PASSWORD))).await;
    old.refused(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn a_profile_is_everybodys_to_see_and_its_owners_to_change() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let field = |name: &str| format!("/_matrix/client/v3/profile/{}/{name}", claire.user_id);
    let name = json!({ "displayname": "Claire Martin" });
    server.put(&claire, &field("displayname"), name.clone()).await.ok();
    assert_eq!(server.get(&samir, &field("displayname")).await.ok(), name);
    server.put(&samir, &field("displayname"), name).await.refused(403, "M_FORBIDDEN");

    let zone = json!({ "m.tz": "Europe/Paris" });
    server.put(&claire, &field("m.tz"), zone.clone()).await.ok();
    let whole = format!("/_matrix/client/v3/profile/{}", claire.user_id);
    let expected = json!({ "displayname": "Claire Martin", "m.tz": "Europe/Paris" });
    assert_eq!(server.get(&samir, &whole).await.ok(), expected);
    server.delete(&claire, &field("m.tz")).await.ok();
    server.get(&samir, &field("m.tz")).await.refused(404, "M_NOT_FOUND");
    let nobody = "/_matrix/client/v3/profile/@nobody:pli.test";
    server.get(&samir, nobody).await.refused(404, "M_NOT_FOUND");

    let large = json!({ "org.example.x": "x".repeat(65 * 1024) });
    let answer = server.put(&claire, &field("org.example.x"), large).await;
    answer.refused(400, "M_PROFILE_TOO_LARGE");
    let key = "k".repeat(256);
    let answer = server.put(&claire, &field(&key), json!({ key.clone(): 1 })).await;
    answer.refused(400, "M_KEY_TOO_LARGE");
}

/// Refused requests must not fill the disk.
#[tokio::test]
async fn a_refused_name_is_not_written_anywhere() {
    let server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let path = format!("/_matrix/client/v3/profile/{}/displayname", claire.user_id);
    let profile = format!("/_matrix/client/v3/profile/{}", claire.user_id);
    let almost_full = json!({ "org.example.x": "x".repeat(63 * 1024 + 700) });
    server.put(&claire, &format!("{profile}/org.example.x"), almost_full).await.ok();

    let before = server.commits().await;
    let long = json!({ "displayname": "x".repeat(257) });
    server.put(&claire, &path, long).await.refused(400, "M_INVALID_PARAM");
    let many_bytes = json!({ "displayname": "\u{1f431}".repeat(256) });
    server.put(&claire, &path, many_bytes).await.refused(400, "M_PROFILE_TOO_LARGE");
    let picture = json!({ "avatar_url": "https://pli.test/cat.png" });
    server
        .put(&claire, &format!("{profile}/avatar_url"), picture)
        .await
        .refused(400, "M_INVALID_PARAM");
    assert_eq!(server.commits().await, before);
}

#[tokio::test]
async fn a_new_name_reaches_the_rooms_of_its_owner() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room = server.create_room(&claire, json!({})).await;
    let path = format!("/_matrix/client/v3/profile/{}/displayname", claire.user_id);
    server.put(&claire, &path, json!({ "displayname": "Claire M." })).await.ok();
    let member = format!("/_matrix/client/v3/rooms/{room}/state/m.room.member/{}", claire.user_id);
    server
        .until(async || server.get(&claire, &member).await.ok()["displayname"] == "Claire M.")
        .await;
}

#[tokio::test]
async fn who_deactivates_the_account_leaves_all_rooms() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = server.create_room(&claire, json!({ "invite": [samir.user_id] })).await;
    server.post(&samir, &format!("/_matrix/client/v3/join/{room}"), json!({})).await.ok();
    let auth = json!({ "auth": password(&samir, &Value::Null) });
    server.post(&samir, "/_matrix/client/v3/account/deactivate", auth).await.ok();
    let members = format!("/_matrix/client/v3/rooms/{room}/joined_members");
    server
        .until(async || {
            server.get(&claire, &members).await.ok()["joined"].get(&samir.user_id).is_none()
        })
        .await;
}

#[tokio::test]
async fn account_data_comes_back_as_written_and_is_nobody_elses() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let data = |event_type: &str| {
        format!("/_matrix/client/v3/user/{}/account_data/{event_type}", claire.user_id)
    };
    let content = json!({ "a": [1, 2.5, { "b": null }] });
    server.get(&claire, &data("org.example")).await.refused(404, "M_NOT_FOUND");
    server.put(&claire, &data("org.example"), content.clone()).await.ok();
    assert_eq!(server.get(&claire, &data("org.example")).await.ok(), content);
    server.get(&samir, &data("org.example")).await.refused(403, "M_FORBIDDEN");
    server.put(&samir, &data("org.example"), json!({})).await.refused(403, "M_FORBIDDEN");
    server.put(&claire, &data("m.push_rules"), json!({})).await.refused(405, "M_BAD_JSON");
    server.put(&claire, &data("org.example"), json!([])).await.refused(400, "M_BAD_JSON");
}

#[tokio::test]
async fn filters_come_back_as_written() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = format!("/_matrix/client/v3/user/{}/filter", claire.user_id);
    let filter = json!({ "room": { "timeline": { "limit": 7 } } });
    let created = server.post(&claire, &path, filter.clone()).await.ok();
    let again = server.post(&claire, &path, filter.clone()).await.ok();
    assert_eq!(created, again);
    let id = created["filter_id"].as_str().unwrap();
    assert_eq!(server.get(&claire, &format!("{path}/{id}")).await.ok(), filter);
    server.get(&claire, &format!("{path}/none")).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn people_find_each_other_by_name() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let path = format!("/_matrix/client/v3/profile/{}/displayname", samir.user_id);
    server.put(&samir, &path, json!({ "displayname": "Samir Bénali" })).await.ok();
    let search = json!({ "search_term": "benali" });
    let found = server.post(&claire, "/_matrix/client/v3/user_directory/search", search).await.ok();
    let expected = json!([{ "user_id": samir.user_id, "display_name": "Samir Bénali" }]);
    assert_eq!((&found["results"], &found["limited"]), (&expected, &json!(false)));
}
