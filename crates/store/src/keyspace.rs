use std::{fmt::Debug, marker::PhantomData};

use serde::Serialize;

use crate::{
    codec::Value,
    error::{CodecError, StoreError},
    key::{AsKey, AsPrefix, Key},
};

/// A constant, typed, ordered table.
///
/// Each keyspace has one owner crate, which declares it as a `const` or `static` and lists it in
/// its catalogue, so that `pli store inspect` can decode it:
///
/// ```
/// use pli_store::{Keyspace, KeyspaceInfo};
///
/// const GREETING: Keyspace<(String, u64), String> = Keyspace::new("example_greeting");
/// pub const KEYSPACES: &[KeyspaceInfo] = &[GREETING.info()];
/// ```
pub struct Keyspace<K, V> {
    name: &'static str,
    types: PhantomData<fn() -> (K, V)>,
}

impl<K, V> Clone for Keyspace<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for Keyspace<K, V> {}

impl<K: Key, V: Value> Keyspace<K, V> {
    /// A keyspace with the given table name: lower case letters, digits and `_`, beginning with a
    /// letter, at most 60 characters, unique in all of Pli.
    ///
    /// # Panics
    /// When the name is not of this form; in a `const`, the compiler reports it.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(is_keyspace_name(name), "a keyspace's name is lower case letters, digits and _");
        Self { name, types: PhantomData }
    }

    /// The table's name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Every row.
    #[must_use]
    pub fn all(&self) -> Range<K> {
        Range::new(Vec::new(), None)
    }

    /// Every row whose key begins with these parts.
    #[must_use]
    pub fn prefix(&self, prefix: impl AsPrefix<K>) -> Range<K> {
        let mut start = Vec::new();
        prefix.encode_prefix_to(&mut start);
        let end = successor_of_prefix(&start);
        Range::new(start, end)
    }

    pub(crate) fn encode_key(key: &impl AsKey<K>) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        key.encode_to(&mut bytes);
        bytes
    }

    pub(crate) fn decode_key(&self, bytes: &[u8]) -> Result<K, StoreError> {
        let mut input = bytes;
        K::decode(&mut input)
            .and_then(|key| if input.is_empty() { Ok(key) } else { Err(CodecError::KeyLength) })
            .map_err(|source| StoreError::Codec { keyspace: self.name, source })
    }

    pub(crate) fn decode_value(&self, bytes: &[u8]) -> Result<V, StoreError> {
        V::decode(bytes).map_err(|source| StoreError::Codec { keyspace: self.name, source })
    }
}

impl<K: Key + Debug, V: Value + Serialize> Keyspace<K, V> {
    /// What `pli store inspect` and `pli store check` need to know about this keyspace.
    #[must_use]
    pub const fn info(&self) -> KeyspaceInfo {
        KeyspaceInfo { name: self.name, describe: describe::<K, V> }
    }
}

/// Whether a keyspace may have this name. What engines need for themselves begins with `_`, so that
/// it can't be taken for a keyspace.
pub(crate) const fn is_keyspace_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > 60 || !bytes[0].is_ascii_lowercase() {
        return false;
    }
    // SQLite keeps these for itself.
    if let Some((b"sqlite_", _)) = bytes.split_at_checked(7) {
        return false;
    }
    let mut index = 1;
    while index < bytes.len() {
        let byte = bytes[index];
        if !(byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') {
            return false;
        }
        index += 1;
    }
    true
}

fn describe<K: Key + Debug, V: Value + Serialize>(
    key: &[u8],
    value: &[u8],
) -> Result<(String, serde_json::Value), CodecError> {
    let mut input = key;
    let decoded_key = K::decode(&mut input)?;
    if !input.is_empty() {
        return Err(CodecError::KeyLength);
    }
    let decoded_value = serde_json::to_value(V::decode(value)?)
        .map_err(|error| CodecError::Value(error.to_string()))?;
    Ok((format!("{decoded_key:?}"), decoded_value))
}

/// A keyspace without its types: its name, and how to show a row to a person.
#[derive(Clone, Copy, Debug)]
pub struct KeyspaceInfo {
    /// The table's name.
    pub name: &'static str,
    /// Decodes a raw key and value: the key in its debug form, the value as JSON.
    pub describe: Describe,
}

/// Shows a row's encoded key and value to a person: the key in its debug form, the value as JSON.
pub type Describe = fn(&[u8], &[u8]) -> Result<(String, serde_json::Value), CodecError>;

/// A contiguous part of a keyspace: from `start` (inclusive) to `end` (exclusive, `None`: no bound).
pub struct Range<K> {
    pub(crate) start: Vec<u8>,
    pub(crate) end: Option<Vec<u8>>,
    types: PhantomData<fn() -> K>,
}

impl<K: Key> Range<K> {
    fn new(start: Vec<u8>, end: Option<Vec<u8>>) -> Self {
        Self { start, end, types: PhantomData }
    }

    /// The rows of this range whose key is `key` or greater.
    #[must_use]
    pub fn from(mut self, key: impl AsKey<K>) -> Self {
        let mut bytes = Vec::new();
        key.encode_to(&mut bytes);
        self.start = self.start.max(bytes);
        self
    }

    /// The rows of this range whose key is greater than `key`.
    #[must_use]
    pub fn after(mut self, key: impl AsKey<K>) -> Self {
        let mut bytes = Vec::new();
        key.encode_to(&mut bytes);
        bytes.push(0);
        self.start = self.start.max(bytes);
        self
    }

    /// The rows of this range that come after all of another range.
    #[must_use]
    pub fn past(mut self, other: Self) -> Self {
        match other.end {
            Some(end) => self.start = self.start.max(end),
            // Nothing comes after a range without an end.
            None => self.end = Some(self.start.clone()),
        }
        self
    }

    /// The rows of this range whose key is less than `key`.
    #[must_use]
    pub fn before(mut self, key: impl AsKey<K>) -> Self {
        let mut bytes = Vec::new();
        key.encode_to(&mut bytes);
        self.limit_end(bytes);
        self
    }

    /// The rows of this range whose key is `key` or less.
    #[must_use]
    pub fn up_to(mut self, key: impl AsKey<K>) -> Self {
        let mut bytes = Vec::new();
        key.encode_to(&mut bytes);
        bytes.push(0);
        self.limit_end(bytes);
        self
    }

    fn limit_end(&mut self, end: Vec<u8>) {
        self.end = Some(match self.end.take() {
            Some(current) => current.min(end),
            None => end,
        });
    }
}

/// The least byte string that is greater than every string that begins with `prefix`.
fn successor_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.last_mut() {
        if *last < u8::MAX {
            *last += 1;
            return Some(end);
        }
        end.pop();
    }
    None
}
