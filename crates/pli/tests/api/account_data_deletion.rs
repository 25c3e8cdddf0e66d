//! Deleting account data (MSC3391), and what goes with a device (MSC3890).

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const DELETE: &str = "/_matrix/client/unstable/org.matrix.msc3391/user";

fn global(person: &Person, event_type: &str) -> String {
    format!("/_matrix/client/v3/user/{}/account_data/{event_type}", person.user_id)
}

fn of_type<'a>(events: &'a Value, event_type: &str) -> Option<&'a Value> {
    events.as_array()?.iter().find(|event| event["type"] == event_type)
}

/// Other devices would go on with settings that were deleted, and new ones would begin with them.
#[tokio::test]
async fn deleted_account_data_is_gone_everywhere() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room = server.create_room(&claire, json!({})).await;
    let user = &claire.user_id;
    let in_room =
        format!("/_matrix/client/v3/user/{user}/rooms/{room}/account_data/org.example.room");
    server.put(&claire, &global(&claire, "org.example.one"), json!({ "a": 1 })).await.ok();
    server.put(&claire, &global(&claire, "org.example.two"), json!({ "a": 1 })).await.ok();
    server.put(&claire, &in_room, json!({ "a": 1 })).await.ok();
    let since = server.sync(&claire, "").await["next_batch"].as_str().unwrap().to_owned();

    let path = format!("{DELETE}/{user}/account_data/org.example.one");
    server.delete(&claire, &path).await.ok();
    // An empty object is how clients deleted before.
    server.put(&claire, &global(&claire, "org.example.two"), json!({})).await.ok();
    let path = format!("{DELETE}/{user}/rooms/{room}/account_data/org.example.room");
    server.delete(&claire, &path).await.ok();
    server.delete(&claire, &path).await.ok();

    let told = server.sync(&claire, &since).await;
    for event_type in ["org.example.one", "org.example.two"] {
        let event = of_type(&told["account_data"]["events"], event_type).unwrap();
        assert_eq!(event["content"], json!({}));
        server.get(&claire, &global(&claire, event_type)).await.refused(404, "M_NOT_FOUND");
    }
    let told = &told["rooms"]["join"][&room]["account_data"]["events"];
    assert_eq!(of_type(told, "org.example.room").unwrap()["content"], json!({}));
    server.get(&claire, &in_room).await.refused(404, "M_NOT_FOUND");

    let all = server.sync(&claire, "").await;
    assert!(of_type(&all["account_data"]["events"], "org.example.one").is_none(), "{all}");
    assert!(of_type(&all["account_data"]["events"], "org.example.two").is_none(), "{all}");
    let in_room = &all["rooms"]["join"][&room]["account_data"]["events"];
    assert!(in_room.is_array() && of_type(in_room, "org.example.room").is_none(), "{all}");
}

#[tokio::test]
async fn account_data_of_others_stays() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    server.put(&claire, &global(&claire, "org.example.one"), json!({ "a": 1 })).await.ok();
    let path = format!("{DELETE}/{}/account_data/org.example.one", claire.user_id);
    server.delete(&samir, &path).await.refused(403, "M_FORBIDDEN");
    let nobody = server.send(reqwest::Method::DELETE, &path, None, None).await;
    nobody.refused(401, "M_MISSING_TOKEN");
    server.get(&claire, &global(&claire, "org.example.one")).await.ok();
    let path = format!("{DELETE}/{}/account_data/m.push_rules", claire.user_id);
    assert_eq!(server.delete(&claire, &path).await.status, 405);
}

/// Settings of devices that are gone would pile up for ever.
#[tokio::test]
async fn a_device_takes_its_notification_settings_along() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let other = server.sign_in("claire").await;
    let path = |device: &str| {
        global(&claire, &format!("org.matrix.msc3890.local_notification_settings.{device}"))
    };
    for device in [&claire.device_id, &other.device_id] {
        server.put(&claire, &path(device), json!({ "is_silenced": true })).await.ok();
    }
    server.post(&other, "/_matrix/client/v3/logout", json!({})).await.ok();
    server.get(&claire, &path(&other.device_id)).await.refused(404, "M_NOT_FOUND");
    server.get(&claire, &path(&claire.device_id)).await.ok();
}
