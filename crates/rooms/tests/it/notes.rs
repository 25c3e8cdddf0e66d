//! Stores that were written before it was noted what refers to what, and when events were sent.

use pli_rooms::{
    EventNotes, Reader, Redaction, RelationFilter, RelationsRequest, SendMessage, ThreadsRequest,
    keyspaces::{
        ANNOTATION, EVENT_TIME, RELATION, REPLACEMENT, ROOM_HEAD, THREAD, THREAD_ORDER,
        THREAD_PARTICIPANT, TIMELINE,
    },
    search::SearchRequest,
};
use pli_store::{
    Batch, Direction, Key, Keyspace, Stamp, Value as StoreValue,
    derived::{DERIVED_ROWS, bring_up_to_date},
};
use ruma::{
    MilliSecondsSinceUnixEpoch, OwnedEventId, OwnedRoomId, RoomId, UInt,
    api::client::filter::RoomEventFilter, events::TimelineEventType,
};
use serde_json::{Value, json};

use crate::support::{Server, on_each_store, raw, user};

impl Server {
    async fn refer(
        &self,
        name: &str,
        room_id: &RoomId,
        event_type: TimelineEventType,
        content: Value,
    ) -> OwnedEventId {
        self.clock.advance(std::time::Duration::from_secs(60));
        let position = self.store.position().await.unwrap();
        let message = SendMessage {
            sender: user(name),
            device_id: "DEVICE".into(),
            room_id: room_id.to_owned(),
            event_type,
            content: raw(content),
            transaction_id: format!("refer-{position}").into(),
            timestamp: None,
            sticky: None,
        };
        self.rooms.send_message(message).await.unwrap()
    }

    async fn reply(&self, name: &str, room_id: &RoomId, root: &OwnedEventId) -> OwnedEventId {
        let content = json!({
            "msgtype": "m.text",
            "body": "a reply",
            "m.relates_to": { "rel_type": "m.thread", "event_id": root },
        });
        self.refer(name, room_id, TimelineEventType::RoomMessage, content).await
    }

    async fn react(&self, name: &str, room_id: &RoomId, to: &OwnedEventId) -> OwnedEventId {
        let relation = json!({ "rel_type": "m.annotation", "event_id": to, "key": "👍" });
        let content = json!({ "m.relates_to": relation });
        self.refer(name, room_id, TimelineEventType::Reaction, content).await
    }

    /// All that people are told of a room's relations and times.
    async fn told(&self, name: &str, room_id: &RoomId) -> Value {
        let snapshot = self.snapshot().await;
        let user_id = user(name);
        let reader = Reader { user_id: &user_id, device_id: None };
        let timeline = self.timeline(room_id).await;
        let shown: Vec<_> =
            self.rooms.client_events::<Value>(&snapshot, reader, &timeline).await.unwrap();
        let mut shown: Vec<Value> =
            shown.iter().map(|event| event.deserialize_as().unwrap()).collect();
        shown.iter_mut().for_each(forget_age);
        let mut relations = Vec::new();
        let mut moments = Vec::new();
        for event in &timeline {
            for (direction, recurse) in [(Direction::Forward, false), (Direction::Backward, true)] {
                let request = RelationsRequest {
                    event_id: event.event_id(),
                    rel_type: None,
                    event_type: None,
                    from: None,
                    to: None,
                    direction,
                    limit: 100,
                    recurse,
                };
                let page = self.rooms.relations(&snapshot, &user_id, room_id, request).await;
                let events = page.unwrap().events;
                let ids: Vec<_> = events.iter().map(|event| event.event_id().to_owned()).collect();
                relations.push(json!(ids));
            }
            let minute = UInt::from(30_000_u32);
            let time = MilliSecondsSinceUnixEpoch(event.pdu.origin_server_ts().0 - minute);
            let at =
                self.rooms.event_at(&snapshot, &user_id, room_id, time, Direction::Forward).await;
            moments.push(json!(at.ok().map(|event| event.event_id().to_owned())));
        }
        let mut threads = Vec::new();
        for participated in [false, true] {
            let request = ThreadsRequest { from: None, limit: 100, participated };
            let page = self.rooms.threads(&snapshot, &user_id, room_id, request).await.unwrap();
            let roots: Vec<_> = page.roots.iter().map(|root| root.event_id().to_owned()).collect();
            threads.push(json!(roots));
        }
        json!({
            "timeline": shown,
            "relations": relations,
            "threads": threads,
            "moments": moments,
        })
    }

    /// The store as an older server left it.
    async fn forget_notes(&self, room_id: &RoomId) -> Self {
        let mut batch = Batch::new();
        self.clear(&mut batch, &RELATION).await;
        self.clear(&mut batch, &ANNOTATION).await;
        self.clear(&mut batch, &REPLACEMENT).await;
        self.clear(&mut batch, &THREAD).await;
        self.clear(&mut batch, &THREAD_ORDER).await;
        self.clear(&mut batch, &THREAD_PARTICIPANT).await;
        self.clear(&mut batch, &EVENT_TIME).await;
        self.clear(&mut batch, &DERIVED_ROWS).await;
        let snapshot = self.snapshot().await;
        let rows = TIMELINE.prefix((room_id,));
        for row in snapshot.scan(&TIMELINE, rows, 1000, Direction::Forward).await.unwrap() {
            let mut event = row.value;
            event.related = pli_rooms::Related::default();
            batch.put(&TIMELINE, row.key, &event);
        }
        let mut head = snapshot.get(&ROOM_HEAD, room_id).await.unwrap().unwrap();
        head.settled = None;
        batch.put(&ROOM_HEAD, room_id, &head);
        drop(snapshot);
        self.store.commit(batch).await.unwrap();
        self.restarted()
    }

    async fn clear<K: Key, V: StoreValue>(&self, batch: &mut Batch, keyspace: &Keyspace<K, V>) {
        let snapshot = self.snapshot().await;
        let rows = snapshot.scan(keyspace, keyspace.all(), 1000, Direction::Forward).await.unwrap();
        for row in rows {
            batch.delete(keyspace, row.key);
        }
    }

    async fn note_again(&self) -> u64 {
        bring_up_to_date(&self.store, &EventNotes::new(self.rooms.clone())).await.unwrap()
    }
}

/// How long ago something was said depends on who asks when.
fn forget_age(event: &mut Value) {
    match event {
        Value::Object(fields) => {
            fields.remove("age");
            fields.values_mut().for_each(forget_age);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_age),
        _ => {}
    }
}

struct Talk {
    room_id: OwnedRoomId,
    root: OwnedEventId,
    other_root: OwnedEventId,
}

/// A room with everything that can refer to something.
async fn talk(server: &Server) -> Talk {
    let room_id = server.public_room_of("claire").await;
    server.join("samir", &room_id).await.unwrap();
    let root = server.say("claire", &room_id, "a root", "1").await.unwrap();
    server.clock.advance(std::time::Duration::from_secs(60));
    let other_root = server.say("claire", &room_id, "another root", "2").await.unwrap();
    server.reply("samir", &room_id, &root).await;
    server.reply("claire", &room_id, &other_root).await;
    server.reply("claire", &room_id, &root).await;
    let gone = server.reply("samir", &room_id, &root).await;
    server.react("samir", &room_id, &root).await;
    let taken_back = server.react("claire", &room_id, &root).await;
    for text in ["edited", "edited again"] {
        let content = json!({
            "msgtype": "m.text",
            "body": text,
            "m.new_content": { "msgtype": "m.text", "body": text },
            "m.relates_to": { "rel_type": "m.replace", "event_id": root },
        });
        server.refer("claire", &room_id, TimelineEventType::RoomMessage, content).await;
    }
    let content = json!({
        "msgtype": "m.text",
        "body": "what was said above",
        "m.relates_to": { "rel_type": "m.reference", "event_id": other_root },
    });
    server.refer("samir", &room_id, TimelineEventType::RoomMessage, content).await;
    for (redacted, transaction) in [(gone, "3"), (taken_back, "4")] {
        let redaction = Redaction {
            sender: user("claire"),
            device_id: "DEVICE".into(),
            room_id: room_id.clone(),
            event_id: redacted,
            reason: None,
            transaction_id: transaction.into(),
        };
        server.rooms.redact(redaction).await.unwrap();
    }
    Talk { room_id, root, other_root }
}

#[tokio::test]
async fn threads_reactions_and_edits_of_an_older_store_are_there_after_an_upgrade() {
    on_each_store(|server| async move {
        let Talk { room_id, .. } = talk(&server).await;
        let before = server.told("samir", &room_id).await;
        let upgraded = server.forget_notes(&room_id).await;
        let meanwhile = upgraded.told("samir", &room_id).await;
        for what in ["timeline", "relations", "threads", "moments"] {
            assert_ne!(meanwhile[what], before[what], "{what}");
        }

        let noted = upgraded.note_again().await;

        assert_eq!(noted, u64::try_from(upgraded.timeline(&room_id).await.len()).unwrap());
        let after = upgraded.told("samir", &room_id).await;
        for what in ["timeline", "relations", "threads", "moments"] {
            assert_eq!(after[what], before[what], "{what}");
        }
        assert_eq!(upgraded.note_again().await, 0);
    })
    .await;
}

/// All other rooms would be without their threads and reactions because of one.
#[tokio::test]
async fn a_damaged_room_keeps_no_other_room_from_being_upgraded() {
    on_each_store(|server| async move {
        let Talk { room_id, .. } = talk(&server).await;
        let mut damaged = server.room_of("claire").await;
        // Rooms are gone through in the order of their ids.
        while damaged > room_id {
            damaged = server.room_of("claire").await;
        }
        let before = server.told("samir", &room_id).await;
        let snapshot = server.snapshot().await;
        let mut head = snapshot.get(&ROOM_HEAD, &damaged).await.unwrap().unwrap();
        drop(snapshot);
        head.room_version = "never-heard-of".try_into().unwrap();
        let mut batch = Batch::new();
        batch.put(&ROOM_HEAD, &damaged, &head);
        server.store.commit(batch).await.unwrap();
        let upgraded = server.forget_notes(&room_id).await;

        upgraded.note_again().await;

        let after = upgraded.told("samir", &room_id).await;
        assert_eq!(after["threads"], before["threads"]);
        assert_eq!(after["relations"], before["relations"]);
    })
    .await;
}

/// People go on talking while the server is busy with the past.
#[tokio::test]
async fn what_is_said_before_the_past_is_noted_counts_once() {
    on_each_store(|server| async move {
        let Talk { room_id, root, other_root } = talk(&server).await;
        let upgraded = server.forget_notes(&room_id).await;
        upgraded.clock.advance(std::time::Duration::from_secs(60 * 60));
        let latest = upgraded.reply("samir", &room_id, &other_root).await;

        upgraded.note_again().await;
        let mut batch = Batch::new();
        upgraded.clear(&mut batch, &DERIVED_ROWS).await;
        upgraded.store.commit(batch).await.unwrap();
        // A server that was killed may do some of it twice.
        upgraded.note_again().await;

        let told = upgraded.told("samir", &room_id).await;
        assert_eq!(told["threads"][0], json!([other_root, root]));
        let timeline = told["timeline"].as_array().unwrap();
        let thread_of = |root: &OwnedEventId| {
            let event = timeline.iter().find(|event| event["event_id"] == root.as_str()).unwrap();
            event["unsigned"]["m.relations"]["m.thread"].clone()
        };
        assert_eq!(thread_of(&root)["count"], 2);
        assert_eq!(thread_of(&other_root)["count"], 2);
        assert_eq!(thread_of(&other_root)["latest_event"]["event_id"], latest.as_str());
        assert_eq!(thread_of(&other_root)["current_user_participated"], true);
        // And what is said afterwards as well.
        upgraded.reply("claire", &room_id, &root).await;
        let told = upgraded.told("samir", &room_id).await;
        assert_eq!(told["threads"][0], json!([root, other_root]));
    })
    .await;
}

/// What an older server wrote of the words of a room: not how many each message has.
const OLD_WORDS: Keyspace<(OwnedRoomId, String, Stamp), ()> = Keyspace::new("search_word");
const OLD_CURSORS: Keyspace<OwnedRoomId, OldCursor> = Keyspace::new("search_cursor");

#[derive(serde::Serialize, serde::Deserialize)]
struct OldCursor {
    newest: Stamp,
    oldest: Stamp,
}

impl pli_store::Record for OldCursor {}

#[tokio::test]
async fn words_that_an_older_server_wrote_down_are_found_after_an_upgrade() {
    on_each_store(|server| async move {
        let room_id = server.room_of("claire").await;
        server.say("claire", &room_id, "the budget, at last", "1").await.unwrap();
        server.say("claire", &room_id, "budget", "2").await.unwrap();
        let search = async |server: &Server| {
            let request = SearchRequest {
                term: "Budget",
                keys: &[],
                filter: &RoomEventFilter::default(),
                relations: &RelationFilter::default(),
                newest_first: false,
                offset: 0,
                up_to: None,
                limit: 10,
                context: None,
            };
            let page = server.rooms.search(&user("claire"), request).await.unwrap();
            page.hits.iter().map(|hit| hit.rank).collect::<Vec<_>>()
        };
        assert_eq!(search(&server).await, [1.0, 0.25]);

        let mut batch = Batch::new();
        let snapshot = server.snapshot().await;
        let words = OLD_WORDS.all();
        for row in snapshot.scan(&OLD_WORDS, words, 100, Direction::Forward).await.unwrap() {
            batch.put(&OLD_WORDS, row.key, &());
        }
        let cursors = OLD_CURSORS.all();
        for row in snapshot.scan(&OLD_CURSORS, cursors, 9, Direction::Forward).await.unwrap() {
            batch.put(&OLD_CURSORS, row.key, &row.value);
        }
        drop(snapshot);
        server.store.commit(batch).await.unwrap();

        assert_eq!(search(&server.restarted()).await, [1.0, 0.25]);
    })
    .await;
}
