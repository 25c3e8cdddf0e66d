//! If these fail, rooms of earlier versions can't be made or don't work like others.

use serde_json::json;

use crate::support::TestServer;

#[tokio::test]
async fn a_room_of_any_version_works_like_every_other() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let capabilities = server.get(&claire, "/_matrix/client/v3/capabilities").await.ok();
    let available = capabilities["capabilities"]["m.room_versions"]["available"].clone();
    assert_eq!(available["2"], "stable", "{available}");

    for version in available.as_object().unwrap().keys() {
        let body = json!({ "room_version": version, "preset": "public_chat", "name": "Cabinet" });
        let room = server.create_room(&claire, body).await;
        let of_room = format!("/_matrix/client/v3/rooms/{room}");
        let create = server.get(&claire, &format!("{of_room}/state/m.room.create/")).await.ok();
        assert_eq!(create["room_version"], version.as_str());

        server.post(&samir, &format!("{of_room}/join"), json!({})).await.ok();
        let send = |transaction: &str, content| {
            let path = format!("{of_room}/send/m.room.message/{version}-{transaction}");
            let (server, samir) = (&server, &samir);
            async move {
                let sent = server.put(samir, &path, content).await.ok();
                sent["event_id"].as_str().unwrap().to_owned()
            }
        };
        let text = |body| json!({ "msgtype": "m.text", "body": body });
        let first = send("first", text("bonjour")).await;
        let mut thread = text("dans le fil");
        thread["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": first });
        let reply = send("reply", thread).await;
        let odd = send("odd", text("à retirer")).await;

        let encoded = |event_id: &str| event_id.replace('/', "%2F").replace('+', "%2B");
        let first_path = encoded(&first);
        let relations = format!("/_matrix/client/v1/rooms/{room}/relations/{first_path}");
        let relations = server.get(&claire, &relations).await.ok();
        assert_eq!(relations["chunk"][0]["event_id"], reply.as_str(), "version {version}");
        let context = server.get(&claire, &format!("{of_room}/context/{first_path}")).await.ok();
        assert_eq!(context["event"]["content"]["body"], "bonjour");

        // Samir has no power here: he takes back what is his and nothing else.
        let redact = |event_id: &str, transaction: &str| {
            format!("{of_room}/redact/{}/{version}-{transaction}", encoded(event_id))
        };
        let creation = server.get(&claire, &format!("{of_room}/messages?dir=f&limit=1")).await.ok();
        let creation = creation["chunk"][0]["event_id"].as_str().unwrap().to_owned();
        let refused = server.put(&samir, &redact(&creation, "not his"), json!({})).await;
        refused.refused(403, "M_FORBIDDEN");
        server.put(&samir, &redact(&odd, "his"), json!({})).await.ok();
        let gone = server.get(&claire, &format!("{of_room}/event/{}", encoded(&odd))).await.ok();
        assert_eq!(gone["content"], json!({}), "version {version}");

        let name = format!("{of_room}/state/m.room.name");
        server.put(&samir, &name, json!({ "name": "à moi" })).await.refused(403, "M_FORBIDDEN");
        server.put(&claire, &name, json!({ "name": "Bureau" })).await.ok();
        let receipt = format!("{of_room}/receipt/m.read/{}", encoded(&reply));
        server.post(&claire, &receipt, json!({})).await.ok();
        server.post(&samir, &format!("{of_room}/leave"), json!({})).await.ok();

        let sync = server.get(&claire, "/_matrix/client/v3/sync").await.ok();
        let timeline = sync["rooms"]["join"][&room]["timeline"]["events"].clone();
        let types: Vec<_> = timeline.as_array().unwrap().iter().map(|e| &e["type"]).collect();
        let last = ["m.room.redaction", "m.room.name", "m.room.member"];
        assert_eq!(types[types.len() - 3..], last, "version {version}");
    }
}

#[tokio::test]
async fn outsiders_put_no_aliases_into_rooms_of_early_versions() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room = server.create_room(&claire, json!({ "room_version": "2" })).await;
    let path = format!("/_matrix/client/v3/rooms/{room}/state/m.room.aliases/pli.test");
    server.put(&samir, &path, json!({ "aliases": [] })).await.refused(403, "M_FORBIDDEN");
    server.put(&claire, &path, json!({ "aliases": [] })).await.ok();
}
