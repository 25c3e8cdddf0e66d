//! Lists of rooms of third-party networks.

use axum::http::Method;
use serde_json::{Value, json};

use super::bridge::{Bridge, Bridging};

fn names(answer: &Value) -> Vec<&str> {
    let chunk = answer["chunk"].as_array().unwrap();
    chunk.iter().filter_map(|room| room["name"].as_str()).collect()
}

#[tokio::test]
async fn the_rooms_of_a_network_are_found_beside_the_servers_own() {
    let bridge = Bridge::listen().await;
    let server = bridge.server().await;
    let claire = server.sign_up("claire").await;
    let own = json!({ "name": "Own", "visibility": "public", "preset": "public_chat" });
    server.create_room(&claire, own).await;
    let portal = json!({ "name": "Portal", "preset": "public_chat" });
    let created = server.bridge(Method::POST, "/_matrix/client/v3/createRoom", Some(portal)).await;
    let room = created.ok()["room_id"].as_str().unwrap().to_owned();

    let list = format!("/_matrix/client/v3/directory/list/appservice/main/{room}");
    let public = json!({ "visibility": "public" });
    server.put(&claire, &list, public.clone()).await.refused(403, "M_FORBIDDEN");
    server.bridge(Method::PUT, &list, Some(public.clone())).await.ok();
    let unknown = "/_matrix/client/v3/directory/list/appservice/main/!unknown:pli.test";
    assert_ne!(server.bridge(Method::PUT, unknown, Some(public)).await.status, 200);
    let wrong = Some(json!({ "visibility": "hidden" }));
    server.bridge(Method::PUT, &list, wrong).await.refused(400, "M_INVALID_PARAM");

    let search =
        async |body: Value| server.post(&claire, "/_matrix/client/v3/publicRooms", body).await.ok();
    let network = json!({ "third_party_instance_id": "telegram|main" });
    assert_eq!(names(&search(json!({})).await), ["Own"]);
    assert_eq!(names(&search(network.clone()).await), ["Portal"]);
    let other = json!({ "third_party_instance_id": "telegram|other" });
    assert!(names(&search(other).await).is_empty());
    let everything = search(json!({ "include_all_networks": true })).await;
    let mut found = names(&everything);
    found.sort_unstable();
    assert_eq!(found, ["Own", "Portal"]);

    let private = json!({ "visibility": "private" });
    server.bridge(Method::PUT, &list, Some(private)).await.ok();
    assert!(names(&search(network).await).is_empty());
}
