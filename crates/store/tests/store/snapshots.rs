//! Snapshots: one moment, however long one looks.

use pli_store::{Batch, Counter, Direction, Position, Range, StoreError};
use tokio::task::JoinSet;

use crate::engines::{COUNTERS, NAMES, PAIRS, TestStore, UNUSED, on_every_engine};

on_every_engine!(
    a_snapshot_does_not_change,
    a_snapshot_moves_between_tasks,
    a_snapshot_never_sees_half_of_a_batch,
    scans_respect_their_bounds,
    long_scans_and_look_ups_are_complete,
    a_keyspace_without_rows_is_empty,
    more_snapshots_than_readers_take_turns,
);

async fn a_snapshot_does_not_change(test: TestStore) {
    let store = &test.store;
    let empty = store.snapshot().await.unwrap();
    let mut batch = Batch::new();
    batch.put(&NAMES, "claire", &"one".to_owned()).put(&NAMES, "samir", &"here".to_owned());
    store.commit(batch).await.unwrap();
    let first = store.snapshot().await.unwrap();
    let mut batch = Batch::new();
    batch.put(&NAMES, "claire", &"two".to_owned()).delete(&NAMES, "samir").put(
        &NAMES,
        "hugo",
        &"new".to_owned(),
    );
    store.commit(batch).await.unwrap();

    assert_eq!(empty.position(), Position::ZERO);
    assert_eq!(empty.get(&NAMES, "claire").await.unwrap(), None);
    assert_eq!(empty.scan(&NAMES, NAMES.all(), 9, Direction::Forward).await.unwrap(), []);

    assert_eq!(first.position(), Position(1));
    let rows = first.scan(&NAMES, NAMES.all(), 9, Direction::Backward).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.value.as_str())).collect();
    assert_eq!(rows, [("samir", "here"), ("claire", "one")]);
    assert_eq!(first.get(&NAMES, "hugo").await.unwrap(), None);

    let second = store.snapshot().await.unwrap();
    let rows = second.scan(&NAMES, NAMES.all(), 9, Direction::Forward).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.key.as_str(), row.version.0)).collect();
    assert_eq!(rows, [("claire", 2), ("hugo", 2)]);
}

async fn a_snapshot_moves_between_tasks(test: TestStore) {
    let mut batch = Batch::new();
    batch.put(&NAMES, "claire", &"one".to_owned());
    test.store.commit(batch).await.unwrap();
    let snapshot = test.store.snapshot().await.unwrap();
    let read = tokio::spawn(async move {
        let (first, second) =
            tokio::join!(snapshot.get(&NAMES, "claire"), snapshot.get(&NAMES, "samir"));
        tokio::task::yield_now().await;
        (first.unwrap(), second.unwrap(), snapshot.get(&NAMES, "claire").await.unwrap())
    });
    let one = Some("one".to_owned());
    assert_eq!(read.await.unwrap(), (one.clone(), None, one));
}

/// Every batch moves 1 from one counter to another: every snapshot sees the same sum.
async fn a_snapshot_never_sees_half_of_a_batch(test: TestStore) {
    let mut writers = JoinSet::new();
    for writer in 0..4_u64 {
        let store = test.store.clone();
        writers.spawn(async move {
            for number in 0..50 {
                let mut batch = Batch::new();
                batch.add(&COUNTERS, (writer + number) % 10, -1);
                batch.add(&COUNTERS, number % 7 + 10, 1);
                store.commit(batch).await.unwrap();
            }
        });
    }
    let mut last = Position::ZERO;
    while last < Position(200) {
        let snapshot = test.store.snapshot().await.unwrap();
        let rows = snapshot.scan(&COUNTERS, COUNTERS.all(), 99, Direction::Forward).await.unwrap();
        let sum: i64 = rows.iter().map(|row| row.value.0).sum();
        let moved: i64 = rows.iter().filter(|row| row.key >= 10).map(|row| row.value.0).sum();
        assert_eq!(sum, 0);
        assert_eq!(moved.cast_unsigned(), snapshot.position().0);
        assert!(rows.iter().all(|row| row.version <= snapshot.position()));
        assert!(snapshot.position() >= last);
        last = snapshot.position();
        tokio::task::yield_now().await;
    }
    writers.join_all().await;
}

async fn scans_respect_their_bounds(test: TestStore) {
    let mut batch = Batch::new();
    for room in ["a", "b", "b\0", "c"] {
        for number in [0, 1, 255, 256, u64::MAX] {
            batch.put(&PAIRS, (room, number), &number);
        }
    }
    test.store.commit(batch).await.unwrap();
    let snapshot = test.store.snapshot().await.unwrap();
    let scan = async |range: Range<(String, u64)>, limit, direction| {
        let rows = snapshot.scan(&PAIRS, range, limit, direction).await.unwrap();
        rows.into_iter().map(|row| row.key.1).collect::<Vec<_>>()
    };
    let room = || PAIRS.prefix(("b",));
    let (forward, backward) = (Direction::Forward, Direction::Backward);

    assert_eq!(scan(room(), 99, forward).await, [0, 1, 255, 256, u64::MAX]);
    assert_eq!(scan(room(), 99, backward).await, [u64::MAX, 256, 255, 1, 0]);
    assert_eq!(scan(room(), 2, forward).await, [0, 1]);
    assert_eq!(scan(room(), 2, backward).await, [u64::MAX, 256]);
    assert_eq!(scan(room(), 0, forward).await, [0; 0]);
    assert_eq!(scan(room().from(("b", 255)), 99, forward).await, [255, 256, u64::MAX]);
    assert_eq!(scan(room().after(("b", 255)), 99, forward).await, [256, u64::MAX]);
    assert_eq!(scan(room().before(("b", 255)), 99, backward).await, [1, 0]);
    assert_eq!(scan(room().up_to(("b", 255)), 99, backward).await, [255, 1, 0]);
    assert_eq!(scan(room().after(("b", 1)).before(("b", 256)), 99, forward).await, [255]);
    assert_eq!(scan(room().after(("b", 256)).before(("b", 1)), 99, forward).await, [0; 0]);
    assert_eq!(scan(PAIRS.all(), 99, forward).await.len(), 20);
    assert_eq!(scan(PAIRS.all(), usize::MAX, backward).await.len(), 20);
}

/// Engines read in chunks: nothing may be lost or doubled where two meet.
async fn long_scans_and_look_ups_are_complete(test: TestStore) {
    const ROWS: u64 = 2_500;
    let mut batch = Batch::new();
    for number in 0..ROWS {
        batch.put(&PAIRS, ("long", number), &(number * 3));
    }
    test.store.commit(batch).await.unwrap();
    let snapshot = test.store.snapshot().await.unwrap();
    for limit in [255, 256, 257, 512, 2_499, 2_500, 2_501, usize::MAX] {
        let expected: Vec<_> = (0..ROWS).take(limit).map(|number| (number, number * 3)).collect();
        let rows = snapshot.scan(&PAIRS, PAIRS.all(), limit, Direction::Forward).await.unwrap();
        let rows: Vec<_> = rows.into_iter().map(|row| (row.key.1, row.value)).collect();
        assert!(rows == expected, "forward, limit {limit}");

        let expected: Vec<_> = (0..ROWS).rev().take(limit).collect();
        let rows = snapshot.scan(&PAIRS, PAIRS.all(), limit, Direction::Backward).await.unwrap();
        let rows: Vec<_> = rows.into_iter().map(|row| row.key.1).collect();
        assert!(rows == expected, "backward, limit {limit}");
    }
    let keys = (0..ROWS).rev().map(|number| ("long", number * 2));
    let found = snapshot.get_many(&PAIRS, keys).await.unwrap();
    for (number, row) in (0..ROWS).rev().zip(found) {
        let expected = (number * 2 < ROWS).then_some((number * 6, Position(1)));
        assert_eq!(row, expected, "look-up of {number}");
    }
}

async fn a_keyspace_without_rows_is_empty(test: TestStore) {
    for _ in 0..2 {
        let snapshot = test.store.snapshot().await.unwrap();
        assert_eq!(snapshot.get(&UNUSED, 1).await.unwrap(), None);
        assert_eq!(snapshot.get_many(&UNUSED, [1, 2]).await.unwrap(), [None, None]);
        let rows = snapshot.scan(&UNUSED, UNUSED.all(), 9, Direction::Forward).await.unwrap();
        assert_eq!(rows, []);
        let mut batch = Batch::new();
        batch.delete(&UNUSED, 1).put(&COUNTERS, 1, &Counter(1));
        test.store.commit(batch).await.unwrap();
    }
}

/// A burst of readers must wait for each other and not fail.
async fn more_snapshots_than_readers_take_turns(test: TestStore) {
    let mut readers = JoinSet::new();
    for _ in 0..300 {
        let store = test.store.clone();
        readers.spawn(async move {
            let snapshot = store.snapshot().await.unwrap();
            tokio::task::yield_now().await;
            snapshot.get(&NAMES, "claire").await.unwrap()
        });
    }
    assert!(readers.join_all().await.iter().all(Option::is_none));
}

/// Or whoever copies the file of a stopped server has half of what people wrote.
#[tokio::test]
async fn a_closed_store_is_one_file() {
    let test = TestStore::sqlite().await;
    let mut batch = Batch::new();
    batch.put(&NAMES, "claire", &"Claire".to_owned());
    test.store.commit(batch).await.unwrap();
    let snapshot = test.store.snapshot().await.unwrap();
    let closing = test.store.close();
    tokio::pin!(closing);
    assert!(futures_util::poll!(&mut closing).is_pending(), "somebody still reads");
    assert!(snapshot.get(&NAMES, "claire").await.unwrap().is_some());
    let late = test.store.snapshot();
    tokio::pin!(late);
    assert!(futures_util::poll!(&mut late).is_pending(), "it is closing");
    drop(snapshot);
    closing.await;
    assert!(matches!(late.await.err(), Some(StoreError::Closed)));
    let path = test.url.strip_prefix("sqlite:").unwrap();
    for log in ["-wal", "-shm"] {
        assert!(!std::path::Path::new(&format!("{path}{log}")).exists(), "{log} is left over");
    }
}
