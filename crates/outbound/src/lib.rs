//! Requests that this server makes itself: to push gateways, application services, identity
//! providers, policy servers.
//!
//! Most of these addresses were written by somebody who is not the operator. So one client makes all
//! such requests: it connects to public addresses only (unless told otherwise), follows no
//! redirects, obeys no proxy of the environment, gives up after a while and reads a bounded answer.
#![forbid(unsafe_code)]

mod address;
mod backoff;
mod client;
mod config;
mod error;
mod resolver;

pub use self::{
    address::is_public,
    backoff::wait_after,
    client::Outbound,
    config::{OutboundConfig, Reach},
    error::OutboundError,
};
