use ruma::{OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use crate::{
    Position,
    codec::{Counter, Value},
    error::{CodecError, StoreError},
    key::{AsKey, Key, Stamped},
    keyspace::Keyspace,
    tools::RawRow,
};

/// What a batch requires of a row before it may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// There is no such row.
    Absent,
    /// The row was last written at exactly this position.
    Version(Position),
}

impl Expect {
    /// The expectation that a row is still as it was read: its version, or absent.
    #[must_use]
    pub fn unchanged(version: Option<Position>) -> Self {
        version.map_or(Self::Absent, Self::Version)
    }
}

/// Who should be woken by a batch: a hint for readers, published after the commit and in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Touch {
    /// Something changed for everybody in this room.
    Room(OwnedRoomId),
    /// Something changed for this user (on any of their devices).
    User(OwnedUserId),
    /// This user's membership of this room changed; `joined` says whether they are in it now.
    Member {
        /// The room.
        room_id: OwnedRoomId,
        /// The user.
        user_id: OwnedUserId,
        /// Whether the user is joined after the batch.
        joined: bool,
    },
    /// This user's devices, cross-signing keys or profile changed: everybody who shares a room with
    /// them may want to know.
    DeviceList(OwnedUserId),
    /// A row was written of which nodes keep something in memory: what they keep is outdated. See
    /// [`Touch::row`].
    Row {
        /// The keyspace's name.
        keyspace: String,
        /// The row's encoded key.
        key: Vec<u8>,
    },
    /// Commits of other nodes were missed: anything may have changed, up to this one's position.
    Everything,
}

impl Touch {
    /// Says that what any node keeps in memory of a row is outdated.
    #[must_use]
    pub fn row<K: Key, V: Value>(keyspace: &Keyspace<K, V>, key: impl AsKey<K>) -> Self {
        let key = Keyspace::<K, V>::encode_key(&key);
        Self::Row { keyspace: keyspace.name().to_owned(), key }
    }

    /// The key of the row of this keyspace of which [`Touch::row`] said so.
    #[must_use]
    pub fn key_of<K: Key, V: Value>(&self, of: &Keyspace<K, V>) -> Option<K> {
        match self {
            Self::Row { keyspace, key } if keyspace == of.name() => of.decode_key(key).ok(),
            _ => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Write {
    Put {
        keyspace: &'static str,
        key: Vec<u8>,
        value: Vec<u8>,
    },
    Delete {
        keyspace: &'static str,
        key: Vec<u8>,
    },
    Add {
        keyspace: &'static str,
        key: Vec<u8>,
        amount: i64,
    },
    /// The key is `prefix` followed by the batch's stamp.
    Append {
        keyspace: &'static str,
        prefix: Vec<u8>,
        index: u16,
        value: Vec<u8>,
    },
    /// A row of another store, with the version that it has there.
    Restore {
        keyspace: &'static str,
        row: RawRow,
    },
}

/// What a batch of [`copy`](crate::tools::copy) does with the position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restore {
    /// Nothing yet: these are some of the rows of a store that is being copied, and the store can't
    /// be opened until all of them are there.
    Rows,
    /// The copy is complete, and the store is at this position.
    Done(Position),
}

#[derive(Clone, Debug)]
pub(crate) struct Requirement {
    pub(crate) keyspace: &'static str,
    pub(crate) key: Vec<u8>,
    pub(crate) expect: Expect,
}

/// How long the encoded key of a row can be. Every engine can index such a key; PostgreSQL not much
/// longer ones.
const MAX_KEY_BYTES: usize = 2048;

/// A declarative write: preconditions, writes in order, and whom to wake.
///
/// A batch is data: it can be built anywhere, held, and committed once or (after a conflict)
/// built again. It commits whole or not at all.
///
/// A row's encoded key has at most 2,048 bytes: the lengths of its parts, plus two for each text. A
/// batch with a longer one fails at commit with [`CodecError::Key`]; check what strangers choose
/// (types, tags, transaction ids) before.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) writes: Vec<Write>,
    pub(crate) touched: Vec<Touch>,
    pub(crate) failure: Option<StoreError>,
    pub(crate) restore: Option<Restore>,
    appended: u16,
}

impl Batch {
    /// An empty batch. Committing it takes a position and changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the batch writes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Requires that a row is absent, or was last written at a given position.
    pub fn require<K: Key, V: Value>(
        &mut self,
        keyspace: &Keyspace<K, V>,
        key: impl AsKey<K>,
        expect: Expect,
    ) -> &mut Self {
        let key = Keyspace::<K, V>::encode_key(&key);
        self.requirements.push(Requirement { keyspace: keyspace.name(), key, expect });
        self
    }

    /// Whether the batch requires anything of a row already. Lets a part of a batch that must be
    /// in it once find out that it is.
    #[must_use]
    pub fn requires<K: Key, V: Value>(
        &self,
        keyspace: &Keyspace<K, V>,
        key: impl AsKey<K>,
    ) -> bool {
        let key = Keyspace::<K, V>::encode_key(&key);
        self.requirements
            .iter()
            .any(|requirement| requirement.keyspace == keyspace.name() && requirement.key == key)
    }

    /// Writes a row, whether or not there was one.
    pub fn put<K: Key, V: Value>(
        &mut self,
        keyspace: &Keyspace<K, V>,
        key: impl AsKey<K>,
        value: &V,
    ) -> &mut Self {
        let key = self.written_key(keyspace.name(), Keyspace::<K, V>::encode_key(&key));
        if let Some(value) = self.encoded(keyspace.name(), value.encode()) {
            self.writes.push(Write::Put { keyspace: keyspace.name(), key, value });
        }
        self
    }

    /// Deletes a row, if there is one.
    pub fn delete<K: Key, V: Value>(
        &mut self,
        keyspace: &Keyspace<K, V>,
        key: impl AsKey<K>,
    ) -> &mut Self {
        let key = Keyspace::<K, V>::encode_key(&key);
        self.writes.push(Write::Delete { keyspace: keyspace.name(), key });
        self
    }

    /// Adds to a counter; an absent row counts as 0.
    pub fn add<K: Key>(
        &mut self,
        keyspace: &Keyspace<K, Counter>,
        key: impl AsKey<K>,
        amount: i64,
    ) -> &mut Self {
        let key = self.written_key(keyspace.name(), Keyspace::<K, Counter>::encode_key(&key));
        self.writes.push(Write::Add { keyspace: keyspace.name(), key, amount });
        self
    }

    /// Writes a row whose key is `prefix` and a [`Stamp`](crate::Stamp) with the batch's position.
    ///
    /// Returns the stamp's index. The row's version is the stamp's position, like that of every row
    /// that this batch writes.
    pub fn append<K: Stamped, V: Value>(
        &mut self,
        keyspace: &Keyspace<K, V>,
        prefix: impl AsKey<K::Prefix>,
        value: &V,
    ) -> u16 {
        let index = self.appended;
        match self.appended.checked_add(1) {
            Some(next) => self.appended = next,
            None => self.fail("a batch can append 65,535 rows at most"),
        }
        let mut encoded_prefix = Vec::with_capacity(64);
        prefix.encode_to(&mut encoded_prefix);
        let encoded_prefix = self.written_key(keyspace.name(), encoded_prefix);
        if let Some(value) = self.encoded(keyspace.name(), value.encode()) {
            self.writes.push(Write::Append {
                keyspace: keyspace.name(),
                prefix: encoded_prefix,
                index,
                value,
            });
        }
        index
    }

    /// Says whom to wake after the commit.
    pub fn touch(&mut self, touch: Touch) -> &mut Self {
        self.touched.push(touch);
        self
    }

    /// Adds everything of another batch to this one. The other must not have appended rows.
    pub fn merge(&mut self, other: Self) -> &mut Self {
        if other.appended > 0 && self.appended > 0 {
            self.fail("two batches that both append rows can't be merged");
        }
        self.appended = self.appended.max(other.appended);
        self.requirements.extend(other.requirements);
        self.writes.extend(other.writes);
        self.touched.extend(other.touched);
        self.failure = self.failure.take().or(other.failure);
        self
    }

    pub(crate) fn restoring(restore: Restore) -> Self {
        Self { restore: Some(restore), ..Self::default() }
    }

    pub(crate) fn restore(&mut self, keyspace: &'static str, row: RawRow) {
        self.writes.push(Write::Restore { keyspace, row });
    }

    /// The position that the batch gets when it is committed after `last`.
    pub(crate) fn position_after(&self, last: Position) -> Position {
        match self.restore {
            None => last.next(),
            Some(Restore::Rows) => last,
            Some(Restore::Done(position)) => position,
        }
    }

    /// The keyspace of every requirement and every write.
    pub(crate) fn keyspaces(&self) -> impl Iterator<Item = &'static str> + '_ {
        let required = self.requirements.iter().map(|requirement| requirement.keyspace);
        required.chain(self.writes.iter().map(|write| match write {
            Write::Put { keyspace, .. }
            | Write::Delete { keyspace, .. }
            | Write::Add { keyspace, .. }
            | Write::Append { keyspace, .. }
            | Write::Restore { keyspace, .. } => *keyspace,
        }))
    }

    /// About how much memory the batch takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        const OVERHEAD: usize = 96;
        let requirements = self.requirements.iter().map(|requirement| requirement.key.len());
        let writes = self.writes.iter().map(|write| match write {
            Write::Put { key, value, .. } => key.len() + value.len(),
            Write::Delete { key, .. } | Write::Add { key, .. } => key.len(),
            Write::Append { prefix, value, .. } => prefix.len() + value.len(),
            Write::Restore { row, .. } => row.key.len() + row.value.len(),
        });
        let touched = self.touched.len() * OVERHEAD;
        OVERHEAD + touched + requirements.chain(writes).map(|size| size + OVERHEAD).sum::<usize>()
    }

    /// Reported at commit: building a batch can't fail half-way.
    fn fail(&mut self, text: &str) {
        self.failure.get_or_insert(StoreError::Engine(text.to_owned()));
    }

    /// The bytes of the key of a row that is to be written.
    fn written_key(&mut self, keyspace: &'static str, key: Vec<u8>) -> Vec<u8> {
        if key.len() > MAX_KEY_BYTES {
            let source = CodecError::Key(format!("longer than {MAX_KEY_BYTES} bytes"));
            self.failure.get_or_insert(StoreError::Codec { keyspace, source });
        }
        key
    }

    fn encoded(
        &mut self,
        keyspace: &'static str,
        encoded: Result<Vec<u8>, CodecError>,
    ) -> Option<Vec<u8>> {
        match encoded {
            Ok(bytes) => Some(bytes),
            Err(source) => {
                self.failure.get_or_insert(StoreError::Codec { keyspace, source });
                None
            }
        }
    }
}
