//! The public interface of pli-events, against the specification's own examples and at random.

mod canonical;
mod client;
mod fixtures;
mod incoming;
mod limits;
mod properties;
mod redaction;
mod room_versions;
mod signing;
