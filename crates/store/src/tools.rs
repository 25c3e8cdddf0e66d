//! What an operator does with a whole store, on any engine: look into it, check it, move it.
//!
//! These functions know keyspaces by their names alone. What their rows mean, the crates that own
//! them say in their catalogues of [`KeyspaceInfo`](crate::KeyspaceInfo).

mod check;
mod copy;
mod rows;

pub use self::{
    check::{CheckReport, Problem, check},
    copy::{Copied, CopyError, copy},
    rows::{KeyspaceSize, RawRow, RawRows},
};
