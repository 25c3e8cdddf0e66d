//! The engines behind the store's interface.

pub(crate) mod memory;
pub(crate) mod postgres;
pub(crate) mod queue;
pub(crate) mod sqlite;

use std::{path::PathBuf, sync::Arc};

use tokio::sync::broadcast;

use self::{postgres::PostgresTurn, queue::Pending};
use crate::{
    Position, batch::Batch, error::StoreError, snapshot::Direction, store::Committed, tools::RawRow,
};

pub(crate) type Commits = broadcast::Sender<Arc<Committed>>;

/// The newest format of the rows that this version reads, and the one that it writes. One more than
/// before whenever an older version would misread or lose what this one writes; stores of before are
/// raised to it when they are opened for writing.
pub(crate) const FORMAT: u32 = 2;

/// A node's turn to do what only one node does at a time. It ends when this is dropped.
#[derive(Debug)]
#[must_use = "the turn ends when it is dropped"]
pub struct Turn(#[expect(dead_code, reason = "held for what its end does")] Option<PostgresTurn>);

/// An engine. An enum and not a trait object: there are few, and calls stay direct.
pub(crate) enum Engine {
    Memory(memory::MemoryEngine),
    Sqlite(sqlite::SqliteEngine),
    Postgres(postgres::PostgresEngine),
}

impl Engine {
    pub(crate) async fn open(url: &str, commits: Commits) -> Result<Self, StoreError> {
        match Address::parse(url)? {
            Address::Memory => Ok(Self::Memory(memory::MemoryEngine::new(commits))),
            Address::Sqlite(path) => {
                Ok(Self::Sqlite(sqlite::SqliteEngine::open(path, commits).await?))
            }
            Address::Postgres => {
                Ok(Self::Postgres(postgres::PostgresEngine::open(url, commits).await?))
            }
        }
    }

    pub(crate) async fn open_read_only(url: &str, commits: Commits) -> Result<Self, StoreError> {
        match Address::parse(url)? {
            // There is nothing else in it to look at.
            Address::Memory => Ok(Self::Memory(memory::MemoryEngine::new(commits))),
            Address::Sqlite(path) => {
                Ok(Self::Sqlite(sqlite::SqliteEngine::open_read_only(path, commits).await?))
            }
            Address::Postgres => {
                Ok(Self::Postgres(postgres::PostgresEngine::open_read_only(url, commits).await?))
            }
        }
    }

    pub(crate) fn commits(&self) -> &Commits {
        match self {
            Self::Memory(engine) => engine.commits(),
            Self::Sqlite(engine) => engine.commits(),
            Self::Postgres(engine) => engine.commits(),
        }
    }

    pub(crate) async fn snapshot(&self) -> Result<EngineSnapshot, StoreError> {
        match self {
            Self::Memory(engine) => engine.snapshot().map(EngineSnapshot::Memory),
            Self::Sqlite(engine) => engine.snapshot().await.map(EngineSnapshot::Sqlite),
            Self::Postgres(engine) => {
                let snapshot = Box::pin(engine.snapshot()).await?;
                Ok(EngineSnapshot::Postgres(snapshot))
            }
        }
    }

    pub(crate) async fn turn(&self, name: &str) -> Result<Turn, StoreError> {
        match self {
            // There is one node only.
            Self::Memory(_) | Self::Sqlite(_) => Ok(Turn(None)),
            Self::Postgres(engine) => engine.turn(name).await.map(|turn| Turn(Some(turn))),
        }
    }

    pub(crate) fn commit(&self, batch: Batch) -> Pending {
        match self {
            Self::Memory(engine) => Pending::Done(engine.commit(batch)),
            Self::Sqlite(engine) => engine.commit(batch),
            Self::Postgres(engine) => engine.commit(batch),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Memory(engine) => engine.close(),
            Self::Sqlite(engine) => engine.close().await,
            Self::Postgres(engine) => Box::pin(engine.close()).await,
        }
    }
}

enum Address {
    Memory,
    Sqlite(PathBuf),
    Postgres,
}

impl Address {
    fn parse(url: &str) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some(("sqlite", path)) if !path.is_empty() => {
                Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into()))
            }
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres),
            _ => Err(StoreError::UnknownUrl { url: url.to_owned() }),
        }
    }
}

/// An engine's snapshot.
pub(crate) enum EngineSnapshot {
    Memory(memory::MemorySnapshot),
    Sqlite(sqlite::SqliteSnapshot),
    Postgres(postgres::PostgresSnapshot),
}

pub(crate) type Found = Option<(Vec<u8>, Position)>;

/// A store whose copy was interrupted holds only some of the rows.
pub(crate) fn refuse_unfinished_copy(is_unfinished: bool) -> Result<(), StoreError> {
    if !is_unfinished {
        return Ok(());
    }
    let text = "a copy into it was not finished: delete it and copy again";
    Err(StoreError::Engine(text.to_owned()))
}

/// What a scan walks: keys from `start` (inclusive) to `end` (exclusive, `None`: no bound).
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Option<Vec<u8>>,
    pub(crate) limit: usize,
    pub(crate) direction: Direction,
}

impl Span {
    pub(crate) fn is_empty(&self) -> bool {
        self.limit == 0 || self.end.as_ref().is_some_and(|end| *end <= self.start)
    }

    /// Leaves out the row at `key`, to which the scan got, and all before it.
    pub(crate) fn continue_after(&mut self, key: &[u8]) {
        match self.direction {
            Direction::Forward => {
                self.start = [key, &[0]].concat();
            }
            Direction::Backward => self.end = Some(key.to_vec()),
        }
    }
}

// PostgreSQL's futures are boxed: callers' own futures would grow by kilobytes for an engine that they
// may not even use, and be copied with them.
impl EngineSnapshot {
    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Memory(snapshot) => snapshot.position(),
            Self::Sqlite(snapshot) => snapshot.position(),
            Self::Postgres(snapshot) => snapshot.position(),
        }
    }

    pub(crate) async fn get(&self, keyspace: &str, key: &[u8]) -> Result<Found, StoreError> {
        match self {
            Self::Memory(snapshot) => Ok(snapshot.get(keyspace, key)),
            Self::Sqlite(snapshot) => snapshot.get(keyspace, key),
            Self::Postgres(snapshot) => Box::pin(snapshot.get(keyspace, key)).await,
        }
    }

    pub(crate) async fn get_many(
        &self,
        keyspace: &str,
        keys: Vec<Vec<u8>>,
    ) -> Result<Vec<Found>, StoreError> {
        match self {
            Self::Memory(snapshot) => {
                Ok(keys.iter().map(|key| snapshot.get(keyspace, key)).collect())
            }
            Self::Sqlite(snapshot) => snapshot.get_many(keyspace, &keys).await,
            Self::Postgres(snapshot) => Box::pin(snapshot.get_many(keyspace, &keys)).await,
        }
    }

    pub(crate) async fn scan(&self, keyspace: &str, span: Span) -> Result<Vec<RawRow>, StoreError> {
        if span.is_empty() {
            return Ok(Vec::new());
        }
        match self {
            Self::Memory(snapshot) => Ok(snapshot.scan(keyspace, &span)),
            Self::Sqlite(snapshot) => snapshot.scan(keyspace, span).await,
            Self::Postgres(snapshot) => Box::pin(snapshot.scan(keyspace, span)).await,
        }
    }

    pub(crate) async fn keyspaces(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Memory(snapshot) => Ok(snapshot.keyspaces()),
            Self::Sqlite(snapshot) => snapshot.keyspaces(),
            Self::Postgres(snapshot) => Box::pin(snapshot.keyspaces()).await,
        }
    }

    /// What is wrong with the engine's own structures.
    pub(crate) async fn integrity(&self) -> Result<Vec<String>, StoreError> {
        match self {
            // PostgreSQL checks its pages as they are read.
            Self::Memory(_) | Self::Postgres(_) => Ok(Vec::new()),
            Self::Sqlite(snapshot) => snapshot.integrity().await,
        }
    }
}
