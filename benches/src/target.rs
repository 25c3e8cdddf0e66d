//! The server that is measured.

use std::{net::TcpListener, path::Path, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{error::BenchError, options::RunOptions, process};

/// How often a starting server is asked whether it answers, and how long to wait in between.
const START_ATTEMPTS: u32 = 300;
const START_INTERVAL: Duration = Duration::from_millis(100);

/// The shared secret of a started Pli.
pub(crate) const SHARED_SECRET: &str = "a secret for benchmarks only";

/// How a started Pli hashes passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passwords {
    /// As for real.
    AsConfigured,
    /// Quickly, so that a thousand accounts don't take minutes: for all that isn't about passwords.
    Quick,
}

/// A server to measure.
pub(crate) struct Target {
    pub(crate) base_url: String,
    pub(crate) pid: Option<u32>,
    /// A server that was started from here, with its data.
    started: Option<(Child, TempDir)>,
}

impl Target {
    /// The server that the options name: given, or started on a fresh store.
    pub(crate) async fn open(
        options: &RunOptions,
        http: &reqwest::Client,
        passwords: Passwords,
    ) -> Result<Self, BenchError> {
        if let Some(base_url) = &options.base_url {
            let base_url = base_url.trim_end_matches('/').to_owned();
            return Ok(Self { base_url, pid: options.pid, started: None });
        }
        let pli = options.pli.as_deref().ok_or_else(|| {
            BenchError::Options("say what to measure: --pli PATH or --base-url URL".to_owned())
        })?;
        start(pli, &options.store, http, passwords).await
    }

    pub(crate) async fn close(self) {
        if let Some((child, folder)) = self.started {
            process::stop(child).await;
            drop(folder);
        }
    }
}

async fn start(
    pli: &Path,
    store: &str,
    http: &reqwest::Client,
    passwords: Passwords,
) -> Result<Target, BenchError> {
    let folder = tempfile::tempdir()?;
    let address = free_address()?;
    let data = folder.path().display();
    let store = match store {
        "sqlite" => format!("sqlite:{data}/pli.db"),
        address => address.to_owned(),
    };
    let passwords = match passwords {
        Passwords::AsConfigured => "",
        Passwords::Quick => {
            "passwords.argon2_memory = \"64 KiB\"\npasswords.argon2_iterations = 1\n"
        }
    };
    let config = format!(
        "server_name = \"bench.example\"\n\
         public_url = \"http://{address}\"\n\
         data_dir = \"{data}\"\n\
         listen.client = \"{address}\"\n\
         listen.admin = \"127.0.0.1:0\"\n\
         store.url = \"{store}\"\n\
         registration.mode = \"open\"\n\
         registration.shared_secret = \"{SHARED_SECRET}\"\n\
         rate_limits.enabled = false\n\
         {passwords}"
    );
    let config_path = folder.path().join("pli.toml");
    std::fs::write(&config_path, config)?;
    let log = std::fs::File::create(folder.path().join("pli.log"))?;
    let child = Command::new(pli)
        .args(["serve", "--config"])
        .arg(&config_path)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::from(log.try_clone()?))
        .stderr(Stdio::from(log))
        .kill_on_drop(true)
        .spawn()?;
    let base_url = format!("http://{address}");
    let pid = child.id();
    let answers = wait_until_it_answers(&base_url, http).await;
    if answers.is_err() {
        eprintln!("{}", std::fs::read_to_string(folder.path().join("pli.log")).unwrap_or_default());
    }
    answers?;
    Ok(Target { base_url, pid, started: Some((child, folder)) })
}

fn free_address() -> Result<std::net::SocketAddr, BenchError> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

async fn wait_until_it_answers(base_url: &str, http: &reqwest::Client) -> Result<(), BenchError> {
    let url = format!("{base_url}/_matrix/client/versions");
    for _ in 0..START_ATTEMPTS {
        if http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(START_INTERVAL).await;
    }
    Err(BenchError::NotStarted(format!("the server at {base_url}")))
}
