//! What people do with rooms, through the service's public interface.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod concurrency;
mod create;
mod forks;
mod history;
mod marks;
mod membership;
mod notes;
mod permissions;
mod policy;
mod redaction;
mod send;
mod support;
mod visibility;
