//! Tokens: what they survive, and which are refused.

use serde_json::json;

use super::{Client, V3, has_news, texts};
use crate::support::TestServer;

#[tokio::test]
async fn a_client_goes_on_after_the_server_was_restarted() {
    let mut server = TestServer::start_on_disk().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let since = Client::start(&server, &claire).await.since;
    server.write(&samir, &room_id, "avant").await;
    server.restart().await;
    server.write(&samir, &room_id, "apres").await;
    let answer = server.sync(&claire, &since).await;
    let room = &answer["rooms"]["join"][&room_id];
    assert_eq!(texts(&room["timeline"]["events"]), ["avant", "apres"]);
    assert!(room["state"].is_null());
    let next = answer["next_batch"].as_str().unwrap();
    assert!(!has_news(&server.sync(&claire, next).await));
}

#[tokio::test]
async fn what_is_no_token_is_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    for since in ["nonsense", "s", "s1", "s1_x", "s-1_0", "t1_0"] {
        let path = format!("{V3}/sync?since={since}");
        server.get(&claire, &path).await.refused(400, "M_INVALID_PARAM");
    }
}

/// After a backup was restored, clients know tokens that the server has not come to. What happens
/// then must reach them all the same, room keys above all.
#[tokio::test]
async fn a_token_from_the_future_loses_nothing() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    server.write(&samir, &room_id, "message").await;
    let body = json!({ "messages": { &claire.user_id: { &claire.device_id: { "n": 1 } } } });
    server.put(&samir, &format!("{V3}/sendToDevice/m.test/t1"), body).await.ok();

    let answer = server.sync(&claire, "s999999999_0").await;
    let room = &answer["rooms"]["join"][&room_id];
    assert!(texts(&room["timeline"]["events"]).contains(&"message"), "{answer}");
    assert_eq!(answer["to_device"]["events"][0]["content"]["n"], 1);
    let next = answer["next_batch"].as_str().unwrap().to_owned();
    assert!(!has_news(&server.sync(&claire, &next).await));
    let largest = format!("s{}_{}", u64::MAX, u64::MAX);
    assert!(has_news(&server.sync(&claire, &largest).await));
}
