//! What the store promises, on every engine.

mod batches;
mod engines;
mod snapshots;
