//! The engine for tests, and the model that the others are compared with.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Bound,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Commits, Found, RawRow};
use crate::{
    Position, Stamp,
    batch::{Batch, Expect, Requirement, Write},
    codec::{Counter, Value},
    error::{CommitError, Conflict, StoreError},
    key::AsKey,
    snapshot::Direction,
    store::Committed,
};

/// A row's history: its value (`None`: deleted) from each position on, oldest first.
type History = Vec<(Position, Option<Vec<u8>>)>;
type Table = BTreeMap<Vec<u8>, History>;

#[derive(Default)]
struct State {
    position: Position,
    tables: HashMap<&'static str, Table>,
    /// How many snapshots are held at each position: history that none of them can see is dropped.
    held: BTreeMap<Position, usize>,
}

impl State {
    fn current(&self, keyspace: &'static str, key: &[u8]) -> Found {
        visible(self.tables.get(keyspace)?.get(key)?, self.position)
    }

    fn write(
        &mut self,
        keyspace: &'static str,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
        at: Position,
    ) {
        let oldest_held = self.held.keys().next().copied();
        let table = self.tables.entry(keyspace).or_default();
        let history = table.entry(key).or_default();
        if history.last().is_some_and(|(position, _)| *position == at) {
            history.pop();
        }
        history.push((at, value));
        // Keep the newest entry that the oldest snapshot can see, and all after it.
        let keep_from = match oldest_held {
            Some(oldest) => {
                history.iter().rposition(|(position, _)| *position <= oldest).unwrap_or(0)
            }
            None => history.len() - 1,
        };
        history.drain(..keep_from);
    }
}

fn visible(history: &History, at: Position) -> Found {
    let (version, value) = history.iter().rev().find(|(position, _)| *position <= at)?;
    value.clone().map(|value| (value, *version))
}

#[derive(Clone)]
pub(crate) struct MemoryEngine {
    state: Arc<Mutex<State>>,
    commits: Commits,
}

impl MemoryEngine {
    pub(crate) fn new(commits: Commits) -> Self {
        Self { state: Arc::default(), commits }
    }

    pub(crate) fn commits(&self) -> &Commits {
        &self.commits
    }

    pub(crate) fn snapshot(&self) -> MemorySnapshot {
        let mut state = self.state.lock();
        let position = state.position;
        *state.held.entry(position).or_default() += 1;
        MemorySnapshot { state: Arc::clone(&self.state), position }
    }

    pub(crate) fn commit(&self, batch: Batch) -> Result<Position, CommitError> {
        let mut state = self.state.lock();
        for Requirement { keyspace, key, expect } in batch.requirements {
            let found = state.current(keyspace, &key).map(|(_, version)| version);
            let holds = match expect {
                Expect::Absent => found.is_none(),
                Expect::Version(version) => found == Some(version),
            };
            if !holds {
                return Err(Conflict { keyspace, key, found }.into());
            }
        }

        let position = state.position.next();
        for write in batch.writes {
            match write {
                Write::Put { keyspace, key, value } => {
                    state.write(keyspace, key, Some(value), position);
                }
                Write::Delete { keyspace, key } => state.write(keyspace, key, None, position),
                Write::Append { keyspace, mut prefix, index, value } => {
                    Stamp { index, ..Stamp::first_at(position) }.encode_to(&mut prefix);
                    state.write(keyspace, prefix, Some(value), position);
                }
                Write::Add { keyspace, key, amount } => {
                    let history = state.tables.get(keyspace).and_then(|table| table.get(&key));
                    let current = history.and_then(|history| visible(history, position));
                    let count = current
                        .map_or(Ok(Counter::default()), |(value, _)| Counter::decode(&value))
                        .and_then(|Counter(count)| Counter(count.wrapping_add(amount)).encode())
                        .map_err(|source| StoreError::Codec { keyspace, source })?;
                    state.write(keyspace, key, Some(count), position);
                }
            }
        }
        state.position = position;
        // Sent under the lock, so that subscribers see commits in order. No subscriber is no error.
        let _ = self.commits.send(Arc::new(Committed { position, touched: batch.touched }));
        Ok(position)
    }
}

pub(crate) struct MemorySnapshot {
    state: Arc<Mutex<State>>,
    position: Position,
}

impl MemorySnapshot {
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn get(&self, keyspace: &'static str, key: &[u8]) -> Found {
        visible(self.state.lock().tables.get(keyspace)?.get(key)?, self.position)
    }

    pub(crate) fn scan(
        &self,
        keyspace: &'static str,
        start: &[u8],
        end: Option<&[u8]>,
        limit: usize,
        direction: Direction,
    ) -> Vec<RawRow> {
        if end.is_some_and(|end| end <= start) {
            return Vec::new();
        }
        let state = self.state.lock();
        let Some(table) = state.tables.get(keyspace) else { return Vec::new() };
        let upper = end.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = table.range::<[u8], _>((Bound::Included(start), upper));
        let seen = |(key, history): (&Vec<u8>, &History)| {
            let (value, version) = visible(history, self.position)?;
            Some(RawRow { key: key.clone(), value, version })
        };
        match direction {
            Direction::Forward => rows.filter_map(seen).take(limit).collect(),
            Direction::Backward => rows.rev().filter_map(seen).take(limit).collect(),
        }
    }
}

impl Drop for MemorySnapshot {
    fn drop(&mut self) {
        let mut state = self.state.lock();
        if let Some(count) = state.held.get_mut(&self.position) {
            *count -= 1;
            if *count == 0 {
                state.held.remove(&self.position);
            }
        }
    }
}
