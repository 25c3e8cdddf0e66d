//! The keyspaces of published keys, and what their rows hold.

use std::collections::BTreeMap;

use pli_store::{Keyspace, KeyspaceInfo, Record};
use ruma::{OwnedDeviceId, OwnedUserId};
use serde::{Deserialize, Serialize};

use super::signed::SignedObject;

/// The identity keys of each device.
pub(crate) const DEVICE_KEYS: Keyspace<(OwnedUserId, OwnedDeviceId), SignedObject> =
    Keyspace::new("device_keys");

/// Each user's cross-signing keys, by [`CrossSigningUsage`].
pub(crate) const CROSS_SIGNING_KEYS: Keyspace<(OwnedUserId, u8), SignedObject> =
    Keyspace::new("cross_signing_keys");

/// The signatures that a user (first part) made on another user's (second part) master key.
pub(crate) const USER_SIGNATURES: Keyspace<(OwnedUserId, OwnedUserId), UserSignature> =
    Keyspace::new("user_signatures");

/// What is held for each device: queues of one-time keys, and fallback keys. Every change of a
/// device's one-time or fallback keys requires and rewrites this row, so that they happen one after
/// the other.
pub(crate) const ONE_TIME_KEY_STATUS: Keyspace<(OwnedUserId, OwnedDeviceId), OneTimeKeyStatus> =
    Keyspace::new("one_time_key_status");

/// Unclaimed one-time keys: user, device, algorithm, and the chunk's number in upload order.
pub(crate) const ONE_TIME_KEYS: Keyspace<(OwnedUserId, OwnedDeviceId, String, u64), Chunk> =
    Keyspace::new("one_time_keys");

/// One-time keys that were given away, by key id: they must not be taken a second time when a
/// client repeats an upload whose answer it lost. Those of a device's first chunk are still in there
/// ([`Queue::taken`]).
pub(crate) const CLAIMED_ONE_TIME_KEYS: Keyspace<
    (OwnedUserId, OwnedDeviceId, String),
    ClaimedDigest,
> = Keyspace::new("claimed_one_time_keys");

/// The fallback key of each device and algorithm.
pub(crate) const FALLBACK_KEYS: Keyspace<(OwnedUserId, OwnedDeviceId, String), HeldKey> =
    Keyspace::new("fallback_keys");

/// What this module keeps, for `pli store inspect`.
pub const KEYSPACES: &[KeyspaceInfo] = &[
    DEVICE_KEYS.info(),
    CROSS_SIGNING_KEYS.info(),
    USER_SIGNATURES.info(),
    ONE_TIME_KEY_STATUS.info(),
    ONE_TIME_KEYS.info(),
    CLAIMED_ONE_TIME_KEYS.info(),
    FALLBACK_KEYS.info(),
];

/// What a cross-signing key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CrossSigningUsage {
    /// Signs the other two keys: who has it verified trusts the user.
    Master = 0,
    /// Signs the user's own devices.
    SelfSigning = 1,
    /// Signs other users' master keys.
    UserSigning = 2,
}

impl CrossSigningUsage {
    /// All usages, in the order of their rows.
    pub const ALL: [Self; 3] = [Self::Master, Self::SelfSigning, Self::UserSigning];

    /// The second part of the row's key.
    pub(crate) const fn index(self) -> u8 {
        self as u8
    }

    /// The name in the key's `usage`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::SelfSigning => "self_signing",
            Self::UserSigning => "user_signing",
        }
    }
}

/// A one-time or fallback key as its device uploaded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeldKey {
    /// `algorithm:key_id`.
    pub(crate) id: String,
    /// The key's JSON, unchanged.
    pub(crate) json: String,
}

impl Record for HeldKey {}

/// A few one-time keys of one upload. Keys of one upload have no order among themselves, so a row
/// can hold several. It is written once: what was given away is counted in [`Queue::taken`], so that
/// a claim rewrites nothing but the device's status, until it takes the chunk's last key.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Chunk {
    /// In the order in which they are given, never empty.
    pub(crate) keys: Vec<HeldKey>,
}

impl Record for Chunk {}

/// How many keys a new [`Chunk`] holds at most: so few that the row of usual keys fits into a quarter
/// of a database page.
pub(crate) const CHUNK_SIZE: usize = 7;

/// A device's queues of one-time keys and its fallback keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OneTimeKeyStatus {
    /// The queue of each algorithm.
    pub(crate) queues: BTreeMap<String, Queue>,
    /// The algorithms that have a fallback key, and whether it was given away.
    pub(crate) fallback_used: BTreeMap<String, bool>,
    /// Whether any one-time key was ever given away since the device's identity keys are what they
    /// are: as long as it is false, an upload needs no look at [`CLAIMED_ONE_TIME_KEYS`].
    pub(crate) ever_claimed: bool,
}

impl Record for OneTimeKeyStatus {}

/// The chunks `first..next` hold `count` unclaimed keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Queue {
    /// The oldest chunk.
    pub(crate) first: u64,
    /// How many keys of the oldest chunk, from its start, were given away.
    #[serde(default)]
    pub(crate) taken: usize,
    /// The number of the chunk that will be written next.
    pub(crate) next: u64,
    /// How many keys of all chunks together were not given away.
    pub(crate) count: u64,
}

/// The SHA-256 of a claimed key's canonical JSON without signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClaimedDigest(pub(crate) [u8; 32]);

impl Record for ClaimedDigest {}

/// A user's signatures on another user's master key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserSignature {
    /// The master key that was signed: with another one the signatures mean nothing.
    pub(crate) master_key: String,
    /// By key id (`ed25519:…`) of the signer's user-signing key.
    pub(crate) signatures: BTreeMap<String, String>,
    /// The index of the row's entry in the stream of signatures; its position is the row's version.
    pub(crate) index: u16,
}

impl Record for UserSignature {}
