//! Backups as the operator's guide makes them. If these fail, an operator finds out after the disaster.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use nix::sys::signal::Signal;
use reqwest::Method;
use rusqlite::Connection;
use tokio::task::spawn_blocking;

use crate::support::process::{Installation, Process, pli};

/// Copies a data folder whose server runs, as the guide says: the store by `VACUUM INTO`, and its key.
fn back_up(data: &Path, backup: &Path) {
    let store = Connection::open(data.join("pli.db")).unwrap();
    let copy = backup.join("pli.db");
    store.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    std::fs::copy(data.join("signing.key"), backup.join("signing.key")).unwrap();
}

/// A backup that others wrote during: more than what was under way when it began.
async fn backup_of_busy(data: PathBuf, written: &AtomicUsize) -> Installation {
    for _ in 0..100 {
        let backup = Installation::new();
        let (data, copy) = (data.clone(), backup.data());
        let before = written.load(Ordering::SeqCst);
        spawn_blocking(move || back_up(&data, &copy)).await.unwrap();
        if written.load(Ordering::SeqCst) >= before + 2 {
            return backup;
        }
    }
    panic!("nobody can write while a backup is made");
}

async fn user_id(process: &Process, access_token: &str) -> String {
    let path = "/_matrix/client/v3/account/whoami";
    let answer = process.send(Method::GET, path, Some(access_token), None).await.unwrap().ok();
    answer["user_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_backup_of_a_running_server_starts_where_it_was_made() {
    let installation = Installation::new();
    let process = Arc::new(installation.serve().await);
    let claire = process.sign_up("claire").await;
    let samir = process.sign_up("samir").await;
    let room_id = process.create_room(&claire).await;
    let mut sent = Vec::new();
    // Some megabytes, so that the copy takes its time.
    for number in 0..200 {
        let answer = process.say(&claire, &room_id, &number.to_string(), 50_000).await.unwrap();
        sent.push(answer.ok()["event_id"].as_str().unwrap().to_owned());
    }
    // Somebody else writes all the while.
    let written = Arc::new(AtomicUsize::new(0));
    let busy = {
        let (process, samir) = (Arc::clone(&process), samir.clone());
        let written = Arc::clone(&written);
        let room_id = process.create_room(&samir).await;
        tokio::spawn(async move {
            for number in 0.. {
                let said = process.say(&samir, &room_id, &number.to_string(), 1_000).await;
                let Ok(answer) = said else { return };
                answer.ok();
                written.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let backup = backup_of_busy(installation.data(), &written).await;
    let address = format!("sqlite:{}", backup.data().join("pli.db").display());
    let checked = pli(&["store", "check", &address]).await;
    assert!(checked.status.success(), "{checked:?}");
    process.signal(Signal::SIGKILL);
    busy.await.unwrap();

    let restored = backup.serve().await;
    assert_eq!(user_id(&restored, &claire.access_token).await, claire.user_id);
    for event_id in &sent {
        assert!(restored.has(&claire, &room_id, event_id).await, "{event_id} is lost");
    }
    restored.say(&claire, &room_id, "after", 10).await.unwrap().ok();
}
