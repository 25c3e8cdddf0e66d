//! What an operator does with a whole store.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use pli_store::{
    Batch, Keyspace, Position, Store, StoreError,
    testing::PostgresServer,
    tools::{CopyError, RawRow, check, copy},
};

use crate::engines::{CATALOGUE, COUNTERS, LOG, NAMES, PAIRS, TestStore};

async fn fill(store: &Store) {
    for number in 0..30_u64 {
        let mut batch = Batch::new();
        batch
            .put(&NAMES, format!("name {number}"), &"x".repeat(200_000))
            .put(&PAIRS, ("a", number), &(number * 2))
            .put(&PAIRS, ("\0", number), &number)
            .add(&COUNTERS, number % 3, 1);
        batch.append(&LOG, ("room".to_owned(),), &number.to_string());
        store.commit(batch).await.unwrap();
    }
    let mut batch = Batch::new();
    batch.delete(&NAMES, "name 0");
    store.commit(batch).await.unwrap();
}

async fn dump(store: &Store) -> (Position, Vec<(String, Vec<RawRow>)>) {
    let snapshot = store.snapshot().await.unwrap();
    let mut keyspaces = Vec::new();
    for name in snapshot.keyspaces().await.unwrap() {
        let mut rows = Vec::new();
        let mut cursor = snapshot.raw_rows(&name, Vec::new());
        while let Some(row) = cursor.next().await.unwrap() {
            rows.push(row);
        }
        keyspaces.push((name, rows));
    }
    (snapshot.position(), keyspaces)
}

/// Moving to PostgreSQL must not cost a message, nor sign anybody out of their sync.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_the_same_store() {
    let server = PostgresServer::start().unwrap();
    let sqlite = TestStore::sqlite().await;
    let mut postgres = TestStore::postgres(&server, "copy").await;
    let memory = TestStore::memory().await;
    let mut back = TestStore::sqlite().await;
    fill(&sqlite.store).await;

    let original = dump(&sqlite.store).await;
    let calls = Cell::new(0);
    let copied =
        copy(&sqlite.store, &postgres.store, |_| calls.set(calls.get() + 1)).await.unwrap();
    assert_eq!(copied.position, Position(31));
    assert_eq!(copied.rows, 29 + 60 + 3 + 30);
    assert!(copied.bytes > 29 * 200_000);
    assert!(calls.get() >= 5);
    postgres.reopen().await;
    assert!(dump(&postgres.store).await == original);
    copy(&postgres.store, &memory.store, |_| {}).await.unwrap();
    assert!(dump(&memory.store).await == original);
    copy(&memory.store, &back.store, |_| {}).await.unwrap();
    back.reopen().await;
    assert!(dump(&back.store).await == original);

    // Each goes on where the original stood.
    for test in [&postgres, &memory, &back] {
        let report = check(&test.store, CATALOGUE, |_| {}).await.unwrap();
        assert!(report.is_sound(), "{:?}", report.problems);
        let mut batch = Batch::new();
        batch.add(&COUNTERS, 1, 1);
        assert_eq!(test.store.commit(batch).await.unwrap(), Position(32));
    }
    let refused = copy(&sqlite.store, &postgres.store, |_| {}).await.unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty), "{refused}");
    sqlite.store.close().await;
}

/// Half a store must not be taken for a whole one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_copy_can_not_be_opened() {
    let server = PostgresServer::start().unwrap();
    let source = TestStore::memory().await;
    fill(&source.store).await;
    for target in [TestStore::sqlite().await, TestStore::postgres(&server, "half").await] {
        let written = Cell::new(false);
        {
            let mut copying = pin!(copy(&source.store, &target.store, |_| written.set(true)));
            poll_fn(|context| match copying.as_mut().poll(context) {
                Poll::Ready(_) => panic!("the copy is done"),
                Poll::Pending if written.get() => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
            })
            .await;
        }
        target.store.close().await;
        let error = Store::open(&target.url).await.err().unwrap();
        assert!(error.to_string().contains("delete it and copy again"), "{error}");
    }
}

#[tokio::test]
async fn a_check_names_each_bad_row() {
    const OTHER: Keyspace<(String, u64), Vec<String>> = Keyspace::new(PAIRS.name());
    const STRANGE: Keyspace<u64, u64> = Keyspace::new("test_of_a_newer_version");
    for test in [TestStore::memory().await, TestStore::sqlite().await] {
        fill(&test.store).await;
        let mut batch = Batch::new();
        batch.put(&OTHER, ("b", 1), &vec!["not a number".to_owned()]).put(&STRANGE, 1, &1);
        test.store.commit(batch).await.unwrap();

        let seen = Cell::new(0);
        let report =
            check(&test.store, CATALOGUE, |size| seen.set(seen.get() + size.rows)).await.unwrap();
        assert_eq!(report.position, Position(32));
        assert_eq!(report.unknown_keyspaces, [STRANGE.name()]);
        assert_eq!(seen.get(), 29 + 61 + 3 + 30 + 1);
        let [problem] = report.problems.as_slice() else { panic!("{:?}", report.problems) };
        assert_eq!(problem.keyspace.as_deref(), Some(PAIRS.name()));
        let snapshot = test.store.snapshot().await.unwrap();
        let bad = snapshot.raw_rows(PAIRS.name(), problem.key.clone().unwrap()).next().await;
        assert_eq!(bad.unwrap().unwrap().version, Position(32));
        let size = snapshot.keyspace_size(LOG.name()).await.unwrap();
        assert_eq!((size.rows, size.key_bytes), (30, 30 * (6 + 10)));
    }
}

#[tokio::test]
async fn a_store_that_can_not_be_read_is_an_error() {
    let test = TestStore::memory().await;
    test.store.close().await;
    assert!(matches!(check(&test.store, CATALOGUE, |_| {}).await, Err(StoreError::Closed)));
}
