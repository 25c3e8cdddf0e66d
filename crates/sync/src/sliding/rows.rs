//! What is kept of connections.

use pli_rooms::MembershipKind;
use pli_store::{Keyspace, KeyspaceInfo, Position, Record};
use ruma::{OwnedDeviceId, OwnedRoomId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::required_state::CombinedState;

/// user, device, the name that the client gave the connection.
pub(crate) type ConnectionKey = (OwnedUserId, OwnedDeviceId, String);

/// Connections.
pub const SLIDING_CONNECTION: Keyspace<ConnectionKey, ConnectionRow> =
    Keyspace::new("sliding_connection");
/// What was sent of rooms on each connection; the last part of the key is one of
/// [`BUCKETS`] that a room falls into.
pub const SLIDING_SENT: Keyspace<(OwnedUserId, OwnedDeviceId, String, u8), SentRow> =
    Keyspace::new("sliding_sent");

/// Everything above, for `pli store inspect` and `pli store check`.
pub const KEYSPACES: &[KeyspaceInfo] = &[SLIDING_CONNECTION.info(), SLIDING_SENT.info()];

/// Into how many rows a connection's rooms are divided: one change rewrites a small part of them,
/// and all of them are few rows.
pub(crate) const BUCKETS: u8 = 64;

/// A connection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// Drawn at random when the connection began.
    pub(crate) id: u64,
    /// The version of what is remembered that the last answer goes with.
    pub(crate) epoch: u64,
    /// The one before it, in case that answer never arrived.
    pub(crate) previous: u64,
    /// What was wanted of rooms' states; rooms refer to it by index.
    pub(crate) states: Vec<CombinedState>,
    /// The buckets that have a row, a bit for each.
    pub(crate) buckets: u64,
    /// About when the connection was used last, in milliseconds since the Unix epoch.
    pub(crate) used_ms: u64,
}

impl Record for ConnectionRow {}

/// Some of a connection's rooms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SentRow {
    pub(crate) rooms: Vec<(OwnedRoomId, SentVersions)>,
}

impl Record for SentRow {}

/// What was sent of a room, as of the last two epochs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SentVersions {
    /// The epoch that `now` was written for.
    pub(crate) epoch: u64,
    pub(crate) now: Option<Sent>,
    /// What held in the epochs before.
    pub(crate) before: Option<Sent>,
}

impl SentVersions {
    pub(crate) fn at(&self, epoch: u64) -> Option<&Sent> {
        if self.epoch <= epoch { self.now.as_ref() } else { self.before.as_ref() }
    }
}

/// What was sent of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sent {
    /// How far: `None`: as far as the connection's position; else the room fell out of the windows,
    /// and what happened in it after this position was not sent.
    pub(crate) paused_at: Option<Position>,
    /// The membership that the client was told.
    pub(crate) membership: MembershipKind,
    /// With which limit of the timeline.
    pub(crate) limit: u64,
    /// With which wishes about the state: the index among the connection's.
    pub(crate) state: u16,
    /// Whether it was told as a direct conversation.
    pub(crate) is_dm: bool,
}
