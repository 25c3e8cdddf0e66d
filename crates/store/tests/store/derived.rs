//! Rows that are made from others: in a store of any age they are there after a while.

use std::sync::atomic::{AtomicUsize, Ordering};

use pli_store::{
    Batch, CommitError, Direction, Store, StoreError,
    derived::{DERIVED_ROWS, Derived, Made, begin_new_store, bring_up_to_date},
};

use crate::engines::{NAMES, PAIRS, TestStore, on_every_engine};

on_every_engine!(
    rows_that_an_older_store_lacks_are_made_once,
    an_interrupted_making_goes_on_where_it_stopped,
    rows_that_are_made_otherwise_now_are_all_made_again,
    a_new_store_has_nothing_to_be_made_up_for,
);

/// The length of each name, of so many names at a time.
struct Lengths<'a> {
    store: &'a Store,
    at_once: usize,
    /// How many times it may be asked for more.
    patience: AtomicUsize,
}

impl<'a> Lengths<'a> {
    fn new(store: &'a Store) -> Self {
        Self { store, at_once: 2, patience: AtomicUsize::new(usize::MAX) }
    }

    async fn make(&self, after: Option<String>, unit: u64) -> Result<Option<Made<String>>, Error> {
        if self.patience.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(Error::Interrupted);
        }
        let snapshot = self.store.snapshot().await?;
        let range = match &after {
            Some(after) => NAMES.all().after(after.as_str()),
            None => NAMES.all(),
        };
        let rows = snapshot.scan(&NAMES, range, self.at_once, Direction::Forward).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let mut batch = Batch::new();
        for row in &rows {
            let length = u64::try_from(row.value.len()).unwrap();
            batch.put(&PAIRS, (&row.key, length), &unit);
        }
        self.store.commit(batch).await?;
        Ok(Some(Made { place: last.key.clone(), count: rows.len().try_into().unwrap() }))
    }
}

#[derive(Debug)]
enum Error {
    Interrupted,
    Store,
}

impl From<StoreError> for Error {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

impl From<CommitError> for Error {
    fn from(_: CommitError) -> Self {
        Self::Store
    }
}

impl Derived for Lengths<'_> {
    type Place = String;
    type Error = Error;
    const NAME: &'static str = "lengths";
    const VERSION: u32 = 1;

    async fn make_some(&self, after: Option<String>) -> Result<Option<Made<String>>, Error> {
        self.make(after, 1).await
    }
}

/// The same as a later version makes it.
struct LaterLengths<'a>(Lengths<'a>);

impl Derived for LaterLengths<'_> {
    type Place = String;
    type Error = Error;
    const NAME: &'static str = "lengths";
    const VERSION: u32 = 2;

    async fn make_some(&self, after: Option<String>) -> Result<Option<Made<String>>, Error> {
        self.0.make(after, 8).await
    }
}

async fn write_names(store: &Store) {
    let mut batch = Batch::new();
    for name in ["awa", "claire", "hugo", "lea", "samir"] {
        batch.put(&NAMES, name, &name.to_owned());
    }
    store.commit(batch).await.unwrap();
}

async fn lengths(store: &Store) -> Vec<(u64, u64)> {
    let snapshot = store.snapshot().await.unwrap();
    let rows = snapshot.scan(&PAIRS, PAIRS.all(), 100, Direction::Forward).await.unwrap();
    rows.into_iter().map(|row| (row.key.1, row.value)).collect()
}

/// Else an upgraded server would not find what was there before.
async fn rows_that_an_older_store_lacks_are_made_once(test: TestStore) {
    let store = &test.store;
    write_names(store).await;
    assert_eq!(bring_up_to_date(store, &Lengths::new(store)).await.unwrap(), 5);
    assert_eq!(lengths(store).await, [(3, 1), (6, 1), (4, 1), (3, 1), (5, 1)]);
    let position = store.position().await.unwrap();
    assert_eq!(bring_up_to_date(store, &Lengths::new(store)).await.unwrap(), 0);
    assert_eq!(store.position().await.unwrap(), position, "nothing is done again");
}

/// Else a large store that is restarted now and then would never be done.
async fn an_interrupted_making_goes_on_where_it_stopped(test: TestStore) {
    let store = &test.store;
    write_names(store).await;
    let impatient = Lengths { patience: AtomicUsize::new(2), ..Lengths::new(store) };
    assert!(matches!(bring_up_to_date(store, &impatient).await, Err(Error::Interrupted)));
    assert_eq!(lengths(store).await.len(), 4);
    let snapshot = store.snapshot().await.unwrap();
    let state = snapshot.get(&DERIVED_ROWS, "lengths").await.unwrap().unwrap();
    drop(snapshot);
    assert_eq!((state.version, state.begun.unwrap().count), (0, 4));
    assert_eq!(bring_up_to_date(store, &Lengths::new(store)).await.unwrap(), 1, "only the rest");
    assert_eq!(lengths(store).await.len(), 5);
}

async fn rows_that_are_made_otherwise_now_are_all_made_again(test: TestStore) {
    let store = &test.store;
    write_names(store).await;
    bring_up_to_date(store, &Lengths::new(store)).await.unwrap();
    let later = LaterLengths(Lengths::new(store));
    assert_eq!(bring_up_to_date(store, &later).await.unwrap(), 5);
    assert_eq!(lengths(store).await, [(3, 8), (6, 8), (4, 8), (3, 8), (5, 8)]);
    // A server of before leaves the newer rows alone.
    assert_eq!(bring_up_to_date(store, &Lengths::new(store)).await.unwrap(), 0);
}

async fn a_new_store_has_nothing_to_be_made_up_for(test: TestStore) {
    let store = &test.store;
    begin_new_store(store, &[(Lengths::NAME, Lengths::VERSION)]).await.unwrap();
    write_names(store).await;
    assert_eq!(bring_up_to_date(store, &Lengths::new(store)).await.unwrap(), 0);
    // Nor does a start change what is noted.
    let later = [(LaterLengths::NAME, LaterLengths::VERSION)];
    begin_new_store(store, &later).await.unwrap();
    let later = LaterLengths(Lengths::new(store));
    assert_eq!(bring_up_to_date(store, &later).await.unwrap(), 5);
}
