//! Application services: bridges and bots that act for many users and are told what happens to them
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/)).
//!
//! - [`Registration`] is what the operator says about a service.
//! - [`AppServices`] knows them all: who may act for whom, whose names are whose, and how to ask a
//!   service something.
//! - [`Courier`] reads the log for each service and brings it what it is interested in, in order,
//!   until the service has taken it.
#![forbid(unsafe_code)]

mod courier;
mod error;
mod namespace;
mod query;
mod registration;
mod rooms_list;
mod services;
mod state;
mod third_party;
mod transport;

use pli_store::KeyspaceInfo;

pub use self::{
    courier::Courier,
    error::AppServiceError,
    namespace::Namespace,
    registration::{InvalidRegistration, Registration, check_all},
    rooms_list::Network,
    services::{AppServices, AppServicesParts},
};

/// Every keyspace that this crate owns, for `pli store inspect` and `pli store check`.
pub const KEYSPACES: &[KeyspaceInfo] =
    &[state::SERVICE_STATE.info(), rooms_list::SERVICE_ROOMS.info()];
