//! The record of the requests that tests made.
//!
//! A test process appends a line for each answer to a file of its own in the folder that
//! [`FOLDER_VARIABLE`] names; without it nothing is recorded.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::openapi::{OpenApi, Request};

/// The environment variable with the folder that calls are recorded in.
pub const FOLDER_VARIABLE: &str = "API_CALLS_DIR";

/// A request that a test made, and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The operation.
    pub operation: String,
    /// The test.
    pub test: String,
    /// The answer's status.
    pub status: u16,
}

/// Which tests called each operation, and with which statuses they were answered.
pub type Calls = BTreeMap<String, BTreeMap<String, BTreeSet<u16>>>;

/// Notes a request, if calls are recorded.
///
/// # Errors
/// When the file can't be written.
pub fn record(test: &str, request: Request<'_>, status: u16) -> std::io::Result<()> {
    let Some(folder) = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from) else { return Ok(()) };
    let Some(operation) = OpenApi::bundled().operation_of(request) else { return Ok(()) };
    std::fs::create_dir_all(&folder)?;
    let call = Call { operation: operation.id.clone(), test: test.to_owned(), status };
    let mut line = serde_json::to_vec(&call)?;
    line.push(b'\n');
    let path = folder.join(format!("{}.jsonl", std::process::id()));
    // One write for a line: tests of one process run side by side.
    std::fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)
}

/// What the tests recorded in a folder.
///
/// # Errors
/// When the folder or a line can't be read.
pub fn read(folder: &Path) -> std::io::Result<Calls> {
    let mut calls = Calls::new();
    for entry in std::fs::read_dir(folder)? {
        for line in std::fs::read_to_string(entry?.path())?.lines() {
            let call: Call = serde_json::from_str(line)?;
            let statuses = calls.entry(call.operation).or_default().entry(call.test).or_default();
            statuses.insert(call.status);
        }
    }
    Ok(calls)
}
