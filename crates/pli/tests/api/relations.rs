//! What refers to what: edits, threads, reactions, references.

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const V3: &str = "/_matrix/client/v3";
const V1: &str = "/_matrix/client/v1";

/// A message that refers to another event.
fn relating(rel_type: &str, event_id: &str, body: &str) -> Value {
    json!({
        "msgtype": "m.text",
        "body": body,
        "m.relates_to": { "rel_type": rel_type, "event_id": event_id },
    })
}

fn edit(event_id: &str, body: &str) -> Value {
    let mut edit = relating("m.replace", event_id, &format!("* {body}"));
    edit["m.new_content"] = json!({ "msgtype": "m.text", "body": body });
    edit
}

fn ids(chunk: &Value) -> Vec<&str> {
    chunk.as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap()).collect()
}

impl TestServer {
    pub(crate) async fn relate(
        &self,
        person: &Person,
        room_id: &str,
        event_type: &str,
        content: Value,
    ) -> String {
        let transaction = content.to_string().len().to_string() + &content["body"].to_string();
        let transaction: String =
            transaction.chars().filter(|letter| letter.is_alphanumeric()).collect();
        let path = format!("{V3}/rooms/{room_id}/send/{event_type}/{transaction}");
        let answer = self.put(person, &path, content).await.ok();
        answer["event_id"].as_str().unwrap().to_owned()
    }

    async fn relations(&self, person: &Person, room_id: &str, rest: &str) -> Value {
        self.get(person, &format!("{V1}/rooms/{room_id}/relations/{rest}")).await.ok()
    }

    async fn bundled(&self, person: &Person, room_id: &str, event_id: &str) -> Value {
        let path = format!("{V3}/rooms/{room_id}/event/{event_id}");
        let event = self.get(person, &path).await.ok();
        event["unsigned"]["m.relations"].clone()
    }
}

#[tokio::test]
async fn a_client_finds_what_refers_to_an_event() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let root = server.write(&claire, &room_id, "root").await;
    server.write(&claire, &room_id, "another").await;
    let reply = relating("m.thread", &root, "reply");
    let reply = server.relate(&claire, &room_id, "m.room.message", reply).await;
    let dummy = relating("m.thread", &root, "dummy");
    let dummy = server.relate(&claire, &room_id, "m.dummy", dummy).await;
    let edited = server.relate(&claire, &room_id, "m.room.message", edit(&root, "new")).await;

    let all = server.relations(&claire, &room_id, &root).await;
    assert_eq!(ids(&all["chunk"]), [&*edited, &*dummy, &*reply]);
    let thread = server.relations(&claire, &room_id, &format!("{root}/m.thread")).await;
    assert_eq!(ids(&thread["chunk"]), [&*dummy, &*reply]);
    let messages =
        server.relations(&claire, &room_id, &format!("{root}/m.thread/m.room.message")).await;
    assert_eq!(ids(&messages["chunk"]), [&*reply]);

    // By way of the reply, too.
    let indirect = relating("m.reference", &reply, "indirect");
    let indirect = server.relate(&claire, &room_id, "m.room.message", indirect).await;
    let direct_only = server.relations(&claire, &room_id, &root).await;
    assert!(!ids(&direct_only["chunk"]).contains(&&*indirect));
    assert!(direct_only["recursion_depth"].is_null());
    let recursive = server.relations(&claire, &room_id, &format!("{root}?recurse=true")).await;
    assert_eq!(ids(&recursive["chunk"]), [&*indirect, &*edited, &*dummy, &*reply]);
    assert_eq!(recursive["recursion_depth"], 3);
}

#[tokio::test]
async fn paging_through_relations_leaves_none_out() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let root = server.write(&claire, &room_id, "root").await;
    let since = server.sync(&claire, "").await["next_batch"].as_str().unwrap().to_owned();
    let mut sent = Vec::new();
    for number in 0..10 {
        let reply = relating("m.thread", &root, &format!("n{number}"));
        sent.push(server.relate(&claire, &room_id, "m.room.message", reply).await);
    }
    for (query, expected) in
        [("dir=b", sent.iter().rev().cloned().collect::<Vec<_>>()), ("dir=f", sent.clone())]
    {
        let mut found: Vec<String> = Vec::new();
        let mut from = String::new();
        loop {
            let rest = format!("{root}?{query}&limit=3{from}");
            let page = server.relations(&claire, &room_id, &rest).await;
            let page_ids = ids(&page["chunk"]);
            assert!(page_ids.len() <= 3);
            found.extend(page_ids.into_iter().map(ToOwned::to_owned));
            match page["next_batch"].as_str() {
                Some(next) => from = format!("&from={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "{query}");
    }
    // A token of sync is one of relations, too.
    let rest = format!("{root}?dir=f&limit=3&from={since}");
    let page = server.relations(&claire, &room_id, &rest).await;
    assert_eq!(ids(&page["chunk"]), sent[..3].iter().map(|id| &**id).collect::<Vec<_>>());
}

#[tokio::test]
async fn relations_are_for_those_who_may_see_the_event() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire]).await;
    let root = server.write(&claire, &room_id, "root").await;
    let path = format!("{V1}/rooms/{room_id}/relations/{root}");
    server.get(&samir, &path).await.refused(404, "M_NOT_FOUND");
    let path = format!("{V1}/rooms/{room_id}/relations/$nothing");
    server.get(&claire, &path).await.refused(404, "M_NOT_FOUND");
    let path = format!("{V1}/rooms/{room_id}/relations/{root}?from=nonsense");
    server.get(&claire, &path).await.refused(400, "M_INVALID_PARAM");
}

#[tokio::test]
async fn the_latest_edit_comes_with_a_message() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let message = server.write(&claire, &room_id, "frist").await;
    assert!(server.bundled(&samir, &room_id, &message).await.is_null());

    let first = server.relate(&claire, &room_id, "m.room.message", edit(&message, "one")).await;
    server.clock.advance(std::time::Duration::from_secs(1));
    let second = server.relate(&claire, &room_id, "m.room.message", edit(&message, "three")).await;
    // Nobody edits what others wrote.
    server.clock.advance(std::time::Duration::from_secs(1));
    server.relate(&samir, &room_id, "m.room.message", edit(&message, "forged")).await;
    let bundled = server.bundled(&samir, &room_id, &message).await;
    assert_eq!(bundled["m.replace"]["event_id"], *second);
    assert_eq!(bundled["m.replace"]["content"]["m.new_content"]["body"], "three");

    // In sync and in history as well.
    let answer = server.sync(&samir, "").await;
    let events = &answer["rooms"]["join"][&room_id]["timeline"]["events"];
    let find = |events: &Value| {
        let events = events.as_array().unwrap().clone();
        events.into_iter().find(|event| event["event_id"] == *message).unwrap()
    };
    assert_eq!(find(events)["unsigned"]["m.relations"]["m.replace"]["event_id"], *second);
    let path = format!("{V3}/rooms/{room_id}/messages?dir=b");
    let page = server.get(&samir, &path).await.ok();
    let found = find(&page["chunk"]);
    assert_eq!(found["unsigned"]["m.relations"]["m.replace"]["event_id"], *second);
    assert_eq!(found["content"]["body"], "frist");

    // Taken back, the edit before it counts again; then none.
    for (redacted, left) in [(&second, Some(&first)), (&first, None)] {
        let path = format!("{V3}/rooms/{room_id}/redact/{redacted}/r{}", left.is_some());
        server.put(&claire, &path, json!({})).await.ok();
        let bundled = server.bundled(&samir, &room_id, &message).await;
        assert_eq!(bundled["m.replace"]["event_id"].as_str(), left.map(|left| &**left));
    }
    let all = server.relations(&samir, &room_id, &format!("{message}/m.replace")).await;
    assert_eq!(ids(&all["chunk"]).len(), 1, "only what Samir tried is left: {all}");
}

#[tokio::test]
async fn an_edit_reaches_those_who_synced_the_message_before() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let message = server.write(&claire, &room_id, "frist").await;
    // What was read of the room is kept for whoever comes next.
    let before = server.sync(&samir, "").await;
    assert!(before["rooms"]["join"][&room_id].is_object());
    let edited = server.relate(&claire, &room_id, "m.room.message", edit(&message, "first")).await;
    server.sync(&claire, before["next_batch"].as_str().unwrap()).await;
    let again = server.sync(&samir, "").await;
    let events = again["rooms"]["join"][&room_id]["timeline"]["events"].as_array().unwrap();
    let found = events.iter().find(|event| event["event_id"] == *message).unwrap();
    assert_eq!(found["unsigned"]["m.relations"]["m.replace"]["event_id"], *edited);
}

#[tokio::test]
async fn references_come_with_the_event_they_refer_to() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let poll = server.write(&claire, &room_id, "poll").await;
    let vote = relating("m.reference", &poll, "vote");
    let vote = server.relate(&claire, &room_id, "m.room.message", vote).await;
    let bundled = server.bundled(&claire, &room_id, &poll).await;
    assert_eq!(bundled, json!({ "m.reference": { "chunk": [{ "event_id": vote }] } }));
    let path = format!("{V3}/rooms/{room_id}/redact/{vote}/r");
    server.put(&claire, &path, json!({})).await.ok();
    assert!(server.bundled(&claire, &room_id, &poll).await.is_null());
}

#[tokio::test]
async fn nobody_reacts_twice_in_the_same_way() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let message = server.write(&claire, &room_id, "hello").await;
    let reaction = |key: &str| json!({ "m.relates_to": { "rel_type": "m.annotation", "event_id": message, "key": key } });
    let path = |transaction: &str| format!("{V3}/rooms/{room_id}/send/m.reaction/{transaction}");
    let first = server.put(&claire, &path("1"), reaction("👍")).await.ok();
    let again = server.put(&claire, &path("1"), reaction("👍")).await.ok();
    assert_eq!(first, again, "the same request again is the same reaction");
    server.put(&claire, &path("2"), reaction("👍")).await.refused(400, "M_DUPLICATE_ANNOTATION");
    server.put(&claire, &path("3"), reaction("🎉")).await.ok();
    server.put(&samir, &path("1"), reaction("👍")).await.ok();
    // Taken back, it can be given again.
    let event_id = first["event_id"].as_str().unwrap();
    let redact = format!("{V3}/rooms/{room_id}/redact/{event_id}/r");
    server.put(&claire, &redact, json!({})).await.ok();
    server.put(&claire, &path("4"), reaction("👍")).await.ok();
    let all = server.relations(&claire, &room_id, &format!("{message}/m.annotation")).await;
    assert_eq!(ids(&all["chunk"]).len(), 3);
    // Reactions are not summed up by the server.
    assert!(server.bundled(&claire, &room_id, &message).await.is_null());
}

#[tokio::test]
async fn a_message_can_be_taken_back_with_all_its_edits() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.room_of(&[&claire, &samir]).await;
    let message = server.write(&claire, &room_id, "secret").await;
    let edited = server.relate(&claire, &room_id, "m.room.message", edit(&message, "public")).await;
    let reply = relating("m.thread", &message, "reply");
    let reply = server.relate(&claire, &room_id, "m.room.message", reply).await;
    let of_samir = relating("m.replace", &message, "forged");
    let of_samir = server.relate(&samir, &room_id, "m.room.message", of_samir).await;
    let path = format!("{V3}/rooms/{room_id}/redact/{message}/r");
    let bad = json!({ "org.matrix.msc3912.with_relations": "m.replace" });
    server.put(&claire, &path, bad).await.refused(400, "M_BAD_JSON");
    let body = json!({ "org.matrix.msc3912.with_relations": ["m.replace"] });
    server.put(&claire, &path, body).await.ok();
    let content = async |event_id: &str| {
        let path = format!("{V3}/rooms/{room_id}/event/{event_id}");
        server.get(&claire, &path).await.ok()["content"].clone()
    };
    assert_eq!(content(&message).await, json!({}));
    assert_eq!(content(&edited).await, json!({}));
    assert_eq!(content(&reply).await["body"], "reply");
    assert_eq!(content(&of_samir).await, json!({}), "moderators take it along");
}

#[tokio::test]
async fn messages_can_be_asked_for_by_their_relation() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let plain = server.write(&claire, &room_id, "root").await;
    let reference = relating("m.reference", &plain, "reference");
    let reference = server.relate(&claire, &room_id, "m.room.message", reference).await;
    let reply = relating("m.thread", &plain, "reply");
    let reply = server.relate(&claire, &room_id, "m.room.message", reply).await;
    for prefix in ["", "org.matrix.msc3874."] {
        for (field, expected) in
            [("rel_types", vec![&*reference]), ("not_rel_types", vec![&*reply, &*plain])]
        {
            let filter = json!({
                "types": ["m.room.message"],
                format!("{prefix}{field}"): ["m.reference"],
            });
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("dir", "b").append_pair("filter", &filter.to_string());
            let path = format!("{V3}/rooms/{room_id}/messages?{}", query.finish());
            let page = server.get(&claire, &path).await.ok();
            assert_eq!(ids(&page["chunk"]), expected, "{filter}");
        }
    }
}

#[tokio::test]
async fn ignored_people_are_not_heard() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let awa = server.sign_up("awa").await;
    let room_id = server.room_of(&[&claire, &samir, &awa]).await;
    let root = server.write(&claire, &room_id, "root").await;
    let of_awa = relating("m.thread", &root, "reply of Awa");
    let of_awa = server.relate(&awa, &room_id, "m.room.message", of_awa).await;
    let of_samir = relating("m.thread", &root, "a reply of Samir");
    let of_samir = server.relate(&samir, &room_id, "m.room.message", of_samir).await;
    let ignored = json!({ "ignored_users": { samir.user_id.clone(): {} } });
    let path = format!("{V3}/user/{}/account_data/m.ignored_user_list", claire.user_id);
    server.put(&claire, &path, ignored).await.ok();

    let thread = &server.bundled(&claire, &room_id, &root).await["m.thread"];
    assert_eq!(
        (&thread["count"], &thread["latest_event"]["event_id"]),
        (&json!(1), &json!(of_awa))
    );
    let thread = &server.bundled(&awa, &room_id, &root).await["m.thread"];
    assert_eq!(thread["count"], 2);
    let all = server.relations(&claire, &room_id, &root).await;
    assert_eq!(ids(&all["chunk"]), [&*of_awa]);
    let page = server.get(&claire, &format!("{V3}/rooms/{room_id}/messages?dir=b")).await.ok();
    assert!(!ids(&page["chunk"]).contains(&&*of_samir));
    let path = format!("{V3}/rooms/{room_id}/context/{root}");
    let context = server.get(&claire, &path).await.ok();
    assert_eq!(ids(&context["events_after"]), [&*of_awa]);
    // That he is in the room, they still see.
    let path = format!("{V3}/rooms/{room_id}/state/m.room.member/{}", samir.user_id);
    server.get(&claire, &path).await.ok();
}
