use std::sync::Arc;

use tokio::sync::broadcast;

use crate::{
    Position,
    batch::{Batch, Touch},
    engine::{Engine, Turn, memory::MemoryEngine, queue::Pending},
    error::{CommitError, StoreError},
    snapshot::Snapshot,
};

/// How many commits a slow subscriber may lag behind before it is told that it missed some.
const COMMIT_CHANNEL_CAPACITY: usize = 16 * 1024;

/// What subscribers learn of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The batch's position. Everything up to it is visible to new snapshots.
    pub position: Position,
    /// Whom the batch said to wake.
    pub touched: Vec<Touch>,
}

impl Committed {
    /// Whether commits of other nodes were missed before this one: whoever keeps something in memory
    /// reads it again.
    #[must_use]
    pub fn missed_some(&self) -> bool {
        self.touched.contains(&Touch::Everything)
    }
}

/// The store. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Store {
    engine: Arc<Engine>,
}

impl Store {
    /// A store that lives in memory and is gone with the process.
    #[must_use]
    pub fn memory() -> Self {
        let (commits, _) = broadcast::channel(COMMIT_CHANNEL_CAPACITY);
        Self { engine: Arc::new(Engine::Memory(MemoryEngine::new(commits))) }
    }

    /// Opens the store at an address: `memory:`, `sqlite:PATH` or `postgres://…`; creates what is
    /// missing.
    ///
    /// # Errors
    /// When the address is unknown, the store is damaged or too new, or the engine fails.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let (commits, _) = broadcast::channel(COMMIT_CHANNEL_CAPACITY);
        Ok(Self { engine: Arc::new(Engine::open(url, commits).await?) })
    }

    /// Opens the store at an address to look into it, also while a server uses it. Creates and
    /// changes nothing: every commit fails. A damaged store is opened as far as it can be read.
    ///
    /// # Errors
    /// When the address is unknown, there is no store, it can't be read at all or is too new.
    pub async fn open_read_only(url: &str) -> Result<Self, StoreError> {
        let (commits, _) = broadcast::channel(1);
        Ok(Self { engine: Arc::new(Engine::open_read_only(url, commits).await?) })
    }

    /// A consistent view of the store as it is now.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.engine.snapshot().await.map(Snapshot::new)
    }

    /// Commits a batch: all of it, durably, or nothing. Returns its position.
    ///
    /// Once called, the commit goes through even if the returned future is dropped.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] when a precondition does not hold; otherwise the engine failed.
    pub fn commit(
        &self,
        batch: Batch,
    ) -> impl Future<Output = Result<Position, CommitError>> + Send + use<> {
        let pending = match &batch.failure {
            Some(failure) => Pending::Done(Err(failure.clone().into())),
            None => self.engine.commit(batch),
        };
        pending.outcome()
    }

    /// Every commit from now on, in order, after it became visible; those of other nodes on the same
    /// database too.
    ///
    /// A receiver that lags too far behind gets [`broadcast::error::RecvError::Lagged`] and must
    /// read again from its own position.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.engine.commits().subscribe()
    }

    /// The position of the last commit.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn position(&self) -> Result<Position, StoreError> {
        Ok(self.snapshot().await?.position())
    }

    /// Whether other nodes may write to this store too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(*self.engine, Engine::Postgres(_))
    }

    /// Waits until it is this node's turn to do what only one node does at a time, by a name. It is
    /// until the value is dropped, or this node or its connection to the store is gone: then it is
    /// another's, whatever this one believes. So fence what is written with a row of its own
    /// ([`Expect::Version`](crate::Expect::Version)).
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn turn(&self, name: &str) -> Result<Turn, StoreError> {
        self.engine.turn(name).await
    }

    /// Waits for what is under way (for snapshots half a minute at most) and closes the store: every
    /// clone of it answers [`StoreError::Closed`] from then on.
    pub async fn close(&self) {
        self.engine.close().await;
    }
}
