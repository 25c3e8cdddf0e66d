use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;
use rusqlite::Connection;

use super::connection::engine_error;
use crate::{error::StoreError, keyspace::is_keyspace_name, snapshot::Direction};

/// The statements of one keyspace's table, written once and then found in each connection's cache.
pub(super) struct TableSql {
    pub(super) create: String,
    pub(super) get: String,
    pub(super) version: String,
    pub(super) put: String,
    pub(super) delete: String,
    scans: [String; 4],
}

impl TableSql {
    fn new(name: &str) -> Self {
        let scan = |bound: &str, order: &str| {
            format!(
                r#"SELECT key, value, version FROM "{name}" WHERE key >= ?1{bound}
                   ORDER BY key {order} LIMIT ?2"#
            )
        };
        Self {
            create: format!(
                r#"CREATE TABLE "{name}"(
                       key BLOB PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL
                   ) WITHOUT ROWID"#
            ),
            get: format!(r#"SELECT value, version FROM "{name}" WHERE key = ?1"#),
            version: format!(r#"SELECT version FROM "{name}" WHERE key = ?1"#),
            put: format!(
                r#"INSERT INTO "{name}"(key, value, version) VALUES (?1, ?2, ?3)
                   ON CONFLICT(key) DO UPDATE
                   SET value = excluded.value, version = excluded.version"#
            ),
            delete: format!(r#"DELETE FROM "{name}" WHERE key = ?1"#),
            scans: [
                scan("", "ASC"),
                scan(" AND key < ?3", "ASC"),
                scan("", "DESC"),
                scan(" AND key < ?3", "DESC"),
            ],
        }
    }

    /// Takes `?1`: the start, `?2`: the limit and, where there is an end, `?3`: the end.
    pub(super) fn scan(&self, direction: Direction, has_end: bool) -> &str {
        let index = match direction {
            Direction::Forward => 0,
            Direction::Backward => 2,
        };
        &self.scans[index + usize::from(has_end)]
    }
}

/// The tables that exist, or that a transaction under way is about to create: a keyspace that isn't
/// here has no rows in any snapshot taken so far.
pub(super) struct Tables {
    by_name: RwLock<HashMap<Box<str>, Arc<TableSql>>>,
    /// Whether another process may create tables.
    is_partial: bool,
}

impl Tables {
    pub(super) fn load(connection: &Connection) -> Result<Self, StoreError> {
        let names = keyspaces(connection)?;
        let by_name = names.into_iter().map(|name| {
            let sql = TableSql::new(&name);
            (name.into_boxed_str(), Arc::new(sql))
        });
        Ok(Self { by_name: RwLock::new(by_name.collect()), is_partial: false })
    }

    /// The tables of a store that another process may be writing.
    pub(super) fn of_another_process() -> Self {
        Self { by_name: RwLock::default(), is_partial: true }
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<TableSql>> {
        let known = self.by_name.read().get(name).cloned();
        if known.is_none() && self.is_partial {
            return Some(self.announce(name));
        }
        known
    }

    /// Announces a table to readers, before the transaction that creates it is committed.
    pub(super) fn announce(&self, name: &str) -> Arc<TableSql> {
        let sql = Arc::new(TableSql::new(name));
        self.by_name.write().insert(name.into(), Arc::clone(&sql));
        sql
    }

    pub(super) fn all(&self) -> HashMap<Box<str>, Arc<TableSql>> {
        self.by_name.read().clone()
    }
}

/// The names of the keyspaces that have a table, in order.
pub(super) fn keyspaces(connection: &Connection) -> Result<Vec<String>, StoreError> {
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .map_err(engine_error)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0)).map_err(engine_error)?;
    let mut keyspaces = Vec::new();
    for name in names {
        let name = name.map_err(engine_error)?;
        if is_keyspace_name(&name) {
            keyspaces.push(name);
        }
    }
    Ok(keyspaces)
}
