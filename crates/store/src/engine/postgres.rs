//! The engine for several nodes: one PostgreSQL database, which they all write.
//!
//! Every keyspace is a table in the schema `pli`. The position is a row that each group of batches
//! updates in its own transaction: whoever holds that row's lock is the one writer, on whatever
//! node, so that positions have no gaps and become visible in their order. A sequence would promise
//! neither. Each commit is announced to the other nodes.

mod announce;
mod connect;
mod readers;
mod tables;
mod writer;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinHandle;

pub(crate) use self::readers::PostgresSnapshot;
use self::{
    announce::{Announcer, Listener},
    connect::{Connection, Database},
    readers::Readers,
    tables::Tables,
    writer::Writer,
};
use super::{
    Commits,
    queue::{CommitQueue, Pending, commit_queue, refusing_queue},
};
use crate::{batch::Batch, error::StoreError};

/// The second number is the turn's.
const TAKE_TURN: &str = "SELECT pg_advisory_lock(1349281074, hashtext($1))";
/// A machine that lost its power doesn't say so.
const TURN_SETTINGS: &str =
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3;";

/// A connection that holds a lock. The lock ends with it.
pub(crate) struct PostgresTurn(
    #[expect(dead_code, reason = "held for what its end does")] Connection,
);

impl std::fmt::Debug for PostgresTurn {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PostgresTurn")
    }
}

pub(crate) struct PostgresEngine {
    database: Database,
    commits: Commits,
    queue: CommitQueue,
    readers: Arc<Readers>,
    /// Gone once the store is closed. If the store is dropped instead, it ends by itself after it
    /// has committed what waits.
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Hears of other nodes' commits. Absent in a store that is open for reading only.
    listener: Option<JoinHandle<()>>,
}

impl PostgresEngine {
    pub(crate) async fn open(url: &str, commits: Commits) -> Result<Self, StoreError> {
        let database = Database::new(url)?;
        let connection = database.connect_writer().await?;
        connection.create_meta().await?;
        let tables = Arc::new(Tables::default());
        let readers = Arc::new(Readers::new(database.clone(), Arc::clone(&tables)));
        let (queue, jobs) = commit_queue();
        let (listener, position) = Listener::begin(database.clone()).await?;
        let announcer = Arc::new(Announcer::new(commits.clone(), position));
        let listener = Some(listener.spawn(&announcer));
        let writer = Writer::new(database.clone(), connection, tables, announcer);
        let writer = Mutex::new(Some(tokio::spawn(writer.run(jobs))));
        Ok(Self { database, commits, queue, readers, writer, listener })
    }

    pub(crate) async fn open_read_only(url: &str, commits: Commits) -> Result<Self, StoreError> {
        let database = Database::new(url)?;
        database.connect_reader().await?.check_format().await?;
        let readers = Arc::new(Readers::new(database.clone(), Arc::default()));
        let (queue, writer) = (refusing_queue(), Mutex::new(None));
        Ok(Self { database, commits, queue, readers, writer, listener: None })
    }

    pub(crate) fn commits(&self) -> &Commits {
        &self.commits
    }

    pub(crate) fn commit(&self, batch: Batch) -> Pending {
        self.queue.submit(batch)
    }

    pub(crate) async fn snapshot(&self) -> Result<PostgresSnapshot, StoreError> {
        Readers::snapshot(&self.readers).await
    }

    /// Waits for a lock that PostgreSQL takes back by itself when the node is gone.
    pub(crate) async fn turn(&self, name: &str) -> Result<PostgresTurn, StoreError> {
        let connection = self.database.connect_reader().await?;
        connection.execute_batch(TURN_SETTINGS).await?;
        connection.query(TAKE_TURN, &[&name]).await?;
        Ok(PostgresTurn(connection))
    }

    pub(crate) async fn close(&self) {
        self.queue.close();
        self.readers.close();
        let writer = self.writer.lock().take();
        if let Some(writer) = writer
            && writer.await.is_err()
        {
            tracing::error!("the store's writer ended early");
        }
        self.stop_listening();
    }

    fn stop_listening(&self) {
        if let Some(listener) = &self.listener {
            listener.abort();
        }
    }
}

impl Drop for PostgresEngine {
    fn drop(&mut self) {
        self.queue.close();
        self.readers.close();
        self.stop_listening();
    }
}
