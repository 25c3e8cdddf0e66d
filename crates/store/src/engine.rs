//! The engines behind the store's interface.

pub(crate) mod memory;

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{
    Position,
    batch::Batch,
    error::{CommitError, StoreError},
    snapshot::Direction,
    store::Committed,
};

pub(crate) type Commits = broadcast::Sender<Arc<Committed>>;

/// A row's bytes.
pub(crate) struct RawRow {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    pub(crate) version: Position,
}

/// An engine. An enum and not a trait object: there are few, and calls stay direct.
pub(crate) enum Engine {
    Memory(memory::MemoryEngine),
}

impl Engine {
    pub(crate) async fn open(url: &str, commits: Commits) -> Result<Self, StoreError> {
        match url.split_once(':') {
            Some(("memory", _)) => Ok(Self::Memory(memory::MemoryEngine::new(commits))),
            _ => Err(StoreError::UnknownUrl { url: url.to_owned() }),
        }
    }

    pub(crate) fn commits(&self) -> &Commits {
        match self {
            Self::Memory(engine) => engine.commits(),
        }
    }

    pub(crate) async fn snapshot(&self) -> Result<EngineSnapshot, StoreError> {
        match self {
            Self::Memory(engine) => Ok(EngineSnapshot::Memory(engine.snapshot())),
        }
    }

    pub(crate) async fn commit(&self, batch: Batch) -> Result<Position, CommitError> {
        match self {
            Self::Memory(engine) => engine.commit(batch),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Memory(_) => {}
        }
    }
}

/// An engine's snapshot.
pub(crate) enum EngineSnapshot {
    Memory(memory::MemorySnapshot),
}

type Found = Option<(Vec<u8>, Position)>;

impl EngineSnapshot {
    pub(crate) fn position(&self) -> Position {
        match self {
            Self::Memory(snapshot) => snapshot.position(),
        }
    }

    pub(crate) async fn get(
        &self,
        keyspace: &'static str,
        key: &[u8],
    ) -> Result<Found, StoreError> {
        match self {
            Self::Memory(snapshot) => Ok(snapshot.get(keyspace, key)),
        }
    }

    pub(crate) async fn get_many(
        &self,
        keyspace: &'static str,
        keys: Vec<Vec<u8>>,
    ) -> Result<Vec<Found>, StoreError> {
        match self {
            Self::Memory(snapshot) => {
                Ok(keys.iter().map(|key| snapshot.get(keyspace, key)).collect())
            }
        }
    }

    pub(crate) async fn scan(
        &self,
        keyspace: &'static str,
        start: Vec<u8>,
        end: Option<Vec<u8>>,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<RawRow>, StoreError> {
        match self {
            Self::Memory(snapshot) => {
                Ok(snapshot.scan(keyspace, &start, end.as_deref(), limit, direction))
            }
        }
    }
}
