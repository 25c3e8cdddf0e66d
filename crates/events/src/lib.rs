//! Matrix events as servers exchange and keep them (PDUs): canonical JSON, hashes, signatures,
//! identifiers, size limits and the forms that clients see.
//!
//! Thin over ruma, pure: no I/O, no clock, no randomness but what is passed in.
//!
//! - [`Pdu`]: an immutable event, cheap to clone.
//! - [`PduTemplate`]: what a new event says; [`PduTemplate::build`] hashes and signs it.
//! - [`IncomingPdu`]: an event from another server, until its signatures are checked.
//! - [`ClientEvent`], [`StrippedStateEvent`]: an event as clients receive it.
//! - [`SigningKey`]: the server's key.
//!
//! Room versions 2 to 12 are supported. Canonical JSON is enforced in all of them, also in those
//! before 6, which only recommend it.
#![forbid(unsafe_code)]

mod auth;
mod canonical;
mod client;
mod error;
mod incoming;
mod key;
mod limits;
mod pdu;
mod policy;
mod redact;
mod room_version;
mod sticky;
mod template;

pub use self::{
    auth::{auth_event_types, select_auth_events},
    canonical::{canonical_object, canonical_string},
    client::{ClientEvent, StrippedStateEvent},
    error::EventError,
    incoming::{IncomingPdu, Received},
    key::{SigningKey, sign_json},
    limits::{MAX_AUTH_EVENTS, MAX_DEPTH, MAX_FIELD_BYTES, MAX_PDU_BYTES, MAX_PREV_EVENTS},
    pdu::Pdu,
    redact::redact_object,
    room_version::{SUPPORTED_ROOM_VERSIONS, room_version_rules},
    template::{EarlyFormat, PduTemplate, hash_and_sign_event},
};
