use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError},
    time::Instant,
};

use super::{
    blocking,
    connection::{Database, engine_error, read_position},
    tables::{TableSql, Tables, keyspaces},
};
use crate::{
    Position,
    engine::{Found, Span},
    error::StoreError,
    tools::RawRow,
};

/// How many snapshots can be held at a time; further ones wait.
const MAX_READERS: u32 = 64;
/// How long a snapshot is waited for. Longer than any well-behaved piece of work holds one.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// A connection that nobody needed for so long is closed, unless it is one of the warm ones.
const IDLE_TIME: Duration = Duration::from_secs(30);
/// How many rows are read before other tasks get their turn.
const CHUNK_ROWS: usize = 256;

struct IdleReader {
    connection: Connection,
    since: Instant,
}

/// The connections that snapshots read from.
pub(super) struct Readers {
    database: Database,
    tables: Arc<Tables>,
    permits: Arc<Semaphore>,
    /// Those that nobody uses now, longest unused first.
    idle: Mutex<VecDeque<IdleReader>>,
    /// How many are kept open however long they are unused: one for each core.
    warm: usize,
}

impl Readers {
    pub(super) fn new(database: Database, tables: Arc<Tables>) -> Self {
        let warm = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            database,
            tables,
            permits: Arc::new(Semaphore::new(MAX_READERS as usize)),
            idle: Mutex::default(),
            warm,
        }
    }

    pub(super) async fn snapshot(readers: &Arc<Self>) -> Result<SqliteSnapshot, StoreError> {
        let permit = readers.permit().await?;
        let idle = readers.idle.lock().pop_back();
        let (connection, permit) = match idle {
            Some(reader) => (reader.connection, permit),
            None => {
                let database = readers.database.clone();
                // It is opened even if nobody waits for it any more: then the permit goes with it.
                blocking(move || Ok((database.open_reader()?, permit))).await?
            }
        };
        SqliteSnapshot::begin(connection, Arc::clone(readers), permit)
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(StoreError::Closed),
            Err(TryAcquireError::NoPermits) => {}
        }
        let permit = Arc::clone(&self.permits).acquire_owned();
        match tokio::time::timeout(MAX_WAIT, permit).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) => Err(StoreError::Closed),
            Err(_) => Err(StoreError::Overloaded),
        }
    }

    fn give_back(&self, connection: Connection) {
        let now = Instant::now();
        let mut idle = self.idle.lock();
        if self.permits.is_closed() {
            return;
        }
        idle.push_back(IdleReader { connection, since: now });
        let outdated = idle.len() > self.warm
            && idle.front().is_some_and(|reader| now.duration_since(reader.since) > IDLE_TIME);
        if outdated {
            idle.pop_front();
        }
    }

    /// Closes once nobody reads any more, so that the writer's connection is the last: only then the
    /// log is copied into the file and removed. Whoever wants to begin to read meanwhile waits, and
    /// is refused then.
    pub(super) async fn drain(&self) {
        let all = tokio::time::timeout(MAX_WAIT, self.permits.acquire_many(MAX_READERS)).await;
        if all.is_err() {
            tracing::warn!("the store is still read while it closes: its log stays beside it");
        }
        // While all are held here, or those who wait would get them.
        self.close();
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}

/// A read transaction on a connection of its own.
pub(crate) struct SqliteSnapshot {
    position: Position,
    /// There until the snapshot is dropped. The lock is never contended unless one piece of work
    /// reads several things of one snapshot at a time.
    connection: Mutex<Option<Connection>>,
    readers: Arc<Readers>,
    _permit: OwnedSemaphorePermit,
}

impl SqliteSnapshot {
    fn begin(
        connection: Connection,
        readers: Arc<Readers>,
        permit: OwnedSemaphorePermit,
    ) -> Result<Self, StoreError> {
        execute(&connection, "BEGIN")?;
        // The first read fixes what the transaction sees.
        let position = read_position(&connection)?;
        Ok(Self { position, connection: Mutex::new(Some(connection)), readers, _permit: permit })
    }

    pub(crate) fn position(&self) -> Position {
        self.position
    }

    fn with_connection<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match self.connection.lock().as_ref() {
            Some(connection) => read(connection),
            None => Err(StoreError::Closed),
        }
    }

    pub(crate) fn get(&self, keyspace: &str, key: &[u8]) -> Result<Found, StoreError> {
        let mut found = self.get_chunk(keyspace, &[key])?;
        Ok(found.pop().flatten())
    }

    pub(crate) async fn get_many(
        &self,
        keyspace: &str,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Found>, StoreError> {
        let mut found = Vec::with_capacity(keys.len());
        for (index, chunk) in keys.chunks(CHUNK_ROWS).enumerate() {
            if index > 0 {
                tokio::task::yield_now().await;
            }
            found.extend(self.get_chunk(keyspace, chunk)?);
        }
        Ok(found)
    }

    fn get_chunk(
        &self,
        keyspace: &str,
        keys: &[impl AsRef<[u8]>],
    ) -> Result<Vec<Found>, StoreError> {
        let absent = || keys.iter().map(|_| None).collect();
        let Some(sql) = self.readers.tables.get(keyspace) else { return Ok(absent()) };
        self.with_connection(|connection| {
            let Some(mut statement) = prepare(connection, &sql.get)? else { return Ok(absent()) };
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                let mut rows = statement.query([key.as_ref()]).map_err(engine_error)?;
                let row = rows.next().map_err(engine_error)?;
                found.push(row.map(|row| Ok((blob(row, 0)?, version(row, 1)?))).transpose()?);
            }
            Ok(found)
        })
    }

    pub(crate) async fn scan(
        &self,
        keyspace: &str,
        mut span: Span,
    ) -> Result<Vec<RawRow>, StoreError> {
        let Some(sql) = self.readers.tables.get(keyspace) else { return Ok(Vec::new()) };
        let mut rows = Vec::new();
        loop {
            let wanted = span.limit.min(CHUNK_ROWS);
            let found = self.scan_chunk(&sql, &span, wanted, &mut rows)?;
            span.limit -= found;
            match rows.last() {
                Some(last) if found == CHUNK_ROWS && span.limit > 0 => {
                    span.continue_after(&last.key);
                    tokio::task::yield_now().await;
                }
                _ => return Ok(rows),
            }
        }
    }

    pub(crate) fn keyspaces(&self) -> Result<Vec<String>, StoreError> {
        self.with_connection(keyspaces)
    }

    /// What SQLite finds wrong with the file, on a connection and a thread of its own: it reads all
    /// of it.
    pub(crate) async fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let database = self.readers.database.clone();
        blocking(move || database.integrity()).await
    }

    /// Appends the next rows of a span to `rows` and says how many there were.
    fn scan_chunk(
        &self,
        sql: &TableSql,
        span: &Span,
        wanted: usize,
        rows: &mut Vec<RawRow>,
    ) -> Result<usize, StoreError> {
        let before = rows.len();
        self.with_connection(|connection| {
            let scan = sql.scan(span.direction, span.end.is_some());
            let Some(mut statement) = prepare(connection, scan)? else { return Ok(0) };
            let mut found = match &span.end {
                Some(end) => statement.query((&span.start, wanted, end)),
                None => statement.query((&span.start, wanted)),
            }
            .map_err(engine_error)?;
            while let Some(row) = found.next().map_err(engine_error)? {
                let (key, value) = (blob(row, 0)?, blob(row, 1)?);
                rows.push(RawRow { key, value, version: version(row, 2)? });
            }
            Ok(rows.len() - before)
        })
    }
}

impl Drop for SqliteSnapshot {
    fn drop(&mut self) {
        let Some(connection) = self.connection.get_mut().take() else { return };
        // A connection whose transaction doesn't end is of no further use.
        if execute(&connection, "COMMIT").is_ok() {
            self.readers.give_back(connection);
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(sql)
        .and_then(|mut statement| statement.execute([]))
        .map(|_| ())
        .map_err(engine_error)
}

/// A statement on a keyspace's table; `None` if the table is newer than the snapshot.
fn prepare<'c>(
    connection: &'c Connection,
    sql: &str,
) -> Result<Option<rusqlite::CachedStatement<'c>>, StoreError> {
    match connection.prepare_cached(sql) {
        Ok(statement) => Ok(Some(statement)),
        Err(error) if error.to_string().starts_with("no such table") => Ok(None),
        Err(error) => Err(engine_error(error)),
    }
}

fn blob(row: &rusqlite::Row<'_>, column: usize) -> Result<Vec<u8>, StoreError> {
    let value = row.get_ref(column).map_err(engine_error)?;
    // An empty blob that went through some tools comes back as an empty text.
    value.as_bytes().map(<[u8]>::to_vec).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn version(row: &rusqlite::Row<'_>, column: usize) -> Result<Position, StoreError> {
    let version: i64 = row.get(column).map_err(engine_error)?;
    u64::try_from(version)
        .map(Position)
        .map_err(|_| StoreError::Corrupt(format!("a row has version {version}")))
}
