//! What the store promises, on every engine.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod batches;
mod damaged;
mod derived;
mod engines;
mod full_disk;
mod keys;
mod kill;
mod model;
mod snapshots;
mod tools;
mod two_nodes;
