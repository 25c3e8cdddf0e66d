use serde::{Serialize, de::DeserializeOwned};

use crate::error::CodecError;

/// A value that a keyspace can hold.
///
/// Implement [`Record`] for structs; this trait is for the few encodings that aren't records.
pub trait Value: Sized + Send + Sync {
    /// The value's bytes.
    ///
    /// # Errors
    /// When the value can't be represented, which for a record means a bug in its type.
    fn encode(&self) -> Result<Vec<u8>, CodecError>;

    /// The value that these bytes stand for.
    ///
    /// # Errors
    /// When the bytes are malformed or of an unknown format version.
    fn decode(bytes: &[u8]) -> Result<Self, CodecError>;
}

/// A struct or enum stored as one format-version byte followed by MessagePack with field names.
///
/// Adding a field with `#[serde(default)]` needs no new version. Any other change does: raise
/// [`Record::VERSION`] and read the older form in [`Record::upgrade`].
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// The format version that [`Value::encode`] writes.
    const VERSION: u8 = 1;

    /// Reads a value that an older format wrote.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are malformed.
    fn upgrade(version: u8, _bytes: &[u8]) -> Result<Self, CodecError> {
        Err(CodecError::Version(version))
    }
}

impl<R: Record> Value for R {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        let mut bytes = vec![R::VERSION];
        rmp_serde::encode::write_named(&mut bytes, self)
            .map_err(|error| CodecError::Value(error.to_string()))?;
        Ok(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let (&version, rest) =
            bytes.split_first().ok_or_else(|| CodecError::Value("empty".to_owned()))?;
        if version == R::VERSION {
            rmp_serde::from_slice(rest).map_err(|error| CodecError::Value(error.to_string()))
        } else {
            R::upgrade(version, rest)
        }
    }
}

impl Record for String {}
impl Record for u64 {}
impl Record for bool {}
impl<T: Serialize + DeserializeOwned + Send + Sync> Record for Vec<T> {}

/// A row whose presence is all that it says.
impl Value for () {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        Ok(Vec::new())
    }

    fn decode(_bytes: &[u8]) -> Result<Self, CodecError> {
        Ok(())
    }
}

/// A number that batches add to without reading it first. An absent row counts as 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Counter(pub i64);

impl Counter {
    /// The number that a row holds once `amount` was added to what it held.
    pub(crate) fn sum(row: Option<&[u8]>, amount: i64) -> Result<Self, CodecError> {
        let Self(current) = row.map_or(Ok(Self::default()), Self::decode)?;
        Ok(Self(current.wrapping_add(amount)))
    }
}

impl Value for Counter {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        Ok(self.0.to_be_bytes().to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        let bytes = bytes.try_into().map_err(|_| CodecError::Value("counter".to_owned()))?;
        Ok(Self(i64::from_be_bytes(bytes)))
    }
}
