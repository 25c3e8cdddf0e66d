use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::{
    checkpoint::Checkpoints,
    connection::{
        CLEAR_UNFINISHED_COPY, Database, MARK_UNFINISHED_COPY, WRITE_POSITION, engine_error,
        read_position,
    },
    lock::FileLock,
    tables::{TableSql, Tables},
};
use crate::{
    Position, Stamp,
    batch::{Batch, Expect, Requirement, Restore, Write},
    codec::{Counter, Value},
    engine::{
        Commits,
        queue::{Job, Jobs, Outcome, publish, refuse},
    },
    error::{Conflict, StoreError},
    key::AsKey,
};

/// Commits batches in groups, on a thread of its own.
pub(super) struct Writer {
    database: Database,
    connection: Connection,
    position: Position,
    tables: Arc<Tables>,
    /// The tables that exist as the writer sees them, in the transaction under way too.
    known: HashMap<Box<str>, Arc<TableSql>>,
    checkpoints: Checkpoints,
    commits: Commits,
    _lock: FileLock,
}

/// Why a group could not be written.
enum GroupError {
    /// One batch is at fault: the others can be committed without it.
    Batch { index: usize, error: StoreError },
    /// The engine failed: none can be committed now.
    Engine(StoreError),
}

/// Why a batch could not be written.
enum BatchError {
    Batch(StoreError),
    Engine(StoreError),
}

impl BatchError {
    fn of(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::TooBig) => Self::Batch(engine_error(error)),
            _ => Self::Engine(engine_error(error)),
        }
    }
}

impl From<rusqlite::Error> for BatchError {
    fn from(error: rusqlite::Error) -> Self {
        Self::of(error)
    }
}

impl Writer {
    pub(super) fn new(
        database: Database,
        connection: Connection,
        tables: Arc<Tables>,
        lock: FileLock,
        commits: Commits,
    ) -> Result<Self, StoreError> {
        let position = read_position(&connection)?;
        let checkpoints = Checkpoints::start(&database)?;
        Checkpoints::watch(&connection);
        let known = tables.all();
        Ok(Self {
            database,
            connection,
            position,
            tables,
            known,
            checkpoints,
            commits,
            _lock: lock,
        })
    }

    /// Until the queue is closed and empty.
    pub(super) fn run(mut self, mut jobs: Jobs) {
        while let Some(group) = jobs.next_group_blocking() {
            self.commit(group);
            self.checkpoints.after_commit(&self.connection);
        }
        // The last connection to be closed copies the WAL into the file and removes it.
        drop(self.checkpoints);
        drop(self.connection);
    }

    fn commit(&mut self, mut group: Vec<Job>) {
        loop {
            match self.write_group(&group) {
                Ok((outcomes, position)) => {
                    self.position = position;
                    // No subscriber is no error.
                    let tell = |committed| drop(self.commits.send(committed));
                    return publish(group, outcomes, tell);
                }
                Err(GroupError::Batch { index, error }) => {
                    self.roll_back();
                    refuse(vec![group.remove(index)], &error);
                }
                Err(GroupError::Engine(error)) => {
                    tracing::error!(%error, batches = group.len(), "the store can't be written");
                    self.roll_back();
                    // On a full disk, room in the log is room for the next batch.
                    self.checkpoints.after_failure(&self.connection);
                    return refuse(group, &error);
                }
            }
        }
    }

    /// Writes and commits a group in one transaction. On an error the transaction is still to be
    /// rolled back.
    fn write_group(&mut self, group: &[Job]) -> Result<(Vec<Outcome>, Position), GroupError> {
        let failed = |error| GroupError::Engine(engine_error(error));
        self.execute("BEGIN IMMEDIATE").map_err(failed)?;
        let mut outcomes = Vec::with_capacity(group.len());
        let mut position = self.position;
        for (index, job) in group.iter().enumerate() {
            let next = job.batch.position_after(position);
            let outcome = match self.write_batch(&job.batch, next) {
                Ok(None) => {
                    position = next;
                    Ok(position)
                }
                Ok(Some(conflict)) => Err(conflict.into()),
                Err(BatchError::Batch(error)) => return Err(GroupError::Batch { index, error }),
                Err(BatchError::Engine(error)) => return Err(GroupError::Engine(error)),
            };
            outcomes.push(outcome);
        }
        if position != self.position {
            self.connection
                .prepare_cached(WRITE_POSITION)
                .and_then(|mut statement| statement.execute([position.0.cast_signed()]))
                .map_err(failed)?;
        }
        self.execute("COMMIT").map_err(failed)?;
        Ok((outcomes, position))
    }

    /// Writes a batch if all that it requires holds.
    fn write_batch(
        &mut self,
        batch: &Batch,
        position: Position,
    ) -> Result<Option<Conflict>, BatchError> {
        for requirement in &batch.requirements {
            if let Some(conflict) = self.check(requirement)? {
                return Ok(Some(conflict));
            }
        }
        for write in &batch.writes {
            self.write(write, position)?;
        }
        match batch.restore {
            None => {}
            Some(Restore::Rows) => self.execute(MARK_UNFINISHED_COPY)?,
            Some(Restore::Done(_)) => self.execute(CLEAR_UNFINISHED_COPY)?,
        }
        Ok(None)
    }

    fn check(&self, requirement: &Requirement) -> Result<Option<Conflict>, BatchError> {
        let Requirement { keyspace, key, expect } = requirement;
        let found: Option<i64> = match self.known.get(*keyspace) {
            Some(sql) => self
                .connection
                .prepare_cached(&sql.version)?
                .query_row([key], |row| row.get(0))
                .optional()?,
            None => None,
        };
        let found = found.map(|version| Position(version.cast_unsigned()));
        let holds = match expect {
            Expect::Absent => found.is_none(),
            Expect::Version(version) => found == Some(*version),
        };
        Ok((!holds).then(|| Conflict { keyspace, key: key.clone(), found }))
    }

    fn write(&mut self, write: &Write, position: Position) -> Result<(), BatchError> {
        match write {
            Write::Put { keyspace, key, value } => self.put(keyspace, key, value, position),
            Write::Append { keyspace, prefix, index, value } => {
                let mut key = prefix.clone();
                Stamp { index: *index, ..Stamp::first_at(position) }.encode_to(&mut key);
                self.put(keyspace, &key, value, position)
            }
            Write::Restore { keyspace, row } => {
                self.put(keyspace, &row.key, &row.value, row.version)
            }
            Write::Add { keyspace, key, amount } => {
                let sql = self.table(keyspace)?;
                let current: Option<Vec<u8>> = self
                    .connection
                    .prepare_cached(&sql.get)?
                    .query_row([key], |row| row.get(0))
                    .optional()?;
                let sum = Counter::sum(current.as_deref(), *amount)
                    .and_then(|sum| sum.encode())
                    .map_err(|source| BatchError::Batch(StoreError::Codec { keyspace, source }))?;
                self.put(keyspace, key, &sum, position)
            }
            Write::Delete { keyspace, key } => {
                if let Some(sql) = self.known.get(*keyspace) {
                    self.connection.prepare_cached(&sql.delete)?.execute([key])?;
                }
                Ok(())
            }
        }
    }

    fn put(
        &mut self,
        keyspace: &str,
        key: &[u8],
        value: &[u8],
        position: Position,
    ) -> Result<(), BatchError> {
        let sql = self.table(keyspace)?;
        let row = (key, value, position.0.cast_signed());
        self.connection.prepare_cached(&sql.put)?.execute(row)?;
        Ok(())
    }

    /// The keyspace's table, created if this is the first row written to it.
    fn table(&mut self, keyspace: &str) -> Result<Arc<TableSql>, BatchError> {
        if let Some(sql) = self.known.get(keyspace) {
            return Ok(Arc::clone(sql));
        }
        let sql = self.tables.announce(keyspace);
        self.connection.execute(&sql.create, [])?;
        self.known.insert(keyspace.into(), Arc::clone(&sql));
        Ok(sql)
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Leaves the connection as it was before the group, whatever the error did to it.
    fn roll_back(&mut self) {
        // On some errors SQLite has already rolled back.
        let rolled_back =
            self.connection.is_autocommit() || self.connection.execute_batch("ROLLBACK").is_ok();
        if !rolled_back {
            self.reconnect();
        }
        // Tables that the group created are gone again.
        match super::tables::keyspaces(&self.connection) {
            Ok(existing) => {
                self.known.retain(|name, _| existing.iter().any(|kept| **kept == **name));
            }
            Err(error) => tracing::error!(%error, "the store's tables can't be listed"),
        }
    }

    fn reconnect(&mut self) {
        match self.database.open_writer() {
            Ok(connection) => {
                Checkpoints::watch(&connection);
                self.connection = connection;
            }
            Err(error) => tracing::error!(%error, "the store can't be opened again"),
        }
    }
}
