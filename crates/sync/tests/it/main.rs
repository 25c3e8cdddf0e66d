//! `/sync` from below HTTP: what the notifier knows, whom it wakes, and what forks do.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod forks;
mod notifier;
mod recent;
mod support;
