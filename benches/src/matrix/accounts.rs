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

use super::{Account, Matrix, encode, text};
use crate::{error::BenchError, measure::prepare, options::RunOptions, target::SHARED_SECRET};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "a password for benchmarks only";

const REGISTER: &str = "/_matrix/client/v3/register";
const ADMIN_REGISTER: &str = "/_synapse/admin/v1/register";

/// Gives accounts away, each once.
pub(crate) struct Accounts {
    matrix: Matrix,
    source: Source,
    /// The secret by which the server registers people whom nobody signs in.
    secret: Option<String>,
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
        let secret = options.shared_secret.clone();
        let secret = secret.or_else(|| options.pli.is_some().then(|| SHARED_SECRET.to_owned()));
        Ok(Self { matrix, source, secret, run, made: AtomicUsize::new(0) })
    }

    /// A fresh account.
    pub(crate) async fn one(&self) -> Result<Account, BenchError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let name = format!("bench-{}-{number}", self.run);
        match &self.source {
            Source::Dummy => self.register(&name).await,
            Source::SharedSecret(secret) => {
                let answer = self.register_by_secret(&name, secret, None).await?;
                Ok(serde_json::from_value(answer)?)
            }
            Source::Given(accounts) => {
                let mut accounts =
                    accounts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                accounts.pop().ok_or_else(|| {
                    BenchError::Options("there are too few accounts: add some".to_owned())
                })
            }
        }
    }

    /// Fresh accounts that only have to be found, one for each name.
    pub(crate) async fn named(&self, names: &[String]) -> Result<(), BenchError> {
        let number = self.made.fetch_add(names.len(), Ordering::Relaxed);
        prepare(names.iter().enumerate(), async |(index, display_name)| {
            // People's names are part of their user ids, where there are such ids at all.
            let name = name_part(display_name);
            let name = format!("{name}-{}-{}", self.run, number + index);
            match (&self.secret, &self.source) {
                (Some(secret), _) => {
                    self.register_by_secret(&name, secret, Some(display_name)).await.map(drop)
                }
                (None, Source::Dummy) => {
                    let account = self.register(&name).await?;
                    let user_id = encode(&account.user_id);
                    let path = format!("/_matrix/client/v3/profile/{user_id}/displayname");
                    let body = json!({ "displayname": display_name });
                    self.matrix.do_request(&account, Method::PUT, &path, Some(&body)).await
                }
                (None, _) => Err(BenchError::Options(
                    "people to be found can't be given: leave out --accounts or this scenario"
                        .to_owned(),
                )),
            }
        })
        .await
        .map(drop)
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

    /// The answer to a registration by the shared secret. With a display name nobody is signed in.
    async fn register_by_secret(
        &self,
        name: &str,
        secret: &str,
        display_name: Option<&str>,
    ) -> Result<Value, BenchError> {
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
            "displayname": display_name,
            "inhibit_login": display_name.is_some(),
            "mac": hex,
        });
        matrix.request(None, Method::POST, ADMIN_REGISTER, Some(&body)).await
    }
}

/// What of a person's name a user id can hold.
fn name_part(display_name: &str) -> String {
    let name = display_name.split('[').next().unwrap_or_default().trim();
    let plain = |letter: char| match letter {
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'à' | 'â' => 'a',
        'î' | 'ï' => 'i',
        'ô' => 'o',
        'ç' => 'c',
        letter if letter.is_ascii_alphanumeric() || letter == '-' => letter,
        _ => '.',
    };
    name.to_lowercase().chars().map(plain).collect()
}

/// Different for each run since the machine started.
fn boot_time_ns() -> String {
    let uptime = std::fs::read_to_string("/proc/uptime").unwrap_or_default();
    uptime.split_whitespace().next().unwrap_or("0").replace('.', "")
}
