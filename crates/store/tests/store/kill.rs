//! A process that is killed in the middle of writing loses nothing that it acknowledged.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use pli_store::{Batch, Direction, Position, Store, ambient::Ambient, testing::PostgresServer};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::task::JoinSet;

use crate::engines::{COUNTERS, LOG, NAMES, PAIRS};

const URL: &str = "PLI_TEST_KILL_URL";
const ROUND: &str = "PLI_TEST_KILL_ROUND";
/// How many rows of `PAIRS` each batch writes, beside one in each other keyspace.
const PAIRS_PER_BATCH: u64 = 6;

/// The process that is killed: does nothing unless the tests below start it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writing_process() {
    let (Ok(url), Ok(round)) = (std::env::var(URL), std::env::var(ROUND)) else { return };
    let store = Store::open(&url).await.unwrap();
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let (store, round) = (store.clone(), round.clone());
        writers.spawn(async move {
            for number in 0_u64.. {
                let name = format!("{round}/{writer}/{number}");
                let mut batch = Batch::new();
                batch.put(&NAMES, &name, &name).add(&COUNTERS, 1, 1);
                batch.append(&LOG, ("log".to_owned(),), &name);
                for part in 0..PAIRS_PER_BATCH {
                    batch.put(&PAIRS, (&name, part), &part);
                }
                let position = store.commit(batch).await.unwrap();
                eprintln!("ack {position} {name}");
            }
        });
    }
    writers.join_all().await;
}

fn start(url: &str, round: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writing_process", "--nocapture"])
        .env(URL, url)
        .env(ROUND, round.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Lets a process write, kills it after some acknowledgements and returns all that it gave.
fn write_and_kill(
    url: &str,
    round: usize,
    random: &mut StdRng,
    acknowledged: &mut BTreeMap<String, Position>,
) {
    let mut process = start(url, round);
    let lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut until_kill = random.random_range(0..60);
    for line in lines {
        let line = line.unwrap();
        // A line that the kill cut short is no acknowledgement.
        if let Some((position, name)) =
            line.strip_prefix("ack ").and_then(|acknowledged| acknowledged.split_once(' '))
            && name.split('/').count() == 3
        {
            acknowledged.entry(name.to_owned()).or_insert(Position(position.parse().unwrap()));
        }
        if until_kill == 0 {
            // Not at the moment of an acknowledgement, but somewhere in a commit.
            for _ in 0..random.random_range(0..200_000) {
                std::hint::spin_loop();
            }
            let id = i32::try_from(process.id()).unwrap();
            kill(Pid::from_raw(id), Signal::SIGKILL).unwrap();
        }
        until_kill -= 1;
    }
    process.wait().unwrap();
}

/// Every acknowledged batch is there, and of no batch only a part.
async fn verify(store: &Store, acknowledged: &BTreeMap<String, Position>) {
    let snapshot = store.snapshot().await.unwrap();
    let all = usize::MAX;
    let names = snapshot.scan(&NAMES, NAMES.all(), all, Direction::Forward).await.unwrap();
    let batches: BTreeMap<String, Position> =
        names.into_iter().map(|row| (row.key, row.version)).collect();
    for (name, position) in acknowledged {
        assert_eq!(batches.get(name), Some(position), "{name} was acknowledged");
    }

    // One position for each batch, without gaps.
    let count = batches.len() as u64;
    let mut positions: Vec<_> = batches.values().copied().collect();
    positions.sort_unstable();
    assert_eq!(positions, (1..=count).map(Position).collect::<Vec<_>>());
    assert_eq!(snapshot.position(), Position(count));

    let pairs = snapshot.scan(&PAIRS, PAIRS.all(), all, Direction::Forward).await.unwrap();
    assert_eq!(pairs.len() as u64, count * PAIRS_PER_BATCH);
    for pair in pairs {
        assert_eq!(batches.get(&pair.key.0), Some(&pair.version));
    }
    let log = snapshot.scan(&LOG, LOG.all(), all, Direction::Forward).await.unwrap();
    assert_eq!(log.len() as u64, count);
    for entry in log {
        assert_eq!(batches.get(&entry.value), Some(&entry.key.1.position()));
    }
    let counter = snapshot.get(&COUNTERS, 1).await.unwrap().unwrap_or_default();
    assert_eq!(counter.0.cast_unsigned(), count);
}

async fn kill_many_times(url: &str, rounds: usize) {
    let mut random = StdRng::from_seed(Ambient::system().random_bytes());
    let mut acknowledged = BTreeMap::new();
    for round in 0..rounds {
        write_and_kill(url, round, &mut random, &mut acknowledged);
        let store = Store::open(url).await.unwrap();
        verify(&store, &acknowledged).await;
        store.close().await;
    }
    assert!(acknowledged.len() > rounds, "only {} batches were written", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_every_acknowledged_batch_whole() {
    let folder = tempfile::tempdir().unwrap();
    kill_many_times(&format!("sqlite:{}", folder.path().join("pli.db").display()), 60).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_every_acknowledged_batch_whole() {
    let server = PostgresServer::start().unwrap();
    let url = server.create_database("kill").await.unwrap();
    kill_many_times(&url, 15).await;
}
