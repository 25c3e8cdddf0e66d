use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A state's name: the hash of the topmost node of its trie. Equal roots are equal states.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateRoot([u8; 32]);

impl StateRoot {
    /// The state without entries: the one before a room's create event. It has no node.
    pub const EMPTY: Self = Self([0; 32]);

    pub(crate) const fn new(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// Whether this is the state without entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The hash.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Default for StateRoot {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Display for StateRoot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for StateRoot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StateRoot({self})")
    }
}

/// 32 bytes; in formats for people (`pli store inspect`) hexadecimal digits.
impl Serialize for StateRoot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for StateRoot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl de::Visitor<'_> for Bytes {
            type Value = StateRoot;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("32 bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<StateRoot, E> {
                let hash = bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))?;
                Ok(StateRoot(hash))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}
