//! Searching messages of rooms that are not encrypted.

use serde_json::{Value, json};

use crate::support::{Person, TestServer};

const V3: &str = "/_matrix/client/v3";

impl TestServer {
    async fn find(&self, person: &Person, query: &str, criteria: Value) -> Value {
        let body = json!({ "search_categories": { "room_events": criteria } });
        let answer = self.post(person, &format!("{V3}/search{query}"), body).await.ok();
        answer["search_categories"]["room_events"].clone()
    }
}

fn bodies(found: &Value) -> Vec<&str> {
    let results = found["results"].as_array().unwrap().iter();
    results.map(|hit| hit["result"]["content"]["body"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn messages_are_found_by_their_words() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let hello = server.write(&claire, &room_id, "hello, world").await;
    server.write(&claire, &room_id, "La réunion est déplacée").await;
    server.write(&claire, &room_id, "something else").await;
    let here = json!({ "rooms": [room_id] });
    let criteria = json!({ "search_term": "Hello", "keys": ["content.body"], "filter": here });
    let found = server.find(&claire, "", criteria).await;
    assert_eq!(found["count"], 1);
    let result = &found["results"][0]["result"];
    assert_eq!(result["event_id"], *hello);
    assert_eq!(result["room_id"], *room_id);
    assert!(found["results"][0]["context"].is_null());
    assert_eq!(found["highlights"], json!(["hello"]));

    // Without accents, all words, everywhere.
    let found = server.find(&claire, "", json!({ "search_term": "REUNION deplacee" })).await;
    assert_eq!(bodies(&found), ["La réunion est déplacée"]);
    let found = server.find(&claire, "", json!({ "search_term": "reunion world" })).await;
    assert_eq!((&found["count"], &found["results"]), (&json!(0), &json!([])));
    let found = server.find(&claire, "", json!({ "search_term": "…" })).await;
    assert_eq!(found["count"], 0);

    // Written after the last search.
    server.write(&claire, &room_id, "hello again").await;
    let found = server.find(&claire, "", json!({ "search_term": "hello" })).await;
    assert_eq!(found["count"], 2);
    let topic = json!({ "topic": "Hello, visitors" });
    server.set_state(&claire, &room_id, "m.room.topic", topic).await;
    let criteria = json!({ "search_term": "hello", "keys": ["content.topic"] });
    let found = server.find(&claire, "", criteria).await;
    assert_eq!(found["results"][0]["result"]["type"], "m.room.topic");
}

#[tokio::test]
async fn what_is_around_a_message_comes_with_it() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    for number in 1..=7 {
        server.write(&claire, &room_id, &format!("Message number {number}")).await;
    }
    let criteria = json!({
        "search_term": "Message 4",
        "order_by": "recent",
        "filter": { "limit": 1, "rooms": [room_id] },
        "event_context": { "before_limit": 2, "after_limit": 2, "include_profile": true },
        "include_state": true,
        "groupings": { "group_by": [{ "key": "room_id" }, { "key": "sender" }] },
    });
    let found = server.find(&claire, "", criteria).await;
    assert_eq!(bodies(&found), ["Message number 4"]);
    assert!(found["next_batch"].is_string());
    let context = &found["results"][0]["context"];
    let texts = |list: &Value| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        list.map(|event| event["content"]["body"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(texts(&context["events_before"]), ["Message number 3", "Message number 2"]);
    assert_eq!(texts(&context["events_after"]), ["Message number 5", "Message number 6"]);
    assert_eq!(context["profile_info"][&claire.user_id]["displayname"], "claire");
    let path = format!(
        "{V3}/rooms/{room_id}/messages?dir=f&limit=1&from={}",
        context["end"].as_str().unwrap()
    );
    let page = server.get(&claire, &path).await.ok();
    assert_eq!(page["chunk"][0]["content"]["body"], "Message number 7");
    assert!(found["state"][&room_id].as_array().unwrap().len() > 3);
    let event_id = &found["results"][0]["result"]["event_id"];
    assert_eq!(found["groups"]["room_id"][&room_id]["results"], json!([event_id]));
    assert_eq!(found["groups"]["sender"][&claire.user_id]["results"], json!([event_id]));
}

#[tokio::test]
async fn pages_follow_each_other_whatever_is_written_meanwhile() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    for number in 0..20 {
        server.write(&claire, &room_id, &format!("Message number {number}")).await;
    }
    let criteria = json!({
        "search_term": "Message",
        "order_by": "recent",
        "filter": { "limit": 10, "rooms": [room_id] },
    });
    let mut expected: Vec<String> =
        (0..20).map(|number| format!("Message number {number}")).collect();
    expected.reverse();
    let first = server.find(&claire, "", criteria.clone()).await;
    assert_eq!(bodies(&first), expected[..10]);
    server.write(&claire, &room_id, "Message in between").await;
    let next = first["next_batch"].as_str().unwrap();
    let second = server.find(&claire, &format!("?next_batch={next}"), criteria.clone()).await;
    assert_eq!(bodies(&second), expected[10..]);
    assert_eq!(second["count"], 20);
    let next = second["next_batch"].as_str().unwrap();
    let third = server.find(&claire, &format!("?next_batch={next}"), criteria).await;
    assert_eq!((&third["count"], &third["results"]), (&json!(20), &json!([])));
    assert!(third["next_batch"].is_null());
}

#[tokio::test]
async fn nobody_finds_what_they_may_not_see() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let body = json!({
        "preset": "public_chat",
        "initial_state": [{
            "type": "m.room.history_visibility",
            "content": { "history_visibility": "joined" },
        }],
    });
    let room_id = server.create_room(&claire, body).await;
    server.write(&claire, &room_id, "secret before").await;
    let everywhere = json!({ "search_term": "secret" });
    let here = json!({ "search_term": "secret", "filter": { "rooms": [room_id] } });
    for criteria in [&everywhere, &here] {
        assert_eq!(server.find(&samir, "", criteria.clone()).await["count"], 0);
    }
    server.post(&samir, &format!("{V3}/join/{room_id}"), json!({})).await.ok();
    server.write(&claire, &room_id, "secret between").await;
    server.post(&samir, &format!("{V3}/rooms/{room_id}/leave"), json!({})).await.ok();
    server.write(&claire, &room_id, "secret after").await;
    for criteria in [&everywhere, &here] {
        assert_eq!(bodies(&server.find(&samir, "", criteria.clone()).await), ["secret between"]);
    }
    assert_eq!(server.find(&claire, "", everywhere).await["count"], 3);
}

#[tokio::test]
async fn what_was_redacted_or_is_encrypted_is_not_found() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let redacted = server.write(&claire, &room_id, "going to be redacted").await;
    server.write(&claire, &room_id, "not going to be redacted").await;
    let found = server.find(&claire, "", json!({ "search_term": "redacted" })).await;
    assert_eq!(found["count"], 2);
    let path = format!("{V3}/rooms/{room_id}/redact/{redacted}/r");
    server.put(&claire, &path, json!({})).await.ok();
    for order_by in ["rank", "recent"] {
        let criteria = json!({ "search_term": "redacted", "order_by": order_by });
        let found = server.find(&claire, "", criteria).await;
        assert_eq!(bodies(&found), ["not going to be redacted"]);
    }
    let algorithm = json!({ "algorithm": "m.megolm.v1.aes-sha2" });
    server.set_state(&claire, &room_id, "m.room.encryption", algorithm).await;
    server.write(&claire, &room_id, "redacted in an encrypted room").await;
    let found = server.find(&claire, "", json!({ "search_term": "encrypted" })).await;
    assert_eq!(found["count"], 0);
}

#[tokio::test]
async fn a_search_that_means_nothing_is_refused() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let search = |criteria: Value| json!({ "search_categories": { "room_events": criteria } });
    let path = format!("{V3}/search");
    for criteria in [
        json!({ "search_term": "a", "order_by": "nonsense" }),
        json!({ "search_term": "a", "keys": ["content.nonsense"] }),
    ] {
        server.post(&claire, &path, search(criteria)).await.refused(400, "M_INVALID_PARAM");
    }
    server.post(&claire, &path, search(json!({}))).await.refused(400, "M_BAD_JSON");
    let body = search(json!({ "search_term": "a" }));
    let answer = server.post(&claire, &format!("{path}?next_batch=nonsense"), body.clone()).await;
    answer.refused(400, "M_INVALID_PARAM");
    let answer = server.send(reqwest::Method::POST, &path, None, Some(body)).await;
    answer.refused(401, "M_MISSING_TOKEN");
    let nothing = server.post(&claire, &path, json!({ "search_categories": {} })).await.ok();
    assert_eq!(nothing, json!({ "search_categories": {} }));
}

#[tokio::test]
async fn of_a_word_that_very_many_messages_have_each_is_found_once() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    for number in 0..120 {
        let more = " and so on".repeat(number % 3);
        server.write(&claire, &room_id, &format!("Budget number {number}{more}")).await;
    }
    let redacted = server.write(&claire, &room_id, "budget").await;
    for order_by in ["rank", "recent"] {
        let criteria = json!({
            "search_term": "budget number",
            "order_by": order_by,
            "filter": { "limit": 50 },
        });
        let mut found: Vec<String> = Vec::new();
        let mut query = String::new();
        loop {
            let page = server.find(&claire, &query, criteria.clone()).await;
            assert_eq!(page["count"], 120);
            found.extend(bodies(&page).into_iter().map(str::to_owned));
            let Some(next) = page["next_batch"].as_str() else { break };
            query = format!("?next_batch={next}");
        }
        assert_eq!(found.len(), 120, "{order_by}");
        match order_by {
            // Those that the words are the greatest part of, the newest of them first.
            "rank" => assert_eq!(found[..2], ["Budget number 117", "Budget number 114"]),
            _ => assert_eq!(found[0], "Budget number 119 and so on and so on"),
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 120, "{order_by}: no message on two pages");
    }
    let path = format!("{V3}/rooms/{room_id}/redact/{redacted}/r");
    server.put(&claire, &path, json!({})).await.ok();
    let found = server.find(&claire, "", json!({ "search_term": "budget" })).await;
    assert_eq!(bodies(&found)[0], "Budget number 117", "what was taken back is not shown");
}

/// How often a word was said in a room is told only to who may read it.
#[tokio::test]
async fn who_left_is_not_told_how_much_is_said_of_something() {
    let server = TestServer::start().await;
    let claire = server.sign_up("claire").await;
    let samir = server.sign_up("samir").await;
    let room_id = server.create_room(&claire, json!({ "preset": "public_chat" })).await;
    server.post(&samir, &format!("{V3}/join/{room_id}"), json!({})).await.ok();
    server.write(&claire, &room_id, "layoffs, perhaps").await;
    server.post(&samir, &format!("{V3}/rooms/{room_id}/leave"), json!({})).await.ok();
    for number in 0..110 {
        server.write(&claire, &room_id, &format!("layoffs {number}")).await;
    }
    let criteria = json!({ "search_term": "layoffs" });
    assert_eq!(server.find(&claire, "", criteria.clone()).await["count"], 111);
    let found = server.find(&samir, "", criteria).await;
    assert_eq!((&found["count"], bodies(&found)), (&json!(1), vec!["layoffs, perhaps"]));
}
