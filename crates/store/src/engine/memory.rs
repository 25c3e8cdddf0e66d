//! The engine for tests, and the model that the others are compared with.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    ops::Bound,
    sync::Arc,
};

use parking_lot::Mutex;

use super::{Commits, Found, Span};
use crate::{
    Position, Stamp,
    batch::{Batch, Expect, Requirement, Write},
    codec::{Counter, Value},
    error::{CommitError, Conflict, StoreError},
    key::AsKey,
    snapshot::Direction,
    store::Committed,
    tools::RawRow,
};

/// A row's history: its value (`None`: deleted) from each position on, oldest first.
type History = Vec<(Position, Option<Vec<u8>>)>;
type Table = BTreeMap<Vec<u8>, History>;
/// What a batch leaves behind: the version and new value (`None`: deleted) of each row it touches.
type Staged = BTreeMap<(&'static str, Vec<u8>), (Position, Option<Vec<u8>>)>;

/// A row whose history holds more than its value, to be looked at again once no snapshot is older
/// than `since`.
struct Outdated {
    since: Position,
    keyspace: &'static str,
    key: Vec<u8>,
}

#[derive(Default)]
struct State {
    position: Position,
    closed: bool,
    tables: HashMap<&'static str, Table>,
    /// How many snapshots are held at each position: history that none of them can see is dropped.
    held: BTreeMap<Position, usize>,
    /// In the order of `since`.
    outdated: VecDeque<Outdated>,
}

impl State {
    fn current(&self, keyspace: &str, key: &[u8]) -> Found {
        visible(self.tables.get(keyspace)?.get(key)?, self.position)
    }

    fn check(&self, requirement: &Requirement) -> Result<(), Conflict> {
        let Requirement { keyspace, key, expect } = requirement;
        let found = self.current(keyspace, key).map(|(_, version)| version);
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found == Some(*version),
        };
        if holds { Ok(()) } else { Err(Conflict { keyspace, key: key.clone(), found }) }
    }

    /// What the writes come to. Changes nothing, so that a batch that fails leaves nothing behind.
    fn stage(&self, writes: Vec<Write>, position: Position) -> Result<Staged, StoreError> {
        let mut staged = Staged::new();
        for write in writes {
            match write {
                Write::Put { keyspace, key, value } => {
                    staged.insert((keyspace, key), (position, Some(value)));
                }
                Write::Delete { keyspace, key } => {
                    staged.insert((keyspace, key), (position, None));
                }
                Write::Append { keyspace, prefix: mut key, index, value } => {
                    Stamp { index, ..Stamp::first_at(position) }.encode_to(&mut key);
                    staged.insert((keyspace, key), (position, Some(value)));
                }
                Write::Restore { keyspace, row } => {
                    staged.insert((keyspace, row.key), (row.version, Some(row.value)));
                }
                Write::Add { keyspace, key, amount } => {
                    let row = (keyspace, key);
                    let current = match staged.get(&row) {
                        Some((_, value)) => value.clone(),
                        None => self.current(keyspace, &row.1).map(|(value, _)| value),
                    };
                    let sum = Counter::sum(current.as_deref(), amount)
                        .and_then(|sum| sum.encode())
                        .map_err(|source| StoreError::Codec { keyspace, source })?;
                    staged.insert(row, (position, Some(sum)));
                }
            }
        }
        Ok(staged)
    }

    fn write(
        &mut self,
        keyspace: &'static str,
        key: Vec<u8>,
        value: Option<Vec<u8>>,
        at: Position,
    ) {
        let history = self.tables.entry(keyspace).or_default().entry(key.clone()).or_default();
        let deleted = value.is_none();
        history.push((at, value));
        if deleted || history.len() > 1 {
            self.outdated.push_back(Outdated { since: at, keyspace, key });
        }
    }

    /// Drops what no snapshot can see.
    fn forget(&mut self) {
        let oldest_seen = self.held.keys().next().copied().unwrap_or(self.position);
        while let Some(row) = self.outdated.pop_front_if(|row| row.since <= oldest_seen) {
            let Some(table) = self.tables.get_mut(row.keyspace) else { continue };
            let Some(history) = table.get_mut(&row.key) else { continue };
            // The newest entry that the oldest snapshot sees stays, and all after it.
            let seen = history.iter().rposition(|(position, _)| *position <= oldest_seen);
            history.drain(..seen.unwrap_or(0));
            if matches!(history.as_slice(), [(_, None)]) {
                table.remove(&row.key);
            }
            if table.is_empty() {
                self.tables.remove(row.keyspace);
            }
        }
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

    pub(crate) fn snapshot(&self) -> Result<MemorySnapshot, StoreError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StoreError::Closed);
        }
        let position = state.position;
        *state.held.entry(position).or_default() += 1;
        Ok(MemorySnapshot { state: Arc::clone(&self.state), position })
    }

    pub(crate) fn commit(&self, batch: Batch) -> Result<Position, CommitError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(StoreError::Closed.into());
        }
        for requirement in &batch.requirements {
            state.check(requirement)?;
        }

        let position = batch.position_after(state.position);
        for ((keyspace, key), (version, value)) in state.stage(batch.writes, position)? {
            state.write(keyspace, key, value, version);
        }
        state.position = position;
        state.forget();
        if batch.restore.is_some() {
            return Ok(position);
        }
        // Sent under the lock, so that subscribers see commits in order. No subscriber is no error.
        let _ = self.commits.send(Arc::new(Committed { position, touched: batch.touched }));
        Ok(position)
    }

    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
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

    pub(crate) fn get(&self, keyspace: &str, key: &[u8]) -> Found {
        visible(self.state.lock().tables.get(keyspace)?.get(key)?, self.position)
    }

    pub(crate) fn keyspaces(&self) -> Vec<String> {
        let mut names: Vec<_> =
            self.state.lock().tables.keys().map(|name| (*name).to_owned()).collect();
        names.sort_unstable();
        names
    }

    pub(crate) fn scan(&self, keyspace: &str, span: &Span) -> Vec<RawRow> {
        let state = self.state.lock();
        let Some(table) = state.tables.get(keyspace) else { return Vec::new() };
        let upper = span.end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let rows = table.range::<[u8], _>((Bound::Included(span.start.as_slice()), upper));
        let seen = |(key, history): (&Vec<u8>, &History)| {
            let (value, version) = visible(history, self.position)?;
            Some(RawRow { key: key.clone(), value, version })
        };
        match span.direction {
            Direction::Forward => rows.filter_map(seen).take(span.limit).collect(),
            Direction::Backward => rows.rev().filter_map(seen).take(span.limit).collect(),
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
        state.forget();
    }
}
