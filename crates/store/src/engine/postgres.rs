//! The engine for several nodes: one PostgreSQL database, which they all write.
//!
//! Every keyspace is a table in the schema `pli`. The position is a row that each group of batches
//! updates in its own transaction: whoever holds that row's lock is the one writer, on whatever
//! node, so that positions have no gaps and become visible in their order. A sequence would promise
//! neither.

mod connect;
mod readers;
mod tables;
mod writer;

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::task::JoinHandle;

pub(crate) use self::readers::PostgresSnapshot;
use self::{connect::Database, readers::Readers, tables::Tables, writer::Writer};
use super::{
    Commits,
    queue::{CommitQueue, Pending, commit_queue, refusing_queue},
};
use crate::{batch::Batch, error::StoreError};

pub(crate) struct PostgresEngine {
    commits: Commits,
    queue: CommitQueue,
    readers: Arc<Readers>,
    /// Gone once the store is closed. If the store is dropped instead, it ends by itself after it
    /// has committed what waits.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl PostgresEngine {
    pub(crate) async fn open(url: &str, commits: Commits) -> Result<Self, StoreError> {
        let database = Database::new(url)?;
        let connection = database.connect_writer().await?;
        connection.create_meta().await?;
        let tables = Arc::new(Tables::default());
        let readers = Arc::new(Readers::new(database.clone(), Arc::clone(&tables)));
        let (queue, jobs) = commit_queue();
        let writer = Writer::new(database, connection, tables, commits.clone());
        let writer = Mutex::new(Some(tokio::spawn(writer.run(jobs))));
        Ok(Self { commits, queue, readers, writer })
    }

    pub(crate) async fn open_read_only(url: &str, commits: Commits) -> Result<Self, StoreError> {
        let database = Database::new(url)?;
        database.connect_reader().await?.check_format().await?;
        let readers = Arc::new(Readers::new(database, Arc::default()));
        Ok(Self { commits, queue: refusing_queue(), readers, writer: Mutex::new(None) })
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

    pub(crate) async fn close(&self) {
        self.queue.close();
        self.readers.close();
        let writer = self.writer.lock().take();
        if let Some(writer) = writer
            && writer.await.is_err()
        {
            tracing::error!("the store's writer ended early");
        }
    }
}

impl Drop for PostgresEngine {
    fn drop(&mut self) {
        self.queue.close();
        self.readers.close();
    }
}
