//! What people do with rooms, through the service's public interface.

mod concurrency;
mod create;
mod forks;
mod history;
mod marks;
mod membership;
mod permissions;
mod redaction;
mod send;
mod support;
mod visibility;
