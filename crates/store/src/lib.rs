//! Pli's store: one ordered log of committed batches over typed keyspaces.
//!
//! Everything Pli knows lives in [`Keyspace`]s: constant, typed, ordered tables. Reads happen on a
//! consistent [`Snapshot`]; writes are declarative [`Batch`]es with preconditions. Every committed
//! batch gets the next [`Position`] of one total order, on every engine; its writes become visible
//! together and in that order. A batch that was acknowledged survives a crash of the process and a
//! loss of power.
//!
//! Engines: `memory:` (the model for tests), `sqlite:` (the default) and `postgres:`.
#![forbid(unsafe_code)]

pub mod ambient;
mod batch;
mod codec;
pub mod derived;
mod engine;
mod error;
mod key;
mod keyspace;
mod position;
mod snapshot;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tools;

pub use self::{
    batch::{Batch, Expect, Touch},
    codec::{Counter, Record, Value},
    engine::Turn,
    error::{CodecError, CommitError, Conflict, StoreError},
    key::{AsKey, AsPrefix, Key, Stamped},
    keyspace::{Describe, Keyspace, KeyspaceInfo, Range},
    position::{Position, Stamp},
    snapshot::{Direction, Row, Snapshot},
    store::{Committed, Store},
};
