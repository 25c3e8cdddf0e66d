//! The process that operators run: how it starts, refuses to start, stops, dies and runs out of disk.

use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::fs::FileExt as _,
    sync::Arc,
};

use nix::sys::signal::Signal;
use pli_store::ambient::Ambient;
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinSet};

use crate::support::{
    process::{Installation, Process},
    waiting::until,
};

const SYNC: &str = "/_matrix/client/v3/sync";
const UPLOAD: &str = "/_matrix/client/v3/keys/upload";
const CLAIM: &str = "/_matrix/client/v3/keys/claim";

fn complaint(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test]
async fn a_mistake_in_the_configuration_is_named_with_its_line() {
    let installation = Installation::new();
    let output = installation.run(&["config", "check"]).await;
    assert!(output.status.success(), "{output:?}");
    // The line after the ten usual ones.
    for (mistake, named) in [
        ("rooms.defualt_version = \"12\"", "defualt_version"),
        ("rooms.default_version = 12", "default_version"),
        ("media.max_upload = \"many\"", "max_upload"),
        ("serveur = \"x\"", "serveur"),
        ("log.filter = \"unclosed", "unclosed"),
    ] {
        installation.configure(mistake);
        for arguments in [&["config", "check"][..], &["serve"]] {
            let output = installation.run(arguments).await;
            let complaint = complaint(&output);
            assert_eq!(output.status.code(), Some(1), "{mistake}: {complaint}");
            assert!(complaint.contains("line 11"), "{mistake}: {complaint}");
            assert!(complaint.contains(named), "{mistake}: {complaint}");
        }
    }
}

#[tokio::test]
async fn a_missing_configuration_is_named() {
    let installation = Installation::new();
    std::fs::remove_file(installation.config()).unwrap();
    let output = installation.run(&["serve"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("pli.toml"), "{}", complaint(&output));
}

/// Two processes that write to one store would lose what people said.
#[tokio::test]
async fn a_second_server_on_the_same_store_refuses_to_start() {
    let installation = Installation::new();
    let first = installation.serve().await;
    let output = installation.run(&["serve"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("in use by another process"), "{}", complaint(&output));
    first.sign_up("claire").await;
}

type Damage = fn(&std::fs::File);

/// Whoever starts it then must know what to do, and nothing may make it worse.
#[tokio::test]
async fn a_damaged_store_is_not_served() {
    let installation = Installation::new();
    let process = installation.serve().await;
    let claire = process.sign_up("claire").await;
    let room_id = process.create_room(&claire).await;
    for number in 0..20 {
        process.say(&claire, &room_id, &number.to_string(), 2_000).await.unwrap().ok();
    }
    process.signal(Signal::SIGTERM);
    assert_eq!(process.end().await.code(), Some(0));

    let path = installation.data().join("pli.db");
    let intact = std::fs::read(&path).unwrap();
    let damage: [(&str, Damage); 3] = [
        ("the header", |file| file.write_all_at(&[0xaa; 100], 0).unwrap()),
        ("the schema", |file| file.write_all_at(&[0xaa; 3_000], 100).unwrap()),
        ("the end", |file| file.set_len(5_000).unwrap()),
    ];
    for (what, damage) in damage {
        std::fs::write(&path, &intact).unwrap();
        damage(&std::fs::File::options().write(true).open(&path).unwrap());
        let damaged = std::fs::read(&path).unwrap();
        let output = installation.run(&["serve"]).await;
        let complaint = complaint(&output);
        assert_eq!(output.status.code(), Some(1), "{what}: {complaint}");
        assert!(complaint.contains("damaged"), "{what}: {complaint}");
        assert!(complaint.contains("restore a backup"), "{what}: {complaint}");
        assert_eq!(std::fs::read(&path).unwrap(), damaged, "{what}: it was changed");
    }
    std::fs::write(&path, &intact).unwrap();
    let process = installation.serve().await;
    let answer = process.send(Method::GET, SYNC, Some(&claire.access_token), None).await.unwrap();
    answer.ok();
}

/// An update of the server is no outage: who waits asks again at once.
#[tokio::test]
async fn a_server_that_is_told_to_stop_lets_nobody_hang() {
    let installation = Installation::new();
    let process = Arc::new(installation.serve().await);
    let claire = process.sign_up("claire").await;
    let token = claire.access_token.clone();
    let since = process.send(Method::GET, SYNC, Some(&token), None).await.unwrap().ok();
    // Nothing to do without TLS, and no reason to die.
    process.signal(Signal::SIGHUP);

    let path = format!("{SYNC}?timeout=80000&since={}", since["next_batch"].as_str().unwrap());
    let waiting = {
        let (process, token) = (Arc::clone(&process), token.clone());
        tokio::spawn(async move { process.send(Method::GET, &path, Some(&token), None).await })
    };
    until(async || process.metric("pli_sync_requests").await == Some(1.0)).await;
    process.signal(Signal::SIGTERM);
    let answer = waiting.await.unwrap().unwrap().ok();
    assert_eq!(answer["next_batch"], since["next_batch"]);
    let process = Arc::into_inner(process).unwrap();
    assert_eq!(process.end().await.code(), Some(0));
}

/// Sends messages until the process dies. Tells of each acknowledged one.
async fn talk(
    process: Arc<Process>,
    person: crate::support::Person,
    room_id: String,
    writer: String,
    told: mpsc::UnboundedSender<(String, String)>,
) {
    for number in 0.. {
        let transaction = format!("{writer}-{number}");
        match process.say(&person, &room_id, &transaction, 1_000).await {
            Ok(answer) => {
                let event_id = answer.ok()["event_id"].as_str().unwrap().to_owned();
                // The listener is gone when the test has failed.
                let _ = told.send((transaction, event_id));
            }
            Err(_) => return,
        }
    }
}

/// Who moves a stopped server moves `pli.db`, and nothing that was written is anywhere else.
#[tokio::test]
async fn a_stopped_server_leaves_its_store_in_one_file() {
    let installation = Installation::new();
    for round in 0..5 {
        let process = Arc::new(installation.serve().await);
        let mut writers = JoinSet::new();
        let (told, mut acknowledgements) = mpsc::unbounded_channel();
        for writer in 0..8 {
            let person = process.sign_up(&format!("writer-{round}-{writer}")).await;
            let room_id = process.create_room(&person).await;
            let (process, told) = (Arc::clone(&process), told.clone());
            writers.spawn(talk(process, person, room_id, writer.to_string(), told));
        }
        drop(told);
        for _ in 0..20 {
            acknowledgements.recv().await.unwrap();
        }
        process.signal(Signal::SIGTERM);
        writers.join_all().await;
        assert_eq!(Arc::into_inner(process).unwrap().end().await.code(), Some(0));
        for log in ["pli.db-wal", "pli.db-shm"] {
            assert!(!installation.data().join(log).exists(), "round {round}: {log} is left over");
        }
    }
}

/// What was shown as sent is sent, whatever happens to the machine.
#[tokio::test]
async fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let installation = Installation::new();
    let mut process = Arc::new(installation.serve().await);
    let claire = process.sign_up("claire").await;
    let samir = process.sign_up("samir").await;
    let rooms = [process.create_room(&claire).await, process.create_room(&samir).await];
    let people = [claire, samir];
    let mut acknowledged = BTreeMap::new();

    for round in 0..5 {
        let (told, mut acknowledgements) = mpsc::unbounded_channel();
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let place = writer % 2;
            writers.spawn(talk(
                Arc::clone(&process),
                people[place].clone(),
                rooms[place].clone(),
                format!("{place}-{round}-{writer}"),
                told.clone(),
            ));
        }
        drop(told);
        let until_kill = 20 + usize::from(Ambient::system().random_bytes::<1>()[0]) % 60;
        let before = acknowledged.len();
        while let Some((transaction, event_id)) = acknowledgements.recv().await {
            acknowledged.insert(transaction, event_id);
            if acknowledged.len() == before + until_kill {
                process.signal(Signal::SIGKILL);
            }
        }
        writers.join_all().await;
        let killed = Arc::into_inner(process).unwrap();
        assert!(!killed.end().await.success());

        process = Arc::new(installation.serve().await);
        for (transaction, event_id) in &acknowledged {
            let place = usize::from(transaction.starts_with('1'));
            let (person, room_id) = (&people[place], &rooms[place]);
            assert!(process.has(person, room_id, event_id).await, "{transaction} is lost");
            // A client that was cut off sends again, and nobody reads it twice.
            let again = process.say(person, room_id, transaction, 1_000).await.unwrap().ok();
            assert_eq!(again["event_id"], **event_id, "{transaction} came twice");
        }
    }
    assert!(acknowledged.len() >= 100, "{}", acknowledged.len());
}

/// Claims keys of somebody's device until the process dies. Tells of each key that it got.
async fn claim_keys(
    process: Arc<Process>,
    by: crate::support::Person,
    of: crate::support::Person,
    told: mpsc::UnboundedSender<String>,
) {
    let wanted = json!({ &of.user_id: { &of.device_id: "signed_curve25519" } });
    let body = json!({ "one_time_keys": wanted });
    loop {
        match process.send(Method::POST, CLAIM, Some(&by.access_token), Some(&body)).await {
            Ok(answer) => {
                let answer = answer.ok();
                let keys = answer["one_time_keys"][&of.user_id][&of.device_id].as_object().unwrap();
                // The listener is gone when the test has failed.
                let _ = told.send(keys.keys().next().unwrap().clone());
            }
            Err(_) => return,
        }
    }
}

/// Two who got the same key would share a secret that each believes to be theirs alone.
#[tokio::test]
async fn a_killed_server_gives_no_one_time_key_twice() {
    let installation = Installation::new();
    let mut process = Arc::new(installation.serve().await);
    let claire = process.sign_up("claire").await;
    let samir = process.sign_up("samir").await;
    let mut given = BTreeSet::new();
    for round in 0..4 {
        // More than are claimed before the process dies.
        let keys: serde_json::Map<_, _> = (0..150)
            .map(|number| {
                let id = format!("signed_curve25519:{round}-{number:03}");
                (id, json!({ "key": format!("key {round} {number}"), "signatures": {} }))
            })
            .collect();
        let body = json!({ "one_time_keys": keys });
        process
            .send(Method::POST, UPLOAD, Some(&samir.access_token), Some(&body))
            .await
            .unwrap()
            .ok();

        let (told, mut received) = mpsc::unbounded_channel();
        let mut claimers = JoinSet::new();
        for _ in 0..4 {
            let process = Arc::clone(&process);
            claimers.spawn(claim_keys(process, claire.clone(), samir.clone(), told.clone()));
        }
        drop(told);
        let until_kill = 5 + usize::from(Ambient::system().random_bytes::<1>()[0]) % 60;
        let before = given.len();
        while let Some(key_id) = received.recv().await {
            assert!(given.insert(key_id.clone()), "{key_id} was given twice");
            if given.len() == before + until_kill {
                process.signal(Signal::SIGKILL);
            }
        }
        claimers.join_all().await;
        let killed = Arc::into_inner(process).unwrap();
        assert!(!killed.end().await.success());
        process = Arc::new(installation.serve().await);
    }
}

/// A full disk is an error that says so; when there is room again, work goes on by itself.
#[tokio::test]
async fn a_full_disk_stops_writing_and_nothing_else() {
    let installation = Installation::new();
    let process = installation.serve_on_small_disk(24).await;
    let claire = process.sign_up("claire").await;
    let room_id = process.create_room(&claire).await;
    let ballast = process.sees(&installation.data()).join("ballast");
    std::fs::write(&ballast, vec![1; 12 * 1024 * 1024]).unwrap();

    let mut sent = Vec::new();
    let refused = loop {
        let answer = process.say(&claire, &room_id, &sent.len().to_string(), 50_000).await.unwrap();
        if answer.status != StatusCode::OK {
            break answer;
        }
        sent.push(answer.body["event_id"].as_str().unwrap().to_owned());
        assert!(sent.len() < 1_000, "the disk never got full");
    };
    let refused = refused.refused(507, "M_UNKNOWN");
    assert!(refused["error"].as_str().unwrap().contains("no space left"), "{refused}");
    let upload = process.url("/_matrix/media/v3/upload");
    let upload = installation.http.post(upload).bearer_auth(&claire.access_token);
    let upload = upload.body(vec![7; 14 * 1024 * 1024]).send().await.unwrap();
    assert_eq!(upload.status(), StatusCode::INSUFFICIENT_STORAGE);

    // Reading goes on.
    for event_id in &sent {
        assert!(process.has(&claire, &room_id, event_id).await, "{event_id} is lost");
    }
    std::fs::remove_file(&ballast).unwrap();
    // The client sends again what was refused: it is there once.
    let transaction = sent.len().to_string();
    let first = process.say(&claire, &room_id, &transaction, 50_000).await.unwrap().ok();
    let second = process.say(&claire, &room_id, &transaction, 50_000).await.unwrap().ok();
    assert_eq!(first, second);
    let path = format!("/_matrix/client/v3/rooms/{room_id}/messages?dir=b&limit=1000");
    let page =
        process.send(Method::GET, &path, Some(&claire.access_token), None).await.unwrap().ok();
    let messages = page["chunk"].as_array().unwrap();
    let messages = messages.iter().filter(|event| event["type"] == "m.room.message");
    assert_eq!(messages.count(), (sent.len() + 1).min(500));
    let topic = format!("/_matrix/client/v3/rooms/{room_id}/state/m.room.topic");
    let body = json!({ "topic": "de la place" });
    let token = Some(claire.access_token.as_str());
    process.send(Method::PUT, &topic, token, Some(&body)).await.unwrap().ok();
}
