//! A disk that is full, or that refuses a write: a clear error, nothing half-written, and on it
//! goes when there is room again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    unistd::Uid,
};
use pli_store::{Batch, CommitError, Direction, Position, Store, StoreError};

use crate::engines::{NAMES, PAIRS};

const FOLDER: &str = "PLI_TEST_FULL_FOLDER";

/// Runs a test of this file in a process of its own, started by a shell that sets it up.
fn run_child(setup: &str, test: &str, folder: &Path) {
    let namespace: &[&str] = if !setup.contains("mount") {
        &[]
    } else if Uid::effective().is_root() {
        &["unshare", "--mount"]
    } else {
        &["unshare", "--mount", "--user", "--map-root-user"]
    };
    let mut words = namespace.to_vec();
    let script = format!("{setup} && exec \"$@\"");
    words.extend(["sh", "-c", &script, "sh"]);
    let output = Command::new(words[0])
        .args(&words[1..])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FOLDER, folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    // Else it may have run no test at all.
    let got_to_the_end = said.contains("the disk said: ");
    assert!(output.status.success() && got_to_the_end, "{said}\n{complained}");
}

fn numbered(number: u64) -> Batch {
    let mut batch = Batch::new();
    batch.put(&NAMES, format!("{number:06}"), &"x".repeat(20_000));
    for part in 0..4 {
        batch.put(&PAIRS, (format!("{number:06}"), part), &number);
    }
    batch
}

/// Writes until the disk refuses; then checks that nothing is lost or half-written, makes room and
/// writes on.
async fn fill(store: &Store, make_room: impl FnOnce()) -> StoreError {
    let mut number = 0;
    let error = loop {
        // A refused batch may go through the second time: the engine has tidied up to make room.
        let error = match store.commit(numbered(number)).await {
            Ok(_) => None,
            Err(error) => {
                verify(store, number).await;
                store.commit(numbered(number)).await.err().map(|_| error)
            }
        };
        match error {
            None => number += 1,
            Some(CommitError::Store(error)) => break error,
            Some(error) => panic!("{error}"),
        }
        assert!(number < 10_000, "the disk never got full");
    };
    assert!(number > 0, "nothing could be written: {error}");
    verify(store, number).await;

    make_room();
    for number in number..number + 20 {
        assert_eq!(store.commit(numbered(number)).await.unwrap(), Position(number + 1));
    }
    verify(store, number + 20).await;
    error
}

async fn verify(store: &Store, batches: u64) {
    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.position(), Position(batches));
    let names = snapshot.scan(&NAMES, NAMES.all(), usize::MAX, Direction::Forward).await.unwrap();
    assert_eq!(names.len() as u64, batches);
    let pairs = snapshot.scan(&PAIRS, PAIRS.all(), usize::MAX, Direction::Forward).await.unwrap();
    assert_eq!(pairs.len() as u64, batches * 4);
}

async fn reopened(url: &str, store: Store, error: &StoreError) {
    let last = store.position().await.unwrap();
    store.close().await;
    let store = Store::open(url).await.unwrap();
    verify(&store, last.0).await;
    println!("the disk said: {error}");
}

/// On a file system of 24 MiB, of which half is given free again.
#[tokio::test]
async fn on_a_small_disk() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        let folder = tempfile::tempdir().unwrap();
        let mount = format!("mount -t tmpfs -o size=24m tmpfs \"${FOLDER}\"");
        run_child(&mount, "full_disk::on_a_small_disk", folder.path());
        return;
    };
    let url = format!("sqlite:{}", folder.join("pli.db").display());
    let ballast = folder.join("ballast");
    fs::write(&ballast, vec![1; 12 * 1024 * 1024]).unwrap();
    let store = Store::open(&url).await.unwrap();
    let error = fill(&store, || fs::remove_file(&ballast).unwrap()).await;
    assert!(matches!(error, StoreError::Full), "{error}");
    reopened(&url, store, &error).await;
}

/// With files of at most 6 MiB, until that is raised: the disk has room, but writing fails.
#[tokio::test]
async fn with_a_disk_that_refuses() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        let folder = tempfile::tempdir().unwrap();
        let limit = "trap '' XFSZ && ulimit -S -f 12288";
        run_child(limit, "full_disk::with_a_disk_that_refuses", folder.path());
        return;
    };
    let url = format!("sqlite:{}", folder.join("pli.db").display());
    let store = Store::open(&url).await.unwrap();
    let raise_limit = || {
        let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
        setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    };
    let error = fill(&store, raise_limit).await;
    assert!(matches!(error, StoreError::Engine(_)), "{error}");
    reopened(&url, store, &error).await;
}
