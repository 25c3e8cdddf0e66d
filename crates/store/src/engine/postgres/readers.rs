use std::{collections::HashMap, sync::Arc, time::Duration};

use futures_util::future::try_join;
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{
    connect::{Connection, Database, READ_POSITION, column, position_column, the_position},
    tables::Tables,
};
use crate::{
    Position,
    engine::{Found, Span},
    error::StoreError,
    keyspace::is_keyspace_name,
    tools::RawRow,
};

/// How many connections each node reads with; further snapshots wait. PostgreSQL takes 100 in all
/// unless it is told otherwise.
const MAX_READERS: usize = 16;
/// How long a snapshot is waited for. Longer than any well-behaved piece of work holds one.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How many keys one statement looks up.
const CHUNK_KEYS: usize = 4096;

const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The connections that snapshots read from.
pub(super) struct Readers {
    database: Database,
    tables: Arc<Tables>,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Connection>>,
    /// Where transactions are ended when a snapshot is dropped, on whatever thread.
    runtime: Handle,
}

impl Readers {
    /// Must be called on a tokio runtime.
    pub(super) fn new(database: Database, tables: Arc<Tables>) -> Self {
        Self {
            database,
            tables,
            permits: Arc::new(Semaphore::new(MAX_READERS)),
            idle: Mutex::default(),
            runtime: Handle::current(),
        }
    }

    pub(super) async fn snapshot(readers: &Arc<Self>) -> Result<PostgresSnapshot, StoreError> {
        let permit = Arc::clone(&readers.permits).acquire_owned();
        let permit = match tokio::time::timeout(MAX_WAIT, permit).await {
            Ok(Ok(permit)) => permit,
            Ok(Err(_)) => return Err(StoreError::Closed),
            Err(_) => return Err(StoreError::Overloaded),
        };
        loop {
            let idle = readers.take_idle();
            let is_fresh = idle.is_none();
            let connection = match idle {
                Some(connection) => connection,
                None => readers.database.connect_reader().await?,
            };
            // From here on, dropping this future ends the transaction.
            let mut reader = Reader { connection: Some(connection), readers: Arc::clone(readers) };
            match reader.begin().await {
                Ok(position) => {
                    return Ok(PostgresSnapshot { position, reader, _permit: permit });
                }
                // The server was restarted since the connection was used last: take another one.
                Err(_) if !is_fresh && reader.is_closed() => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.idle.lock();
        while let Some(connection) = idle.pop() {
            if !connection.is_closed() {
                return Some(connection);
            }
        }
        None
    }

    pub(super) fn close(&self) {
        self.permits.close();
        self.idle.lock().clear();
    }
}

/// A connection in a transaction, which ends when this is dropped.
struct Reader {
    /// There until this is dropped.
    connection: Option<Connection>,
    readers: Arc<Readers>,
}

impl Reader {
    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(StoreError::Closed)
    }

    fn is_closed(&self) -> bool {
        self.connection.as_ref().is_none_or(Connection::is_closed)
    }

    /// Starts the transaction and reads the position, in one round trip once it is prepared.
    async fn begin(&mut self) -> Result<Position, StoreError> {
        let connection = self.connection()?;
        connection.prepared(READ_POSITION).await?;
        let (begin, position) =
            (connection.execute_batch(BEGIN), connection.query(READ_POSITION, &[]));
        let ((), rows) = try_join(begin, position).await?;
        the_position(&rows)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if connection.is_closed() {
            return;
        }
        let readers = Arc::clone(&self.readers);
        self.readers.runtime.spawn(async move {
            let ended = connection.execute_batch("ROLLBACK").await.is_ok();
            if ended && !readers.permits.is_closed() {
                readers.idle.lock().push(connection);
            }
        });
    }
}

/// A repeatable-read transaction on a connection of its own.
pub(crate) struct PostgresSnapshot {
    position: Position,
    reader: Reader,
    _permit: OwnedSemaphorePermit,
}

impl PostgresSnapshot {
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    pub(crate) async fn get(&self, keyspace: &str, key: &[u8]) -> Result<Found, StoreError> {
        let connection = self.reader.connection()?;
        let Some(sql) = self.reader.readers.tables.find(keyspace, connection).await? else {
            return Ok(None);
        };
        let rows = connection.query(&sql.get, &[&key]).await?;
        rows.first().map(|row| Ok((column(row, 0)?, position_column(row, 1)?))).transpose()
    }

    pub(crate) async fn get_many(
        &self,
        keyspace: &str,
        keys: &[Vec<u8>],
    ) -> Result<Vec<Found>, StoreError> {
        let connection = self.reader.connection()?;
        let Some(sql) = self.reader.readers.tables.find(keyspace, connection).await? else {
            return Ok(keys.iter().map(|_| None).collect());
        };
        let mut found = Vec::with_capacity(keys.len());
        for chunk in keys.chunks(CHUNK_KEYS) {
            let rows = connection.query(&sql.rows, &[&chunk]).await?;
            let mut by_key = HashMap::with_capacity(rows.len());
            for row in &rows {
                by_key.insert(column::<&[u8]>(row, 0)?, row);
            }
            for key in chunk {
                let row = by_key.get(key.as_slice());
                let row = row.map(|row| Ok((column(row, 1)?, position_column(row, 2)?)));
                found.push(row.transpose()?);
            }
        }
        Ok(found)
    }

    pub(crate) async fn scan(&self, keyspace: &str, span: Span) -> Result<Vec<RawRow>, StoreError> {
        let connection = self.reader.connection()?;
        let Some(sql) = self.reader.readers.tables.find(keyspace, connection).await? else {
            return Ok(Vec::new());
        };
        let limit = i64::try_from(span.limit).unwrap_or(i64::MAX);
        let scan = sql.scan(span.direction, span.end.is_some());
        let rows = match &span.end {
            Some(end) => connection.query(scan, &[&span.start, &limit, end]).await?,
            None => connection.query(scan, &[&span.start, &limit]).await?,
        };
        rows.iter()
            .map(|row| {
                let (key, value) = (column(row, 0)?, column(row, 1)?);
                Ok(RawRow { key, value, version: position_column(row, 2)? })
            })
            .collect()
    }

    pub(crate) async fn keyspaces(&self) -> Result<Vec<String>, StoreError> {
        let tables = "SELECT tablename::text FROM pg_catalog.pg_tables WHERE schemaname = 'pli'";
        let mut names = Vec::new();
        for row in self.reader.connection()?.query(tables, &[]).await? {
            let name: String = column(&row, 0)?;
            if is_keyspace_name(&name) {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}
