//! Accounts to measure with: registered as needed, or given.

use std::{
    fmt::Write,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha1::Sha1;

use super::{Account, Matrix, text};
use crate::{error::BenchError, measure::prepare, options::RunOptions};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "a password for benchmarks only";

const REGISTER: &str = "/_matrix/client/v3/register";
const ADMIN_REGISTER: &str = "/_synapse/admin/v1/register";

/// Gives accounts away, each once.
pub(crate) struct Accounts {
    matrix: Matrix,
    source: Source,
    /// Makes names different from those of earlier runs against the same server.
    run: String,
    made: AtomicUsize,
}

enum Source {
    Dummy,
    SharedSecret(String),
    Given(Mutex<Vec<Account>>),
}

impl Accounts {
    pub(crate) fn new(matrix: Matrix, options: &RunOptions) -> Result<Self, BenchError> {
        let source = match (&options.shared_secret, &options.accounts) {
            (Some(secret), _) => Source::SharedSecret(secret.clone()),
            (None, Some(path)) => {
                let accounts = serde_json::from_slice(&std::fs::read(path)?)?;
                Source::Given(Mutex::new(accounts))
            }
            (None, None) => Source::Dummy,
        };
        let run = format!("{}-{}", std::process::id(), boot_time_ns());
        Ok(Self { matrix, source, run, made: AtomicUsize::new(0) })
    }

    /// A fresh account.
    pub(crate) async fn one(&self) -> Result<Account, BenchError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench-{}-{number}", self.run);
        match &self.source {
            Source::Dummy => self.register(&name).await,
            Source::SharedSecret(secret) => self.register_by_secret(&name, secret).await,
            Source::Given(accounts) => {
                let mut accounts =
                    accounts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                accounts.pop().ok_or_else(|| {
                    BenchError::Options("there are too few accounts: add some".to_owned())
                })
            }
        }
    }

    /// Fresh accounts.
    pub(crate) async fn many(&self, count: usize) -> Result<Vec<Account>, BenchError> {
        prepare(0..count, |_| self.one()).await
    }

    async fn register(&self, name: &str) -> Result<Account, BenchError> {
        let body = |auth: Value| json!({ "username": name, "password": PASSWORD, "auth": auth });
        let request = async |auth| {
            let body = body(auth);
            self.matrix.request(None, Method::POST, REGISTER, Some(&body)).await
        };
        let answer = match request(json!({ "type": "m.login.dummy" })).await {
            // Some servers want a session to be asked for first.
            Err(BenchError::Refused { status: StatusCode::UNAUTHORIZED, body, .. }) => {
                let challenge: Value = serde_json::from_str(&body)?;
                let session = text(&challenge, REGISTER, "session")?;
                request(json!({ "type": "m.login.dummy", "session": session })).await?
            }
            answer => answer?,
        };
        Ok(serde_json::from_value(answer)?)
    }

    async fn register_by_secret(&self, name: &str, secret: &str) -> Result<Account, BenchError> {
        let matrix = &self.matrix;
        let challenge = matrix.request(None, Method::GET, ADMIN_REGISTER, None).await?;
        let nonce = text(&challenge, ADMIN_REGISTER, "nonce")?;
        let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes())
            .map_err(|error| BenchError::Options(error.to_string()))?;
        mac.update([nonce.as_str(), name, PASSWORD, "notadmin"].join("\0").as_bytes());
        let mut hex = String::new();
        for byte in mac.finalize().into_bytes() {
            write!(hex, "{byte:02x}").unwrap_or_default();
        }
        let body = json!({
            "nonce": nonce,
            "username": name,
            "password": PASSWORD,
            "admin": false,
            "mac": hex,
        });
        let answer = matrix.request(None, Method::POST, ADMIN_REGISTER, Some(&body)).await?;
        Ok(serde_json::from_value(answer)?)
    }
}

/// Different for each run since the machine started.
fn boot_time_ns() -> String {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    uptime.split_whitespace().next().unwrap_or("0").replace('.', "")
}
