//! Accounts and profiles.

use serde_json::json;

use crate::{
    support::{PASSWORD, TestServer},
    sync::{Client, V3},
};

/// Clients hide the form for a new password where they don't find this.
#[tokio::test]
async fn what_an_account_may_change_is_said() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let path = format!("{V3}/capabilities");
    let answer = server.get(&claire, &path).await.ok();
    for capability in
        ["m.change_password", "m.set_displayname", "m.set_avatar_url", "m.3pid_changes"]
    {
        assert_eq!(answer["capabilities"][capability]["enabled"], true, "{capability}");
    }
    let versions = &answer["capabilities"]["m.room_versions"];
    let default = versions["default"].as_str().unwrap();
    assert_eq!(versions["available"][default], "stable");
    server.send(reqwest::Method::GET, &path, None, None).await.refused(401, "M_MISSING_TOKEN");
}

/// A colleague's password at an unlocked screen must not remove its owner's devices.
#[tokio::test]
async fn somebody_elses_password_confirms_nothing() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let other = server.sign_in("claire").await;
    let samir = server.sign_up("samir").await;
    let device = format!("{V3}/devices/{}", other.device_id);
    let with_password_of = |user: &str, password: &str| {
        json!({ "auth": {
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": user },
            "password": password,
        } })
    };
    let send = async |body| {
        server.send(reqwest::Method::DELETE, &device, Some(&claire.access_token), Some(body)).await
    };
    send(with_password_of(&samir.user_id, PASSWORD)).await.refused(403, "M_FORBIDDEN");
    let wrong = send(with_password_of(&claire.user_id, "wrong")).await;
    let wrong = wrong.refused(401, "M_FORBIDDEN");
    assert!(wrong["flows"].is_array() && wrong["session"].is_string(), "{wrong}");
    server.get(&claire, &device).await.ok();
    send(with_password_of(&claire.user_id, PASSWORD)).await.ok();
    server.get(&claire, &device).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn a_picture_that_is_no_address_is_kept_and_one_on_the_web_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let mut client = Client::start(&server, &claire).await;
    let path = format!("{V3}/profile/{}/avatar_url", claire.user_id);
    server.put(&claire, &path, json!({ "avatar_url": "LemurLover" })).await.ok();
    let answer = client.wait().await;
    let event = &answer["rooms"]["join"][&room_id]["timeline"]["events"][0];
    assert_eq!(event["content"]["avatar_url"], "LemurLover", "{answer}");

    for refused in ["https://evil.example/pixel.png", "data:image/png;base64,AAAA"] {
        server
            .put(&claire, &path, json!({ "avatar_url": refused }))
            .await
            .refused(400, "M_INVALID_PARAM");
    }
    let long = "a".repeat(1001);
    server.put(&claire, &path, json!({ "avatar_url": long })).await.refused(400, "M_INVALID_PARAM");
}
