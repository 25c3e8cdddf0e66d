//! Rooms seen from outside: spaces, summaries, rooms that two share.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const V1: &str = "/_matrix/client/v1";

impl TestServer {
    async fn space(&self, person: &Person, name: &str, preset: &str) -> String {
        let body = json!({
            "preset": preset, "name": name, "creation_content": { "type": "m.space" },
        });
        self.create_room(person, body).await
    }

    async fn room(&self, person: &Person, name: &str, preset: &str) -> String {
        self.create_room(person, json!({ "preset": preset, "name": name })).await
    }

    async fn link(&self, person: &Person, space: &str, room: &str, content: Value) {
        // Links without an order are in that of their making.
        self.clock.advance(Duration::from_millis(1));
        self.set_state(person, space, &format!("m.space.child/{room}"), content).await;
    }

    async fn hierarchy(&self, person: &Person, space: &str, parameters: &str) -> Value {
        let path = format!("{V1}/rooms/{space}/hierarchy?{parameters}");
        self.get(person, &path).await.ok()
    }
}

fn names(answer: &Value) -> Vec<&str> {
    let rooms = answer["rooms"].as_array().unwrap().iter();
    rooms.map(|room| room["name"].as_str().unwrap()).collect()
}

/// The rooms to which a listed space links, in order.
fn links<'a>(answer: &'a Value, name: &str) -> Vec<&'a str> {
    let rooms = answer["rooms"].as_array().unwrap();
    let room = rooms.iter().find(|room| room["name"] == name).unwrap();
    let children = room["children_state"].as_array().unwrap().iter();
    children.map(|child| child["state_key"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_space_shows_its_rooms_and_those_of_its_spaces() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let root = server.space(&claire, "Ministère", "public_chat").await;
    let news = server.room(&claire, "Actualités", "public_chat").await;
    let service = server.space(&claire, "Service", "public_chat").await;
    let help = server.room(&claire, "Aide", "public_chat").await;
    let office = server.space(&claire, "Bureau", "public_chat").await;
    let tea = server.room(&claire, "Thé", "public_chat").await;
    // Not hers to be in; everybody may come in.
    let open = server.room(&samir, "Ouvert", "public_chat").await;
    let beyond = server.room(&samir, "Ailleurs", "public_chat").await;
    let via = json!({ "via": ["pli.test"] });
    let suggested = json!({ "via": ["pli.test"], "suggested": true });
    for (space, room, content) in [
        (&root, &news, &suggested),
        (&root, &service, &via),
        (&root, &help, &suggested),
        // A room that is no space leads nowhere.
        (&help, &beyond, &via),
        (&service, &office, &via),
        (&office, &tea, &via),
        (&office, &open, &via),
        // Nor does a space lead back.
        (&office, &root, &via),
    ] {
        server.link(&claire, space, room, content.clone()).await;
    }

    let whole = server.hierarchy(&claire, &root, "").await;
    let all = ["Ministère", "Actualités", "Service", "Bureau", "Thé", "Ouvert", "Aide"];
    assert_eq!(names(&whole), all);
    assert_eq!(links(&whole, "Ministère"), [&news, &service, &help]);
    assert!(links(&whole, "Aide").is_empty());
    assert!(whole["next_batch"].is_null());
    let first = &whole["rooms"][0];
    assert_eq!(first["room_type"], "m.space");
    assert_eq!(first["join_rule"], "public");
    assert_eq!(first["num_joined_members"], 1);
    let link = &first["children_state"][0];
    assert_eq!((&link["type"], &link["sender"]), (&json!("m.space.child"), &json!(claire.user_id)));
    assert!(link["origin_server_ts"].is_number() && link["content"]["via"].is_array());

    let near = server.hierarchy(&claire, &root, "max_depth=1").await;
    assert_eq!(names(&near), ["Ministère", "Actualités", "Service", "Aide"]);
    assert_eq!(links(&near, "Service"), [&office]);
    let best = server.hierarchy(&claire, &root, "suggested_only=true").await;
    assert_eq!(names(&best), ["Ministère", "Actualités", "Aide"]);
    assert_eq!(links(&best, "Ministère"), [&news, &help]);

    let page = server.hierarchy(&claire, &root, "limit=4").await;
    assert_eq!(names(&page), all[..4]);
    let from = page["next_batch"].as_str().unwrap();
    let page = server.hierarchy(&claire, &root, &format!("from={from}")).await;
    assert_eq!(names(&page), all[4..]);
    assert!(page["next_batch"].is_null());

    server.link(&claire, &root, &service, json!({})).await;
    let less = server.hierarchy(&claire, &root, "").await;
    assert_eq!(names(&less), ["Ministère", "Actualités", "Aide"]);
    let ordered = json!({ "via": ["pli.test"], "order": "a" });
    server.link(&claire, &root, &help, ordered).await;
    assert_eq!(links(&server.hierarchy(&claire, &root, "").await, "Ministère"), [&help, &news]);
    for wrong in ["from=x", "limit=0", "limit=-1", "max_depth=x"] {
        let path = format!("{V1}/rooms/{root}/hierarchy?{wrong}");
        let answer = server.get(&claire, &path).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
}

/// A space would give away that there are rooms that its reader must not know of.
#[tokio::test]
async fn a_space_shows_only_the_rooms_that_its_reader_can_enter() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let root = server.space(&claire, "Racine", "public_chat").await;
    let hidden = server.space(&claire, "Cabinet", "private_chat").await;
    let below = server.room(&claire, "Dessous", "public_chat").await;
    let restricted = server
        .create_room(
            &claire,
            json!({ "name": "Équipe", "initial_state": [{
                "type": "m.room.join_rules",
                "content": { "join_rule": "restricted", "allow": [
                    { "type": "m.room_membership", "room_id": root },
                ] },
            }] }),
        )
        .await;
    let via = json!({ "via": ["pli.test"] });
    for (space, room) in [(&root, &hidden), (&hidden, &below), (&root, &restricted)] {
        server.link(&claire, space, room, via.clone()).await;
    }
    let seen = server.hierarchy(&samir, &root, "").await;
    assert_eq!(names(&seen), ["Racine"]);
    assert_eq!(links(&seen, "Racine"), [&hidden, &restricted]);
    let path = format!("{V1}/rooms/{hidden}/hierarchy");
    server.get(&samir, &path).await.refused(403, "M_FORBIDDEN");

    server.join(&samir, &root).await;
    let seen = server.hierarchy(&samir, &root, "").await;
    assert_eq!(names(&seen), ["Racine", "Équipe"]);
    assert_eq!(seen["rooms"][1]["allowed_room_ids"], json!([root]));
    server.act(&claire, &hidden, "invite", Some(&samir)).await;
    let seen = server.hierarchy(&samir, &root, "").await;
    assert_eq!(names(&seen), ["Racine", "Cabinet", "Dessous", "Équipe"]);

    // The same of a single room.
    let summary = |room: &str| format!("{V1}/room_summary/{room}");
    let of_restricted = server.get(&samir, &summary(&restricted)).await.ok();
    assert_eq!(of_restricted["join_rule"], "restricted");
    assert_eq!(of_restricted["allowed_room_ids"], json!([root]));
    assert_eq!(of_restricted["membership"], "leave");
    let of_hidden = server.get(&samir, &summary(&hidden)).await.ok();
    assert_eq!(
        (&of_hidden["membership"], &of_hidden["name"]),
        (&json!("invite"), &json!("Cabinet"))
    );
    assert!(of_hidden["allowed_room_ids"].is_null());
    let awa = server.sign_up("awa").await;
    server.get(&awa, &summary(&hidden)).await.refused(404, "M_NOT_FOUND");
    server.get(&awa, &summary("!unknown:pli.test")).await.refused(404, "M_NOT_FOUND");
    let method = reqwest::Method::GET;
    let unstable = format!("/_matrix/client/unstable/im.nheko.summary/summary/{root}");
    for path in [summary(&root), unstable] {
        let anonymous = server.send(method.clone(), &path, None, None).await.ok();
        assert_eq!(anonymous["name"], "Racine");
        assert!(anonymous["membership"].is_null());
    }
    server.send(method, &summary(&restricted), None, None).await.refused(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn two_see_the_rooms_that_they_share() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let shared = server.room_of(&[&claire, &samir]).await;
    server.room_of(&[&claire]).await;
    let path = format!("{V1}/mutual_rooms?user_id={}", samir.user_id);
    let answer = server.get(&claire, &path).await.ok();
    assert_eq!(answer, json!({ "joined": [shared], "count": 1 }));
    let unstable = "/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms";
    let answer = server.get(&claire, &format!("{unstable}?user_id={}", samir.user_id)).await.ok();
    assert_eq!(answer["joined"], json!([shared]));
    for wrong in [format!("user_id={}", claire.user_id), "user_id=samir".to_owned()] {
        let path = format!("{V1}/mutual_rooms?{wrong}");
        server.get(&claire, &path).await.refused(400, "M_INVALID_PARAM");
    }
}
