use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use pli_store::{Batch, CommitError, Direction, Expect, Position, Snapshot};
use quick_cache::{Weighter, sync::Cache};
use ruma::{DeviceId, OwnedRoomId, RoomId, UserId};

use super::{
    pos::Pos,
    required_state::CombinedState,
    rows::{
        BUCKETS, ConnectionKey, ConnectionRow, SLIDING_CONNECTION, SLIDING_SENT, Sent, SentRow,
        SentVersions,
    },
};
use crate::{Sync, SyncError};

/// How many connections a device has at most: of more, the one that changed longest ago is dropped.
const MAX_CONNECTIONS: usize = 16;
/// How many different wishes about states a connection remembers before it looks for unused ones.
const REMEMBERED_STATES: usize = 64;
/// When the note of a connection's last use is renewed.
const TOUCHED_AFTER_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// After how long without use a connection is dropped.
const UNUSED_AFTER_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// How many connections are looked at once.
const PAGE: usize = 200;
/// About how many bytes of connections are kept in memory.
const CACHED_BYTES: u64 = 64 * 1024 * 1024;
/// About what one room of a connection takes.
const BYTES_PER_ROOM: usize = 200;

/// A connection: what the server remembers of what it sent.
#[derive(Debug)]
pub(crate) struct Connection {
    key: ConnectionKey,
    row: ConnectionRow,
    /// The row's version; `None` before it is written.
    version: Option<Position>,
    rooms: HashMap<OwnedRoomId, SentVersions>,
    /// The last answer that left nothing to tell.
    pub(crate) settled: Option<Settled>,
}

impl Connection {
    pub(crate) fn id(&self) -> u64 {
        self.row.id
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.row.epoch
    }

    /// Whether a `pos` is this connection's, and recent.
    fn knows(&self, pos: &Pos) -> bool {
        self.row.id == pos.connection
            && (pos.epoch == self.row.epoch || pos.epoch == self.row.previous)
    }

    /// What was sent of a room, according to an epoch.
    pub(crate) fn sent(&self, room_id: &RoomId, epoch: u64) -> Option<&Sent> {
        self.rooms.get(room_id)?.at(epoch)
    }

    /// Every room of which anything was sent.
    pub(crate) fn all_sent(&self, epoch: u64) -> impl Iterator<Item = (&OwnedRoomId, &Sent)> {
        self.rooms.iter().filter_map(move |(room_id, of)| Some((room_id, of.at(epoch)?)))
    }

    /// What was wanted of a room's state.
    pub(crate) fn state(&self, sent: &Sent) -> Option<&CombinedState> {
        self.row.states.get(usize::from(sent.state))
    }

    /// The index of a wish about states, remembered from now on.
    pub(crate) fn state_index(&mut self, wanted: &CombinedState) -> u16 {
        let states = &mut self.row.states;
        let known = states.iter().position(|state| state == wanted);
        let index = known.unwrap_or_else(|| {
            if states.len() >= REMEMBERED_STATES {
                let mut used = vec![false; states.len()];
                let versions = self.rooms.values();
                for sent in versions.flat_map(|of| [&of.now, &of.before]).flatten() {
                    if let Some(used) = used.get_mut(usize::from(sent.state)) {
                        *used = true;
                    }
                }
                if let Some(unused) = used.iter().position(|used| !used) {
                    states[unused] = wanted.clone();
                    return unused;
                }
            }
            states.push(wanted.clone());
            states.len() - 1
        });
        u16::try_from(index).unwrap_or(u16::MAX)
    }

    /// Whether the note of its last use is old.
    pub(crate) fn is_untouched(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.row.used_ms) > TOUCHED_AFTER_MS
    }

    /// Takes in what an answer to an epoch sends, and stages it to be written.
    fn advance(
        &mut self,
        from_epoch: u64,
        changes: HashMap<OwnedRoomId, Sent>,
        now_ms: u64,
        batch: &mut Batch,
    ) {
        let next = self.row.epoch + 1;
        let mut dirty = 0_u64;
        // What an answer that never arrived had sent was not sent.
        self.rooms.retain(|room_id, of| {
            if of.epoch <= from_epoch {
                return true;
            }
            dirty |= 1 << bucket(room_id);
            of.now = of.before.take();
            of.epoch = from_epoch;
            of.now.is_some()
        });
        for (room_id, sent) in changes {
            dirty |= 1 << bucket(&room_id);
            let before = self.rooms.get(&room_id).and_then(|of| of.now.clone());
            self.rooms.insert(room_id, SentVersions { epoch: next, now: Some(sent), before });
        }
        self.row.previous = from_epoch;
        self.row.epoch = next;
        self.row.used_ms = now_ms;

        let mut buckets: BTreeMap<u8, Vec<(OwnedRoomId, SentVersions)>> = BTreeMap::new();
        for (room_id, of) in &self.rooms {
            let bucket = bucket(room_id);
            if dirty & (1 << bucket) != 0 {
                buckets.entry(bucket).or_default().push((room_id.clone(), of.clone()));
            }
        }
        let (user_id, device_id, conn_id) = &self.key;
        for index in (0..BUCKETS).filter(|index| dirty & (1 << index) != 0) {
            let key = (user_id, device_id, conn_id, index);
            match buckets.remove(&index) {
                Some(rooms) => {
                    batch.put(&SLIDING_SENT, key, &SentRow { rooms });
                    self.row.buckets |= 1 << index;
                }
                None => {
                    batch.delete(&SLIDING_SENT, key);
                    self.row.buckets &= !(1 << index);
                }
            }
        }
        batch.require(&SLIDING_CONNECTION, &self.key, Expect::unchanged(self.version));
        batch.put(&SLIDING_CONNECTION, &self.key, &self.row);
    }

    fn bytes(&self) -> u64 {
        u64::try_from(1024 + self.rooms.len() * BYTES_PER_ROOM).unwrap_or(u64::MAX)
    }
}

/// An answer after which nothing was left to tell: whoever comes back from it with the same wishes
/// only waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    /// What was asked for.
    pub(crate) fingerprint: u64,
    pub(crate) position: Position,
    /// Up to where messages from device to device were handed over.
    pub(crate) to_device: Option<Position>,
    /// Up to where what sticks was handed over.
    pub(crate) sticky: Option<Position>,
}

/// A connection, in the hands of one request at a time.
pub(crate) type SharedConnection = Arc<tokio::sync::Mutex<Connection>>;

#[derive(Clone)]
struct Weighed {
    connection: SharedConnection,
    bytes: u64,
}

#[derive(Clone)]
struct ConnectionWeight;

impl Weighter<ConnectionKey, Weighed> for ConnectionWeight {
    fn weight(&self, _key: &ConnectionKey, weighed: &Weighed) -> u64 {
        weighed.bytes
    }
}

/// The connections that were used lately. The store has all of them.
pub(crate) struct Connections(Cache<ConnectionKey, Weighed, ConnectionWeight>);

impl Connections {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(8_192, CACHED_BYTES, ConnectionWeight))
    }

    fn keep(&self, key: &ConnectionKey, connection: &SharedConnection, bytes: u64) {
        let weighed = Weighed { connection: Arc::clone(connection), bytes };
        self.0.insert(key.clone(), weighed);
    }
}

impl Sync {
    /// A connection that begins. Nothing is written yet.
    pub(crate) fn new_connection(&self, key: ConnectionKey) -> SharedConnection {
        let row = ConnectionRow {
            id: u64::from_le_bytes(self.inner.sliding.ambient.random_bytes()),
            epoch: 0,
            previous: 0,
            states: Vec::new(),
            buckets: 0,
            used_ms: 0,
        };
        let rooms = HashMap::new();
        Arc::new(tokio::sync::Mutex::new(Connection {
            key,
            row,
            version: None,
            rooms,
            settled: None,
        }))
    }

    /// The connection that a `pos` belongs to.
    ///
    /// # Errors
    /// [`SyncError::UnknownPos`] if there is none, or the `pos` is too old; when the store fails.
    pub(crate) async fn connection(
        &self,
        key: &ConnectionKey,
        pos: &Pos,
    ) -> Result<SharedConnection, SyncError> {
        let connections = &self.inner.sliding.connections;
        if let Some(weighed) = connections.0.get(key) {
            let known = weighed.connection.lock().await.knows(pos);
            if known {
                return Ok(weighed.connection);
            }
        }
        let snapshot = self.inner.store.snapshot().await?;
        let connection = load(&snapshot, key).await?.filter(|connection| connection.knows(pos));
        let connection = connection.ok_or(SyncError::UnknownPos)?;
        let bytes = connection.bytes();
        let connection = Arc::new(tokio::sync::Mutex::new(connection));
        connections.keep(key, &connection, bytes);
        Ok(connection)
    }

    /// Forgets what is in memory of a connection, because the store knows better.
    pub(crate) fn reload_connection(&self, key: &ConnectionKey) {
        self.inner.sliding.connections.0.remove(key);
    }

    /// Remembers what an answer sends, before it is sent. `from_epoch` is the one of the request's
    /// `pos`. Returns whether it is remembered: not if the connection changed elsewhere meanwhile.
    pub(crate) async fn remember(
        &self,
        shared: &SharedConnection,
        connection: &mut Connection,
        from_epoch: u64,
        changes: HashMap<OwnedRoomId, Sent>,
    ) -> Result<bool, SyncError> {
        let mut batch = Batch::new();
        let is_new = connection.version.is_none();
        if is_new {
            connection.version = self.make_room(&connection.key, &mut batch).await?;
        }
        let before = connection.bytes();
        connection.advance(from_epoch, changes, self.inner.sliding.ambient.now_ms(), &mut batch);
        match self.inner.store.commit(batch).await {
            Ok(version) => connection.version = Some(version),
            Err(CommitError::Conflict(_)) => {
                self.reload_connection(&connection.key);
                return Ok(false);
            }
            Err(CommitError::Store(error)) => {
                self.reload_connection(&connection.key);
                return Err(error.into());
            }
        }
        if is_new || connection.bytes() > before {
            self.inner.sliding.connections.keep(&connection.key, shared, connection.bytes());
        }
        Ok(true)
    }

    /// Stages the removal of the connection of the same name, and of one more if the device has too
    /// many. Returns the version of the former.
    async fn make_room(
        &self,
        key: &ConnectionKey,
        batch: &mut Batch,
    ) -> Result<Option<Position>, SyncError> {
        let snapshot = self.inner.store.snapshot().await?;
        let (user_id, device_id, _) = key;
        let range = SLIDING_CONNECTION.prefix((user_id, device_id));
        let mut others =
            snapshot.scan(&SLIDING_CONNECTION, range, PAGE, Direction::Forward).await?;
        let mut former = None;
        others.retain(|row| {
            if row.key != *key {
                return true;
            }
            stage_removal(batch, &row.key, &row.value);
            former = Some(row.version);
            false
        });
        others.sort_unstable_by_key(|row| row.version);
        let surplus = (others.len() + 1).saturating_sub(MAX_CONNECTIONS);
        for row in others.drain(..surplus) {
            stage_removal(batch, &row.key, &row.value);
            self.reload_connection(&row.key);
        }
        Ok(former)
    }

    /// Drops connections that nobody used for long.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sweep_connections(&self) -> Result<(), SyncError> {
        let now_ms = self.inner.sliding.ambient.now_ms();
        let mut range = SLIDING_CONNECTION.all();
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let rows = snapshot.scan(&SLIDING_CONNECTION, range, PAGE, Direction::Forward).await?;
            drop(snapshot);
            let Some(last) = rows.last() else { return Ok(()) };
            range = SLIDING_CONNECTION.all().after(&last.key);
            let is_unused =
                |row: &ConnectionRow| now_ms.saturating_sub(row.used_ms) > UNUSED_AFTER_MS;
            for row in rows.iter().filter(|row| is_unused(&row.value)) {
                let mut batch = Batch::new();
                batch.require(&SLIDING_CONNECTION, &row.key, Expect::Version(row.version));
                stage_removal(&mut batch, &row.key, &row.value);
                match self.inner.store.commit(batch).await {
                    // It was used after all.
                    Ok(_) | Err(CommitError::Conflict(_)) => self.reload_connection(&row.key),
                    Err(CommitError::Store(error)) => return Err(error.into()),
                }
            }
        }
    }
}

async fn load(snapshot: &Snapshot, key: &ConnectionKey) -> Result<Option<Connection>, SyncError> {
    let Some((row, version)) = snapshot.get_versioned(&SLIDING_CONNECTION, key).await? else {
        return Ok(None);
    };
    let (user_id, device_id, conn_id) = key;
    let range = SLIDING_SENT.prefix((user_id, device_id, conn_id));
    let buckets =
        snapshot.scan(&SLIDING_SENT, range, usize::from(BUCKETS), Direction::Forward).await?;
    let rooms = buckets.into_iter().flat_map(|bucket| bucket.value.rooms).collect();
    let key = key.clone();
    Ok(Some(Connection { key, row, version: Some(version), rooms, settled: None }))
}

fn stage_removal(batch: &mut Batch, key: &ConnectionKey, row: &ConnectionRow) {
    let (user_id, device_id, conn_id) = key;
    for index in (0..BUCKETS).filter(|index| row.buckets & (1 << index) != 0) {
        batch.delete(&SLIDING_SENT, (user_id, device_id, conn_id, index));
    }
    batch.delete(&SLIDING_CONNECTION, key);
}

/// The bucket that a room falls into, on every machine and in every version the same.
fn bucket(room_id: &RoomId) -> u8 {
    // FNV-1a.
    let hash = room_id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    u8::try_from((hash >> 32) % u64::from(BUCKETS)).unwrap_or_default()
}

/// The key of a connection.
pub(crate) fn connection_key(
    user_id: &UserId,
    device_id: &DeviceId,
    conn_id: Option<&str>,
) -> ConnectionKey {
    (user_id.to_owned(), device_id.to_owned(), conn_id.unwrap_or_default().to_owned())
}
