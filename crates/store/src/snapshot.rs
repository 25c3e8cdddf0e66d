use crate::{
    Position,
    codec::Value,
    engine::{EngineSnapshot, Span},
    error::StoreError,
    key::{AsKey, Key},
    keyspace::{Keyspace, Range},
    tools::RawRow,
};

/// In which order a scan walks its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the least key to the greatest.
    Forward,
    /// From the greatest key to the least.
    Backward,
}

/// A row as a snapshot sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<K, V> {
    /// The row's key.
    pub key: K,
    /// The row's value.
    pub value: V,
    /// The position of the batch that wrote the row last.
    pub version: Position,
}

/// A consistent view of the whole store: everything up to one position, nothing after it.
///
/// Hold it for the length of one piece of work, not across waiting for a client: engines keep
/// resources for it. Don't take a second one while holding the first; pass it on instead.
pub struct Snapshot {
    engine: EngineSnapshot,
}

impl Snapshot {
    pub(crate) fn new(engine: EngineSnapshot) -> Self {
        Self { engine }
    }

    pub(crate) fn engine(&self) -> &EngineSnapshot {
        &self.engine
    }

    /// The position of the last batch that this snapshot sees.
    #[must_use]
    pub fn position(&self) -> Position {
        self.engine.position()
    }

    /// The value of a row.
    ///
    /// # Errors
    /// When the engine fails or the row can't be decoded.
    pub async fn get<K: Key, V: Value>(
        &self,
        keyspace: &Keyspace<K, V>,
        key: impl AsKey<K>,
    ) -> Result<Option<V>, StoreError> {
        Ok(self.get_versioned(keyspace, key).await?.map(|(value, _)| value))
    }

    /// The value and the version of a row.
    ///
    /// # Errors
    /// When the engine fails or the row can't be decoded.
    pub async fn get_versioned<K: Key, V: Value>(
        &self,
        keyspace: &Keyspace<K, V>,
        key: impl AsKey<K>,
    ) -> Result<Option<(V, Position)>, StoreError> {
        let key = Keyspace::<K, V>::encode_key(&key);
        self.engine
            .get(keyspace.name(), &key)
            .await?
            .map(|(value, version)| Ok((keyspace.decode_value(&value)?, version)))
            .transpose()
    }

    /// The values of many rows, in the order of the keys.
    ///
    /// # Errors
    /// When the engine fails or a row can't be decoded.
    pub async fn get_many<K: Key, V: Value>(
        &self,
        keyspace: &Keyspace<K, V>,
        keys: impl IntoIterator<Item = impl AsKey<K>>,
    ) -> Result<Vec<Option<(V, Position)>>, StoreError> {
        let keys = keys.into_iter().map(|key| Keyspace::<K, V>::encode_key(&key)).collect();
        self.engine
            .get_many(keyspace.name(), keys)
            .await?
            .into_iter()
            .map(|found| {
                found
                    .map(|(value, version)| Ok((keyspace.decode_value(&value)?, version)))
                    .transpose()
            })
            .collect()
    }

    /// The rows of a range, at most `limit` of them.
    ///
    /// # Errors
    /// When the engine fails or a row can't be decoded.
    pub async fn scan<K: Key, V: Value>(
        &self,
        keyspace: &Keyspace<K, V>,
        range: Range<K>,
        limit: usize,
        direction: Direction,
    ) -> Result<Vec<Row<K, V>>, StoreError> {
        let span = Span { start: range.start, end: range.end, limit, direction };
        self.engine
            .scan(keyspace.name(), span)
            .await?
            .into_iter()
            .map(|RawRow { key, value, version }| {
                let key = keyspace.decode_key(&key)?;
                let value = keyspace.decode_value(&value)?;
                Ok(Row { key, value, version })
            })
            .collect()
    }
}
