//! What the project checks about itself.
//!
//! [`openapi`] is the specification of the client-server API as data, which tests hold their answers
//! against; [`calls`] is the record of what the tests called; [`compliance`] makes the table in
//! `docs/compliance.md` from both.
#![forbid(unsafe_code)]

pub mod calls;
pub mod compliance;
pub mod openapi;
