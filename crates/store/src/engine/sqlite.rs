//! The embedded engine: one SQLite file, written by one thread, read by many connections.
//!
//! Every keyspace is a table of its own. The file is in WAL mode with `synchronous=FULL`: a group of
//! batches is one transaction and one fsync, and readers go on with what they see meanwhile.
//!
//! Reads run where they are called, on the async threads. A row takes a few microseconds out of the
//! operating system's cache, less than handing it to a blocking thread and back; long scans give way to
//! other tasks after every chunk.

mod checkpoint;
mod connection;
mod lock;
mod readers;
mod tables;
mod writer;

use std::{path::PathBuf, sync::Arc, thread::JoinHandle};

use parking_lot::Mutex;

pub(crate) use self::readers::SqliteSnapshot;
use self::{
    connection::Database, lock::FileLock, readers::Readers, tables::Tables, writer::Writer,
};
use super::{
    Commits,
    queue::{CommitQueue, Pending, commit_queue, refusing_queue},
};
use crate::{batch::Batch, error::StoreError};

pub(crate) struct SqliteEngine {
    commits: Commits,
    queue: CommitQueue,
    readers: Arc<Readers>,
    /// Gone once the store is closed.
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl SqliteEngine {
    pub(crate) async fn open(path: PathBuf, commits: Commits) -> Result<Self, StoreError> {
        blocking(move || Self::open_blocking(path, commits)).await
    }

    fn open_blocking(path: PathBuf, commits: Commits) -> Result<Self, StoreError> {
        let database = Database::create(path)?;
        let lock = FileLock::take(&database)?;
        let connection = database.open_writer()?;
        let tables = Arc::new(Tables::load(&connection)?);
        let readers = Arc::new(Readers::new(database.clone(), Arc::clone(&tables)));
        let (queue, jobs) = commit_queue();
        let writer = Writer::new(database, connection, tables, lock, commits.clone())?;
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(jobs))
            .map_err(|error| StoreError::Engine(format!("no thread for the writer: {error}")))?;
        Ok(Self { commits, queue, readers, writer: Mutex::new(Some(writer)) })
    }

    pub(crate) async fn open_read_only(
        path: PathBuf,
        commits: Commits,
    ) -> Result<Self, StoreError> {
        blocking(move || {
            let database = Database::existing(path)?;
            database.check_readable()?;
            let readers = Arc::new(Readers::new(database, Arc::new(Tables::of_another_process())));
            Ok(Self { commits, queue: refusing_queue(), readers, writer: Mutex::new(None) })
        })
        .await
    }

    pub(crate) fn commits(&self) -> &Commits {
        &self.commits
    }

    pub(crate) fn commit(&self, batch: Batch) -> Pending {
        self.queue.submit(batch)
    }

    pub(crate) async fn snapshot(&self) -> Result<SqliteSnapshot, StoreError> {
        Readers::snapshot(&self.readers).await
    }

    pub(crate) async fn close(&self) {
        // The writer closes its connection when its queue is closed: after all others.
        self.readers.drain().await;
        self.queue.close();
        let writer = self.writer.lock().take();
        if let Some(writer) = writer
            && blocking(move || Ok(writer.join())).await.is_err()
        {
            tracing::error!("the store's writer ended early");
        }
    }
}

impl Drop for SqliteEngine {
    /// Waits until what is under way is written, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.readers.close();
        self.queue.close();
        if let Some(writer) = self.writer.lock().take()
            && writer.join().is_err()
        {
            tracing::error!("the store's writer ended early");
        }
    }
}

/// Runs what may take milliseconds (opening files, waiting for threads) off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Engine(error.to_string())),
    }
}
