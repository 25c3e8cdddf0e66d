use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use super::connect::{Connection, column};
use crate::{error::StoreError, snapshot::Direction};

/// The statements of one keyspace's table.
pub(super) struct TableSql {
    pub(super) create: String,
    /// `$1`: the keys as an array.
    pub(super) versions: String,
    /// `$1`: the keys as an array.
    pub(super) rows: String,
    /// `$1`: the key.
    pub(super) get: String,
    /// `$1`: the keys, `$2`: the values, `$3`: the versions, as arrays of one length.
    pub(super) put: String,
    /// `$1`: the keys as an array.
    pub(super) delete: String,
    scans: [String; 4],
}

impl TableSql {
    fn new(name: &str) -> Self {
        let table = format!(r#"pli."{name}""#);
        let scan = |bound: &str, order: &str| {
            format!(
                "SELECT key, value, version FROM {table} WHERE key >= $1{bound}
                 ORDER BY key {order} LIMIT $2"
            )
        };
        Self {
            // Many rows are heads, written again and again: some room on each page lets
            // PostgreSQL do so without touching the index.
            create: format!(
                "CREATE TABLE IF NOT EXISTS {table}(
                     key bytea PRIMARY KEY, value bytea NOT NULL, version bigint NOT NULL
                 ) WITH (fillfactor = 90)"
            ),
            versions: format!("SELECT key, version FROM {table} WHERE key = ANY($1)"),
            rows: format!("SELECT key, value, version FROM {table} WHERE key = ANY($1)"),
            get: format!("SELECT value, version FROM {table} WHERE key = $1"),
            put: format!(
                "INSERT INTO {table}(key, value, version)
                 SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bigint[])
                 ON CONFLICT (key) DO UPDATE
                 SET value = excluded.value, version = excluded.version"
            ),
            delete: format!("DELETE FROM {table} WHERE key = ANY($1)"),
            scans: [
                scan("", "ASC"),
                scan(" AND key < $3", "ASC"),
                scan("", "DESC"),
                scan(" AND key < $3", "DESC"),
            ],
        }
    }

    /// Takes `$1`: the start, `$2`: the limit and, where there is an end, `$3`: the end.
    pub(super) fn scan(&self, direction: Direction, has_end: bool) -> &str {
        let index = match direction {
            Direction::Forward => 0,
            Direction::Backward => 2,
        };
        &self.scans[index + usize::from(has_end)]
    }
}

/// The tables that this node knows to exist. Tables are never dropped.
#[derive(Default)]
pub(super) struct Tables {
    by_name: RwLock<HashMap<Box<str>, Arc<TableSql>>>,
}

impl Tables {
    fn known(&self, name: &str) -> Option<Arc<TableSql>> {
        self.by_name.read().get(name).cloned()
    }

    fn remember(&self, name: &str) -> Arc<TableSql> {
        let sql = Arc::new(TableSql::new(name));
        self.by_name.write().insert(name.into(), Arc::clone(&sql));
        sql
    }

    /// The keyspace's table if there is one by now. A statement on a table that is missing would end
    /// the reader's transaction.
    pub(super) async fn find(
        &self,
        name: &str,
        connection: &Connection,
    ) -> Result<Option<Arc<TableSql>>, StoreError> {
        if let Some(sql) = self.known(name) {
            return Ok(Some(sql));
        }
        let table = format!(r#"pli."{name}""#);
        let rows = connection.query("SELECT to_regclass($1) IS NOT NULL", &[&table]).await?;
        let exists = rows.first().map_or(Ok(false), |row| column(row, 0))?;
        Ok(exists.then(|| self.remember(name)))
    }

    /// The keyspace's table, created if it is missing.
    ///
    /// In a transaction of its own: a batch that fails may leave an empty table, which no reader can
    /// tell from a missing one.
    pub(super) async fn create(
        &self,
        name: &str,
        connection: &Connection,
    ) -> Result<Arc<TableSql>, StoreError> {
        if let Some(sql) = self.known(name) {
            return Ok(sql);
        }
        let create = TableSql::new(name).create;
        let locked = format!("BEGIN; SELECT pg_advisory_xact_lock(1349281073); {create}; COMMIT;");
        if let Err(error) = connection.execute_batch(&locked).await {
            // The connection may still be in the failed transaction; if it is lost, so is that.
            let _ = connection.execute_batch("ROLLBACK").await;
            return Err(error);
        }
        Ok(self.remember(name))
    }
}
