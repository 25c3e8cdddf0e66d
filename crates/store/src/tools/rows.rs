use std::collections::VecDeque;

use crate::{
    Position,
    engine::Span,
    error::StoreError,
    snapshot::{Direction, Snapshot},
};

/// How many rows are read at a time.
const PAGE_ROWS: usize = 256;

/// A row's bytes, as the store keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRow {
    /// The encoded key.
    pub key: Vec<u8>,
    /// The encoded value.
    pub value: Vec<u8>,
    /// The position of the batch that wrote the row last.
    pub version: Position,
}

/// How much a keyspace holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyspaceSize {
    /// The keyspace's name.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// The length of all encoded keys, in bytes.
    pub key_bytes: u64,
    /// The length of all encoded values, in bytes.
    pub value_bytes: u64,
}

/// The rows of one keyspace in the order of their keys, read a page at a time.
pub struct RawRows<'s> {
    snapshot: &'s Snapshot,
    keyspace: String,
    /// What is still to be read; `None` after the last page.
    rest: Option<Vec<u8>>,
    page: VecDeque<RawRow>,
}

impl RawRows<'_> {
    /// The next row, or `None` after the last one.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn next(&mut self) -> Result<Option<RawRow>, StoreError> {
        if self.page.is_empty() {
            self.read_page().await?;
        }
        Ok(self.page.pop_front())
    }

    async fn read_page(&mut self) -> Result<(), StoreError> {
        let Some(start) = self.rest.take() else { return Ok(()) };
        let direction = Direction::Forward;
        let mut span = Span { start, end: None, limit: PAGE_ROWS, direction };
        let page = self.snapshot.engine().scan(&self.keyspace, span.clone()).await?;
        if let Some(last) = page.last()
            && page.len() == PAGE_ROWS
        {
            span.continue_after(&last.key);
            self.rest = Some(span.start);
        }
        self.page = page.into();
        Ok(())
    }
}

impl Snapshot {
    /// The names of the keyspaces that were ever written to, in order.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn keyspaces(&self) -> Result<Vec<String>, StoreError> {
        self.engine().keyspaces().await
    }

    /// The rows of a keyspace as bytes, from the first key that is `start` or greater.
    #[must_use]
    pub fn raw_rows(&self, keyspace: &str, start: Vec<u8>) -> RawRows<'_> {
        RawRows {
            snapshot: self,
            keyspace: keyspace.to_owned(),
            rest: Some(start),
            page: VecDeque::new(),
        }
    }

    /// How much a keyspace holds. Reads all of it.
    ///
    /// # Errors
    /// When the engine fails.
    pub async fn keyspace_size(&self, keyspace: &str) -> Result<KeyspaceSize, StoreError> {
        let name = keyspace.to_owned();
        let mut size = KeyspaceSize { name, rows: 0, key_bytes: 0, value_bytes: 0 };
        let mut rows = self.raw_rows(keyspace, Vec::new());
        while let Some(row) = rows.next().await? {
            size.add(&row);
        }
        Ok(size)
    }
}

impl KeyspaceSize {
    pub(super) fn add(&mut self, row: &RawRow) {
        self.rows += 1;
        self.key_bytes += row.key.len() as u64;
        self.value_bytes += row.value.len() as u64;
    }
}
