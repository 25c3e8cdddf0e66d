//! Batches: whole or not at all, one after the other.

use std::sync::Arc;

use pli_store::{
    Batch, CodecError, CommitError, Counter, Direction, Expect, Position, Stamp, Store, StoreError,
    Touch,
};
use ruma::user_id;
use tokio::{sync::broadcast::error::RecvError, task::JoinSet};

use crate::engines::{COUNTERS, LOG, NAMES, PAIRS, TestStore, on_every_engine};

on_every_engine!(
    a_committed_batch_is_visible_whole,
    a_batch_whose_requirements_do_not_hold_writes_nothing,
    of_many_who_require_the_same_version_one_wins,
    positions_have_no_gaps,
    subscribers_hear_of_every_commit_in_order_after_it_is_visible,
    a_commit_goes_through_when_nobody_waits_for_it,
    counters_lose_no_increment,
    appended_rows_carry_their_position,
    writes_of_a_batch_apply_in_order,
    a_batch_that_can_not_be_written_leaves_the_others_alone,
    odd_names_and_large_values_come_back_as_they_were,
    keys_have_a_limit,
    a_closed_store_says_so,
);

fn put(name: &str, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(&NAMES, name, &value.to_owned());
    batch
}

async fn name(store: &Store, name: &str) -> Option<(String, Position)> {
    store.snapshot().await.unwrap().get_versioned(&NAMES, name).await.unwrap()
}

/// Else a reader could see a message without its room, or lose one of the two.
async fn a_committed_batch_is_visible_whole(test: TestStore) {
    let store = &test.store;
    assert_eq!(store.position().await.unwrap(), Position::ZERO);

    let mut batch = Batch::new();
    batch
        .require(&NAMES, "claire", Expect::Absent)
        .put(&NAMES, "claire", &"Claire Martin".to_owned())
        .put(&PAIRS, ("claire", 7), &70)
        .add(&COUNTERS, 1, 5);
    let position = store.commit(batch).await.unwrap();
    assert_eq!(position, Position(1));

    let snapshot = store.snapshot().await.unwrap();
    assert_eq!(snapshot.position(), position);
    assert_eq!(
        snapshot.get_versioned(&NAMES, "claire").await.unwrap(),
        Some(("Claire Martin".to_owned(), position))
    );
    assert_eq!(snapshot.get(&PAIRS, ("claire", 7)).await.unwrap(), Some(70));
    assert_eq!(snapshot.get(&COUNTERS, 1).await.unwrap(), Some(Counter(5)));

    let mut batch = Batch::new();
    batch.delete(&NAMES, "claire").delete(&NAMES, "nobody").delete(&PAIRS, ("claire", 7));
    store.commit(batch).await.unwrap();
    let later = store.snapshot().await.unwrap();
    assert_eq!(later.get(&NAMES, "claire").await.unwrap(), None);
    assert_eq!(later.get(&PAIRS, ("claire", 7)).await.unwrap(), None);
    assert_eq!(later.get(&COUNTERS, 1).await.unwrap(), Some(Counter(5)));
}

/// Else two devices could both take the last place in a room.
async fn a_batch_whose_requirements_do_not_hold_writes_nothing(test: TestStore) {
    let store = &test.store;
    let first = store.commit(put("claire", "one")).await.unwrap();

    let mut stale = put("samir", "never");
    stale.require(&NAMES, "claire", Expect::Version(first)).require(
        &NAMES,
        "claire",
        Expect::Absent,
    );
    let error = store.commit(stale).await.unwrap_err();
    let CommitError::Conflict(conflict) = &error else { panic!("{error}") };
    assert_eq!((conflict.keyspace, conflict.found), (NAMES.name(), Some(first)));
    assert!(error.is_conflict());
    assert_eq!(name(store, "samir").await, None);

    let mut ahead = put("samir", "never");
    ahead.require(&PAIRS, ("claire", 1), Expect::Version(Position(9)));
    let CommitError::Conflict(conflict) = store.commit(ahead).await.unwrap_err() else { panic!() };
    assert_eq!((conflict.keyspace, conflict.found), (PAIRS.name(), None));

    // A refused batch takes no position, and the next one goes through.
    let mut right = put("samir", "now");
    right.require(&NAMES, "claire", Expect::unchanged(Some(first))).require(
        &NAMES,
        "samir",
        Expect::unchanged(None),
    );
    assert_eq!(store.commit(right).await.unwrap(), first.next());
    assert_eq!(name(store, "samir").await, Some(("now".to_owned(), first.next())));
}

/// Preconditions are the only lock: else two messages could claim the same place.
async fn of_many_who_require_the_same_version_one_wins(test: TestStore) {
    const WRITERS: usize = 40;
    let mut version = None;
    for round in 0..5 {
        let mut writers = JoinSet::new();
        for writer in 0..WRITERS {
            let store = test.store.clone();
            writers.spawn(async move {
                let mut batch = put("head", &format!("{round}/{writer}"));
                batch.require(&NAMES, "head", Expect::unchanged(version));
                (writer, store.commit(batch).await)
            });
        }
        let mut winners = Vec::new();
        while let Some(result) = writers.join_next().await {
            match result.unwrap() {
                (writer, Ok(position)) => winners.push((writer, position)),
                (_, Err(error)) => assert!(error.is_conflict(), "{error}"),
            }
        }
        let [(writer, position)] = winners[..] else { panic!("{winners:?} won") };
        assert_eq!(name(&test.store, "head").await, Some((format!("{round}/{writer}"), position)));
        version = Some(position);
    }
    assert_eq!(test.store.position().await.unwrap(), Position(5));
}

/// Sync tokens are positions: a gap or a position given twice loses an event.
async fn positions_have_no_gaps(test: TestStore) {
    let mut commits = JoinSet::new();
    for writer in 0..8_u64 {
        let store = test.store.clone();
        commits.spawn(async move {
            let mut positions = Vec::new();
            for number in 0..25 {
                let mut batch = Batch::new();
                batch.put(&PAIRS, ("positions", writer * 1000 + number), &number);
                positions.push(store.commit(batch).await.unwrap());
            }
            assert!(positions.is_sorted());
            positions
        });
    }
    let mut positions = commits.join_all().await.concat();
    positions.sort_unstable();
    assert_eq!(positions, (1..=200).map(Position).collect::<Vec<_>>());

    let empty = test.store.commit(Batch::new()).await.unwrap();
    assert_eq!(empty, Position(201));
    assert_eq!(test.store.position().await.unwrap(), empty);
}

/// Whoever is woken too early, or not at all, misses a message.
async fn subscribers_hear_of_every_commit_in_order_after_it_is_visible(test: TestStore) {
    let user = user_id!("@claire:interieur.example");
    let mut subscription = test.store.subscribe();
    let mut commits = JoinSet::new();
    for number in 0..50_u64 {
        let store = test.store.clone();
        commits.spawn(async move {
            let mut batch = Batch::new();
            batch.put(&PAIRS, ("heard", number), &number).touch(Touch::User(user.to_owned()));
            store.commit(batch).await.unwrap();
        });
    }
    for expected in 1..=50 {
        let committed = subscription.recv().await.unwrap();
        assert_eq!(committed.position, Position(expected));
        assert_eq!(committed.touched, [Touch::User(user.to_owned())]);
        assert!(test.store.position().await.unwrap() >= committed.position);
    }
    commits.join_all().await;

    let TestStore { store, .. } = test;
    store.close().await;
    drop(store);
    assert!(matches!(subscription.recv().await, Err(RecvError::Closed)));
}

/// A client that hangs up must not leave it open whether its message was sent.
async fn a_commit_goes_through_when_nobody_waits_for_it(test: TestStore) {
    let mut subscription = test.store.subscribe();
    drop(test.store.commit(put("claire", "hung up")));
    assert_eq!(subscription.recv().await.unwrap().position, Position(1));
    assert_eq!(name(&test.store, "claire").await, Some(("hung up".to_owned(), Position(1))));
}

/// Unread counts are never read before they are raised.
async fn counters_lose_no_increment(test: TestStore) {
    let mut commits = JoinSet::new();
    for number in 0..100_i64 {
        let store = test.store.clone();
        commits.spawn(async move {
            let mut batch = Batch::new();
            batch.add(&COUNTERS, 1, number).add(&COUNTERS, 2, -1).add(&COUNTERS, 1, 1);
            store.commit(batch).await.unwrap();
        });
    }
    commits.join_all().await;
    let snapshot = test.store.snapshot().await.unwrap();
    let found = snapshot.get_many(&COUNTERS, [1, 2, 3]).await.unwrap();
    let last = Some(Position(100));
    assert_eq!(found[0].map(|(sum, _)| sum), Some(Counter(4950 + 100)));
    assert_eq!(
        (found[1].map(|(sum, _)| sum), found[1].map(|row| row.1)),
        (Some(Counter(-100)), last)
    );
    assert_eq!(found[2], None);
}

/// Timelines are in the order of positions without anybody counting.
async fn appended_rows_carry_their_position(test: TestStore) {
    let store = &test.store;
    let room = ("!room".to_owned(),);
    for number in 0..3 {
        let mut batch = Batch::new();
        assert_eq!(batch.append(&LOG, &room, &format!("{number}a")), 0);
        batch.put(&NAMES, "between", &"x".to_owned());
        assert_eq!(batch.append(&LOG, &room, &format!("{number}b")), 1);
        store.commit(batch).await.unwrap();
    }
    let mut backfill = Batch::new();
    let older = Stamp { order: -4, index: 0 };
    backfill.put(&LOG, ("!room", older), &"older".to_owned());
    store.commit(backfill).await.unwrap();

    let snapshot = store.snapshot().await.unwrap();
    let rows = snapshot.scan(&LOG, LOG.prefix(("!room",)), 100, Direction::Forward).await.unwrap();
    let texts: Vec<_> = rows.iter().map(|row| row.value.as_str()).collect();
    assert_eq!(texts, ["older", "0a", "0b", "1a", "1b", "2a", "2b"]);
    for row in &rows[1..] {
        assert_eq!(row.key.1.position(), row.version);
    }

    let since_second = LOG
        .prefix(("!room",))
        .from(("!room", Stamp::first_at(Position(2))))
        .up_to(("!room", Stamp::last_at(Position(2))));
    let second = snapshot.scan(&LOG, since_second, 100, Direction::Forward).await.unwrap();
    let texts: Vec<_> = second.iter().map(|row| row.value.as_str()).collect();
    assert_eq!(texts, ["1a", "1b"]);
}

async fn writes_of_a_batch_apply_in_order(test: TestStore) {
    let mut batch = Batch::new();
    batch
        .put(&NAMES, "a", &"first".to_owned())
        .put(&NAMES, "a", &"last".to_owned())
        .put(&NAMES, "b", &"gone".to_owned())
        .delete(&NAMES, "b")
        .delete(&NAMES, "c")
        .put(&NAMES, "c", &"back".to_owned())
        .put(&COUNTERS, 1, &Counter(10))
        .add(&COUNTERS, 1, 2)
        .add(&COUNTERS, 2, 2)
        .delete(&COUNTERS, 2)
        .add(&COUNTERS, 2, 3);
    let position = test.store.commit(batch).await.unwrap();
    let snapshot = test.store.snapshot().await.unwrap();
    let names = snapshot.get_many(&NAMES, ["a", "b", "c"]).await.unwrap();
    assert_eq!(
        names,
        [Some(("last".to_owned(), position)), None, Some(("back".to_owned(), position))]
    );
    assert_eq!(
        snapshot.get_many(&COUNTERS, [1, 2]).await.unwrap(),
        [Some((Counter(12), position)), Some((Counter(3), position))]
    );
}

/// One bad batch among many that are committed together must not cost the others.
async fn a_batch_that_can_not_be_written_leaves_the_others_alone(test: TestStore) {
    // The same table with another type: its rows are no counters.
    const NUMBERS: pli_store::Keyspace<u64, String> = pli_store::Keyspace::new("test_counters");
    let mut batch = Batch::new();
    batch.put(&NUMBERS, 1, &"not a number".to_owned());
    test.store.commit(batch).await.unwrap();

    let mut good = JoinSet::new();
    let mut bad = JoinSet::new();
    for number in 0..30_u64 {
        let mut batch = Batch::new();
        batch.put(&PAIRS, ("good", number), &number);
        good.spawn(test.store.commit(batch));
        if number % 10 == 5 {
            let mut batch = Batch::new();
            batch.put(&PAIRS, ("bad", number), &number).add(&COUNTERS, 1, 1);
            bad.spawn(test.store.commit(batch));
        }
    }
    for outcome in bad.join_all().await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, CommitError::Store(StoreError::Codec { .. })), "{error}");
    }
    let mut positions: Vec<_> =
        good.join_all().await.into_iter().map(|outcome| outcome.unwrap()).collect();
    positions.sort_unstable();
    assert_eq!(positions, (2..=31).map(Position).collect::<Vec<_>>());
    let snapshot = test.store.snapshot().await.unwrap();
    let bad = snapshot.scan(&PAIRS, PAIRS.prefix(("bad",)), 9, Direction::Forward).await.unwrap();
    assert_eq!(bad, []);
    let good = PAIRS.prefix(("good",));
    let good = snapshot.scan(&PAIRS, good, 99, Direction::Forward).await.unwrap();
    assert_eq!(good.len(), 30);
}

async fn odd_names_and_large_values_come_back_as_they_were(test: TestStore) {
    let large = "é\0\u{10FFFF}".repeat(300_000);
    let names = ["", "\0", "\0\0", "\u{1}", "'; DROP TABLE test_names; --", "\u{10FFFF}", "é"];
    let mut batch = Batch::new();
    for name in names {
        batch.put(&NAMES, name, &name.to_owned());
    }
    batch.put(&NAMES, "large", &large);
    test.store.commit(batch).await.unwrap();
    let snapshot = test.store.snapshot().await.unwrap();
    let found = snapshot.get_many(&NAMES, names).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|row| row.unwrap().0).collect();
    assert_eq!(found, names);
    assert!(snapshot.get(&NAMES, "large").await.unwrap() == Some(large));
}

/// What one engine takes, all must take: else moving to another one would fail half-way.
async fn keys_have_a_limit(test: TestStore) {
    let longest = "k".repeat(2046);
    test.store.commit(put(&longest, "fits")).await.unwrap();
    assert!(name(&test.store, &longest).await.is_some());

    let too_long = "k".repeat(2047);
    let error = test.store.commit(put(&too_long, "never")).await.unwrap_err();
    let CommitError::Store(StoreError::Codec { keyspace, source }) = error else {
        panic!("{error}")
    };
    assert_eq!(keyspace, NAMES.name());
    assert!(matches!(source, CodecError::Key(_)), "{source}");
    assert!(name(&test.store, &too_long).await.is_none());
    assert_eq!(test.store.position().await.unwrap(), Position(1));
}

async fn a_closed_store_says_so(test: TestStore) {
    let store = Arc::new(test.store);
    let last = store.commit(put("claire", "last words"));
    store.close().await;
    assert_eq!(last.await.unwrap(), Position(1));
    let late = store.commit(put("claire", "too late")).await.unwrap_err();
    assert!(matches!(late, CommitError::Store(StoreError::Closed)), "{late}");
    assert!(matches!(store.snapshot().await.err(), Some(StoreError::Closed)));
    store.close().await;
}
