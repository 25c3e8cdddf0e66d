//! Guests: people without an account, where the operator lets them in.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Person, TestServer};

const V3: &str = "/_matrix/client/v3";
const ACCESS: &str = "m.room.guest_access";

async fn start() -> TestServer {
    TestServer::start_with(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\nregistration.guests = true",
    )
    .await
}

impl TestServer {
    async fn come_as_guest(&self, body: Value) -> Answer {
        let path = format!("{V3}/register?kind=guest");
        self.send(reqwest::Method::POST, &path, None, Some(body)).await
    }

    async fn guest(&self) -> Person {
        let answer = self.come_as_guest(json!({})).await.ok();
        let text = |field: &str| answer[field].as_str().unwrap().to_owned();
        Person {
            user_id: text("user_id"),
            device_id: text("device_id"),
            access_token: text("access_token"),
        }
    }

    async fn open_room(&self, owner: &Person, guests: &str) -> String {
        let state = json!([{ "type": ACCESS, "content": { "guest_access": guests } }]);
        let body = json!({ "preset": "public_chat", "initial_state": state });
        self.create_room(owner, body).await
    }

    async fn membership(&self, owner: &Person, room: &str, who: &Person) -> Value {
        let path = format!("{V3}/rooms/{room}/state/m.room.member/{}", who.user_id);
        self.get(owner, &path).await.ok()["membership"].clone()
    }
}

/// A server that lets strangers in without being told to is no server for a ministry.
#[tokio::test]
async fn there_are_no_guests_unless_the_operator_says_so() {
    let server = TestServer::start().await;
    server.come_as_guest(json!({})).await.refused(403, "M_GUEST_ACCESS_FORBIDDEN");
}

/// Who was sent a link reads and writes in that room, and has no way to anything else.
#[tokio::test]
async fn a_guest_takes_part_in_rooms_that_let_guests_in_and_in_nothing_else() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let open = server.open_room(&claire, "can_join").await;
    let closed = server.open_room(&claire, "forbidden").await;
    let wanted = json!({ "device_id": "CHOSEN", "password": PASSWORD, "username": "claire" });
    let first = server.come_as_guest(wanted).await.ok();
    assert_ne!(first["device_id"], "CHOSEN", "of what it says, nothing counts");
    let guest = server.guest().await;
    assert_ne!(first["user_id"], guest.user_id);
    let me = server.get(&guest, &format!("{V3}/account/whoami")).await.ok();
    assert_eq!(me["is_guest"], true);
    let me = server.get(&claire, &format!("{V3}/account/whoami")).await.ok();
    assert_ne!(me["is_guest"], true);

    server.post(&guest, &format!("{V3}/join/{open}"), json!({})).await.ok();
    let text = json!({ "msgtype": "m.text", "body": "bonjour" });
    server.put(&guest, &format!("{V3}/rooms/{open}/send/m.room.message/1"), text).await.ok();
    let synced = server.sync(&guest, "").await;
    assert!(synced["rooms"]["join"][&open].is_object(), "{synced}");
    let name = format!("{V3}/profile/{}/displayname", guest.user_id);
    server.put(&guest, &name, json!({ "displayname": "Visiteuse" })).await.ok();

    let refused = |answer: Answer| drop(answer.refused(403, "M_GUEST_ACCESS_FORBIDDEN"));
    refused(server.post(&guest, &format!("{V3}/rooms/{closed}/join"), json!({})).await);
    refused(server.post(&guest, &format!("{V3}/join/{closed}"), json!({})).await);
    let member = format!("{V3}/rooms/{closed}/state/m.room.member/{}", guest.user_id);
    refused(server.put(&guest, &member, json!({ "membership": "join" })).await);
    let later = format!("{member}?org.matrix.msc4140.delay=1000");
    refused(server.put(&guest, &later, json!({ "membership": "join" })).await);
    refused(server.post(&guest, &format!("{V3}/createRoom"), json!({})).await);
    let invite = json!({ "user_id": claire.user_id });
    refused(server.post(&guest, &format!("{V3}/rooms/{open}/invite"), invite).await);
    let people = json!({ "search_term": "claire" });
    refused(server.post(&guest, &format!("{V3}/user_directory/search"), people).await);
    refused(server.get(&guest, &format!("{V3}/pushrules/")).await);
    let filter = format!("{V3}/user/{}/filter", guest.user_id);
    refused(server.post(&guest, &filter, json!({})).await);
    // They are in no directory either.
    let found = json!({ "search_term": "guest" });
    let found = server.post(&claire, &format!("{V3}/user_directory/search"), found).await.ok();
    assert!(!found.to_string().contains("@guest-"), "{found}");

    server.post(&guest, &format!("{V3}/logout"), json!({})).await.ok();
    server.get(&guest, &format!("{V3}/account/whoami")).await.refused(401, "M_UNKNOWN_TOKEN");
}

/// A room that is closed to guests would go on being read by those who are in it.
#[tokio::test]
async fn guests_go_when_a_room_lets_them_in_no_more() {
    let server = start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = server.open_room(&claire, "can_join").await;
    let other = server.open_room(&claire, "can_join").await;
    let guest = server.guest().await;
    for person in [&guest, &samir] {
        server.post(person, &format!("{V3}/rooms/{room}/join"), json!({})).await.ok();
        server.post(person, &format!("{V3}/rooms/{other}/join"), json!({})).await.ok();
    }
    let path = format!("{V3}/rooms/{room}/state/{ACCESS}");
    server.put(&claire, &path, json!({ "guest_access": "forbidden" })).await.ok();
    server.until(async || server.membership(&claire, &room, &guest).await == "leave").await;
    assert_eq!(server.membership(&claire, &room, &samir).await, "join");
    assert_eq!(server.membership(&claire, &other, &guest).await, "join");
    let text = json!({ "msgtype": "m.text", "body": "encore" });
    let send = format!("{V3}/rooms/{room}/send/m.room.message/1");
    server.put(&guest, &send, text).await.refused(403, "M_FORBIDDEN");
}
