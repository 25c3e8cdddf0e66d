use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::try_join_all};

use super::{
    announce::{ANNOUNCE, Announcer, announcement},
    connect::{Connection, Database, column, pipelined, position_column, the_position},
    tables::{TableSql, Tables},
};
use crate::{
    Position, Stamp,
    batch::{Batch, Expect, Requirement, Restore, Write},
    codec::{Counter, Value},
    engine::queue::{Job, Jobs, Outcome, publish, refuse},
    error::{CommitError, Conflict, StoreError},
    key::AsKey,
};

/// Locks the row: until the transaction ends, nobody else, on whatever node, commits.
const LOCK_POSITION: &str = "SELECT value FROM pli._meta WHERE name = 'position' FOR UPDATE";
const WRITE_POSITION: &str = "UPDATE pli._meta SET value = $1 WHERE name = 'position'";
const MARK_UNFINISHED_COPY: &str =
    "INSERT INTO pli._meta(name, value) VALUES ('unfinished_copy', 1) ON CONFLICT DO NOTHING";
const CLEAR_UNFINISHED_COPY: &str = "DELETE FROM pli._meta WHERE name = 'unfinished_copy'";

/// How long to wait before trying to reach the server again: one entry for each further attempt.
const BACK_OFF: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// A row of a keyspace, by its key.
type RowKey = (&'static str, Vec<u8>);
/// Rows as a group leaves them: `None` is a deleted one.
type Staged = BTreeMap<RowKey, Option<(Vec<u8>, Position)>>;

/// Commits batches in groups: one round trip reads what they require and one writes what they come
/// to.
pub(super) struct Writer {
    database: Database,
    /// Absent after it was lost.
    connection: Option<Connection>,
    tables: Arc<Tables>,
    announcer: Arc<Announcer>,
}

/// Why a group was not committed.
struct GroupError {
    error: StoreError,
    /// Nothing was sent that could have been committed: the group can safely be tried again.
    is_safe_to_repeat: bool,
}

impl Writer {
    pub(super) fn new(
        database: Database,
        connection: Connection,
        tables: Arc<Tables>,
        announcer: Arc<Announcer>,
    ) -> Self {
        Self { database, connection: Some(connection), tables, announcer }
    }

    /// Until the queue is closed and empty.
    pub(super) async fn run(mut self, mut jobs: Jobs) {
        while let Some(group) = jobs.next_group().await {
            match self.commit(&group).await {
                Ok(outcomes) => {
                    publish(group, outcomes, |committed| self.announcer.tell(committed));
                }
                Err(error) => {
                    tracing::error!(%error, batches = group.len(), "the store can't be written");
                    refuse(group, &error);
                }
            }
        }
    }

    /// Commits a group, if need be on a new connection.
    async fn commit(&mut self, group: &[Job]) -> Result<Vec<Outcome>, StoreError> {
        let mut waits = BACK_OFF.into_iter();
        loop {
            let failure = match self.attempt(group).await {
                Ok(outcomes) => return Ok(outcomes),
                Err(failure) => failure,
            };
            let was_lost = self.connection.as_ref().is_none_or(Connection::is_closed);
            if was_lost {
                self.connection = None;
            }
            if !was_lost || !failure.is_safe_to_repeat {
                return Err(failure.error);
            }
            let Some(wait) = waits.next() else { return Err(failure.error) };
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&mut self, group: &[Job]) -> Result<Vec<Outcome>, GroupError> {
        let repeatable = |error| GroupError { error, is_safe_to_repeat: true };
        let connection = match self.connection.take() {
            Some(connection) if !connection.is_closed() => connection,
            _ => self.database.connect_writer().await.map_err(repeatable)?,
        };
        let connection = self.connection.insert(connection);
        let tables = named_tables(&self.tables, connection, group).await.map_err(repeatable)?;

        let found = match read(connection, &tables, group).await {
            Ok(found) => found,
            Err(error) => {
                // Fails only where the connection is lost, which ends the transaction too.
                let _ = connection.execute_batch("ROLLBACK").await;
                return Err(repeatable(error));
            }
        };
        let mut overlay = Overlay { found, staged: Staged::new() };
        let first = overlay.found.position;
        let mut position = first;
        let outcomes: Vec<Outcome> = group
            .iter()
            .map(|job| {
                let next = job.batch.position_after(position);
                overlay.apply(&job.batch, next)?;
                position = next;
                Ok(position)
            })
            .collect();
        let restore = group.iter().rev().find_map(|job| job.batch.restore);
        if position == first && restore.is_none() {
            connection.execute_batch("ROLLBACK").await.map_err(repeatable)?;
            return Ok(outcomes);
        }

        let announced = announcements(group, &outcomes).map_err(repeatable);
        let announced = match announced {
            Ok(announced) => announced,
            Err(error) => {
                let _ = connection.execute_batch("ROLLBACK").await;
                return Err(error);
            }
        };
        let end = End { position, restore, announced };
        let written = write(connection, &tables, &overlay.staged, end).await;
        if let Err(error) = written {
            let _ = connection.execute_batch("ROLLBACK").await;
            return Err(GroupError { error, is_safe_to_repeat: false });
        }
        Ok(outcomes)
    }
}

/// What other nodes are told of a group.
fn announcements(group: &[Job], outcomes: &[Outcome]) -> Result<Vec<String>, StoreError> {
    let mut announced = Vec::with_capacity(group.len());
    for (job, outcome) in group.iter().zip(outcomes) {
        if let Ok(position) = outcome
            && job.batch.restore.is_none()
        {
            announced.extend(announcement(*position, &job.batch.touched)?);
        }
    }
    Ok(announced)
}

/// The statements of every keyspace that the group names.
async fn named_tables(
    tables: &Tables,
    connection: &Connection,
    group: &[Job],
) -> Result<HashMap<&'static str, Arc<TableSql>>, StoreError> {
    let names: HashSet<&'static str> = group.iter().flat_map(|job| job.batch.keyspaces()).collect();
    let mut named = HashMap::with_capacity(names.len());
    for name in names {
        named.insert(name, tables.create(name, connection).await?);
    }
    Ok(named)
}

/// What the database holds of the rows that a group requires or adds to.
struct FoundRows {
    position: Position,
    versions: HashMap<RowKey, Position>,
    values: HashMap<RowKey, Vec<u8>>,
}

/// Starts the transaction, takes the lock and reads, in one round trip.
async fn read(
    connection: &Connection,
    tables: &HashMap<&'static str, Arc<TableSql>>,
    group: &[Job],
) -> Result<FoundRows, StoreError> {
    let mut required: HashMap<&'static str, HashSet<&[u8]>> = HashMap::new();
    let mut added_to: HashMap<&'static str, HashSet<&[u8]>> = HashMap::new();
    for job in group {
        for Requirement { keyspace, key, .. } in &job.batch.requirements {
            required.entry(keyspace).or_default().insert(key);
        }
        for write in &job.batch.writes {
            if let Write::Add { keyspace, key, .. } = write {
                added_to.entry(keyspace).or_default().insert(key);
            }
        }
    }
    let as_array = |keys: HashSet<&[u8]>| keys.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
    let mut reads: Vec<(&'static str, &str, Vec<Vec<u8>>)> = Vec::new();
    for (keyspace, keys) in required {
        reads.push((keyspace, &tables[keyspace].versions, as_array(keys)));
    }
    let value_reads_from = reads.len();
    for (keyspace, keys) in added_to {
        reads.push((keyspace, &tables[keyspace].rows, as_array(keys)));
    }

    let statements = reads.iter().map(|(_, sql, _)| *sql).chain([LOCK_POSITION]);
    prepare_all(connection, statements).await?;
    // Each statement sees what was committed before it started: once the lock is ours, that is all
    // there is.
    let mut requests =
        vec![connection.command("BEGIN").boxed(), connection.query(LOCK_POSITION, &[]).boxed()];
    for (_, sql, keys) in &reads {
        requests.push(async move { connection.query(sql, &[keys]).await }.boxed());
    }
    let answers = pipelined(requests).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let [_begun, position, rows @ ..] = answers.as_slice() else {
        return Err(StoreError::Engine("the database answered too little".to_owned()));
    };
    let mut found = FoundRows {
        position: the_position(position)?,
        versions: HashMap::new(),
        values: HashMap::new(),
    };
    for (index, ((keyspace, ..), rows)) in reads.iter().zip(rows).enumerate() {
        for row in rows {
            let key = (*keyspace, column(row, 0)?);
            if index < value_reads_from {
                found.versions.insert(key, position_column(row, 1)?);
            } else {
                found.values.insert(key, column(row, 1)?);
            }
        }
    }
    Ok(found)
}

/// What is written at the end of a transaction.
struct End {
    position: Position,
    restore: Option<Restore>,
    announced: Vec<String>,
}

/// Writes what the group comes to and commits, in one round trip.
async fn write(
    connection: &Connection,
    tables: &HashMap<&'static str, Arc<TableSql>>,
    staged: &Staged,
    end: End,
) -> Result<(), StoreError> {
    #[derive(Default)]
    struct TableWrites<'s> {
        keys: Vec<&'s [u8]>,
        values: Vec<&'s [u8]>,
        versions: Vec<i64>,
        deleted: Vec<&'s [u8]>,
    }
    let mut by_table: BTreeMap<&'static str, TableWrites<'_>> = BTreeMap::new();
    for ((keyspace, key), row) in staged {
        let writes = by_table.entry(keyspace).or_default();
        match row {
            Some((value, version)) => {
                writes.keys.push(key);
                writes.values.push(value);
                writes.versions.push(version.0.cast_signed());
            }
            None => writes.deleted.push(key),
        }
    }
    let puts = by_table.iter().filter(|(_, writes)| !writes.keys.is_empty());
    let deletes = by_table.iter().filter(|(_, writes)| !writes.deleted.is_empty());
    let statements = puts
        .clone()
        .map(|(keyspace, _)| tables[keyspace].put.as_str())
        .chain(deletes.clone().map(|(keyspace, _)| tables[keyspace].delete.as_str()))
        .chain([WRITE_POSITION, ANNOUNCE]);
    prepare_all(connection, statements).await?;

    let End { position, restore, announced } = end;
    let position = position.0.cast_signed();
    let mut requests = Vec::new();
    for (keyspace, writes) in puts {
        let sql = &tables[keyspace].put;
        let TableWrites { keys, values, versions, .. } = writes;
        requests
            .push(async move { connection.query(sql, &[keys, values, versions]).await }.boxed());
    }
    for (keyspace, writes) in deletes {
        let sql = &tables[keyspace].delete;
        requests.push(async move { connection.query(sql, &[&writes.deleted]).await }.boxed());
    }
    requests.push(async { connection.query(WRITE_POSITION, &[&position]).await }.boxed());
    if !announced.is_empty() {
        requests.push(async { connection.query(ANNOUNCE, &[&announced]).await }.boxed());
    }
    match restore {
        None => {}
        Some(Restore::Rows) => requests.push(connection.command(MARK_UNFINISHED_COPY).boxed()),
        Some(Restore::Done(_)) => requests.push(connection.command(CLEAR_UNFINISHED_COPY).boxed()),
    }
    requests.push(connection.command("COMMIT").boxed());
    // After an error PostgreSQL refuses the statements that follow and rolls back at COMMIT, without
    // calling that an error: only if every statement went well was the group committed.
    for answer in pipelined(requests).await {
        answer?;
    }
    Ok(())
}

/// Prepares what isn't yet, in one round trip and before anything that must be sent in order.
async fn prepare_all<'s>(
    connection: &Connection,
    statements: impl Iterator<Item = &'s str>,
) -> Result<(), StoreError> {
    try_join_all(statements.map(|sql| connection.prepared(sql))).await?;
    Ok(())
}

/// What the batches of a group see: the database with what those before them wrote.
struct Overlay {
    found: FoundRows,
    staged: Staged,
}

impl Overlay {
    fn version(&self, row: &RowKey) -> Option<Position> {
        match self.staged.get(row) {
            Some(staged) => staged.as_ref().map(|(_, version)| *version),
            None => self.found.versions.get(row).copied(),
        }
    }

    fn value(&self, row: &RowKey) -> Option<&[u8]> {
        match self.staged.get(row) {
            Some(staged) => staged.as_ref().map(|(value, _)| value.as_slice()),
            None => self.found.values.get(row).map(Vec::as_slice),
        }
    }

    /// Stages a batch whole, or not at all.
    fn apply(&mut self, batch: &Batch, position: Position) -> Result<(), CommitError> {
        for Requirement { keyspace, key, expect } in &batch.requirements {
            let row = (*keyspace, key.clone());
            let found = self.version(&row);
            let holds = match expect {
                Expect::Absent => found.is_none(),
                Expect::Version(version) => found == Some(*version),
            };
            if !holds {
                return Err(Conflict { keyspace, key: row.1, found }.into());
            }
        }

        let mut staged = Staged::new();
        for write in &batch.writes {
            let (row, value) = match write {
                Write::Put { keyspace, key, value } => {
                    ((*keyspace, key.clone()), Some(value.clone()))
                }
                Write::Delete { keyspace, key } => ((*keyspace, key.clone()), None),
                Write::Append { keyspace, prefix, index, value } => {
                    let mut key = prefix.clone();
                    Stamp { index: *index, ..Stamp::first_at(position) }.encode_to(&mut key);
                    ((*keyspace, key), Some(value.clone()))
                }
                Write::Restore { keyspace, row } => {
                    let restored = (row.value.clone(), row.version);
                    staged.insert((*keyspace, row.key.clone()), Some(restored));
                    continue;
                }
                Write::Add { keyspace, key, amount } => {
                    let row = (*keyspace, key.clone());
                    let current = match staged.get(&row) {
                        Some(row) => row.as_ref().map(|(value, _)| value.as_slice()),
                        None => self.value(&row),
                    };
                    let sum = Counter::sum(current, *amount)
                        .and_then(|sum| sum.encode())
                        .map_err(|source| StoreError::Codec { keyspace, source })?;
                    (row, Some(sum))
                }
            };
            staged.insert(row, value.map(|value| (value, position)));
        }
        self.staged.extend(staged);
        Ok(())
    }
}
