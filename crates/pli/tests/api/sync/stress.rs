//! Many writers, many readers.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{V3, texts};
use crate::support::TestServer;

const WRITERS: usize = 50;
const READERS: usize = 20;
const EACH: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_sees_every_message_once_and_in_order() {
    let server = Arc::new(TestServer::start_on_disk().await);
    let claire = server.sign_up("claire").await;
    let room_id = server.room_of(&[&claire]).await;
    let mut readers = JoinSet::new();
    for number in 0..READERS {
        let reader = server.sign_up(&format!("reader{number}")).await;
        server.join(&reader, &room_id).await;
        let mut since = server.sync(&reader, "").await["next_batch"].as_str().unwrap().to_owned();
        let (server, room_id) = (Arc::clone(&server), room_id.clone());
        readers.spawn(async move {
            let mut seen: Vec<String> = Vec::new();
            while seen.len() < WRITERS * EACH {
                let limit =
                    "&filter=%7B%22room%22%3A%7B%22timeline%22%3A%7B%22limit%22%3A500%7D%7D%7D";
                let path = format!("{V3}/sync?timeout=30000&since={since}{limit}");
                let answer = server.get(&reader, &path).await.ok();
                answer["next_batch"].as_str().unwrap().clone_into(&mut since);
                let timeline = &answer["rooms"]["join"][&room_id]["timeline"];
                assert_ne!(timeline["limited"], true);
                let texts = texts(&timeline["events"]);
                seen.extend(texts.into_iter().map(ToOwned::to_owned));
            }
            seen
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (server, room_id, claire) = (Arc::clone(&server), room_id.clone(), claire.clone());
        writers.spawn(async move {
            for number in 0..EACH {
                server.write(&claire, &room_id, &format!("w{writer}n{number}")).await;
            }
        });
    }
    writers.join_all().await;
    let seen = readers.join_all().await;
    let order = &seen[0];
    let mut once = order.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), WRITERS * EACH);
    for other in &seen {
        assert_eq!(other, order);
    }
}
