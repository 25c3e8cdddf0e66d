//! The JSON of backup versions. `auth_data` is signed by clients, so it passes through unchanged.

use axum::Json;
use pli_accounts::{backup::BackupInfo, keys::RawJson};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::MatrixError;

/// What a client sends to create or update a version.
#[derive(Deserialize)]
pub(super) struct VersionBody {
    pub(super) algorithm: String,
    auth_data: Box<RawValue>,
    #[serde(default)]
    pub(super) version: Option<String>,
}

impl VersionBody {
    pub(super) fn parse(json: &str) -> Result<Self, MatrixError> {
        Ok(serde_json::from_str(json)?)
    }

    pub(super) fn auth_data(&self) -> RawJson {
        RawJson::new(self.auth_data.clone())
    }
}

/// A version as clients get it.
#[derive(Serialize)]
pub(in crate::client) struct VersionAnswer {
    version: String,
    algorithm: String,
    auth_data: RawJson,
    count: u64,
    etag: String,
}

impl From<BackupInfo> for VersionAnswer {
    fn from(info: BackupInfo) -> Self {
        let BackupInfo { version, algorithm, auth_data, status } = info;
        Self { version, algorithm, auth_data, count: status.count, etag: status.etag }
    }
}

pub(super) type VersionReply = Result<Json<VersionAnswer>, MatrixError>;
