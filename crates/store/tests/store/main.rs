//! What the store promises, on every engine.

mod batches;
mod damaged;
mod engines;
mod full_disk;
mod keys;
mod kill;
mod model;
mod snapshots;
mod tools;
mod two_nodes;
