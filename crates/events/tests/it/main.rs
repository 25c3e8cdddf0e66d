//! The public interface of pli-events, against the specification's own examples and at random.
#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is a failed test")]

mod canonical;
mod client;
mod fixtures;
mod incoming;
mod limits;
mod properties;
mod redaction;
mod room_versions;
mod signing;
