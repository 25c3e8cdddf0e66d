//! A Pli that people already talk in: what `make demo` starts.
//!
//! Everything in it was made as people make it: accounts by a mailed code, keys and messages by
//! clients (the Matrix Rust SDK) that only then forgot them. The server holds nothing that it could
//! read.

mod client;
mod mailbox;
mod people;
mod picture;
mod script;
mod seed;

use std::path::{Path, PathBuf};

use pli::{
    config::Config,
    server::{Server, ServerError},
};
use pli_store::ambient::Ambient;
use tokio::signal::unix::{SignalKind, signal};

use self::people::{PASSWORD, RESIDENTS};

/// Why the demo could not start.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A client was refused something.
    #[error("a client of the demo failed: {0}")]
    Client(Box<matrix_sdk::Error>),
    /// A client could not enable recovery.
    #[error("a recovery code of the demo could not be set up: {0}")]
    Recovery(#[from] matrix_sdk::encryption::recovery::RecoveryError),
    /// The server could not start.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Something else that has to be put right.
    #[error("{0}")]
    Unexpected(String),
}

impl DemoError {
    /// The system refused `what`.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    fn unexpected(error: impl std::fmt::Display) -> Self {
        Self::Unexpected(error.to_string())
    }
}

impl From<matrix_sdk::Error> for DemoError {
    fn from(error: matrix_sdk::Error) -> Self {
        Self::Client(Box::new(error))
    }
}

impl From<matrix_sdk::HttpError> for DemoError {
    fn from(error: matrix_sdk::HttpError) -> Self {
        Self::Client(Box::new(error.into()))
    }
}

/// A demo to start.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Where its data lives.
    pub data: PathBuf,
    /// The port of loopback to listen on.
    pub port: u16,
}

impl Demo {
    /// Makes what is missing, says who to sign in as, and serves until SIGTERM or Ctrl-C.
    ///
    /// # Errors
    /// When the data can't be made or the server can't start; the text says why.
    pub async fn run(&self) -> Result<(), DemoError> {
        // Also while the data is being made: what is half made is thrown away at the next start.
        let mut terminate = signal(SignalKind::terminate())
            .map_err(|error| DemoError::io("can't listen to signals", error))?;
        tokio::select! {
            made = self.make_data() => made?,
            _ = terminate.recv() => return Ok(()),
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
        let server = Server::start(config(&self.data, self.port, true)?).await?;
        introduce(&format!("http://localhost:{}", server.client_address().port()));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        server.stop().await;
        Ok(())
    }

    /// Makes the demo's data if it isn't there: beside its place first, so that it is whole or absent.
    async fn make_data(&self) -> Result<(), DemoError> {
        if self.data.exists() {
            return Ok(());
        }
        println!("Making the demo's people and messages in {}: a minute …", self.data.display());
        let unfinished = self.data.with_extension("unfinished");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished)
                .map_err(|error| DemoError::io("can't clean up the last attempt", error))?;
        }
        seed::seed(&unfinished).await?;
        std::fs::rename(&unfinished, &self.data)
            .map_err(|error| DemoError::io("can't keep the demo's data", error))
    }
}

/// The demo's configuration. While its own clients write, nothing is limited and passwords are hashed
/// cheaply: the first sign-in hashes them again as they should be.
fn config(data: &Path, port: u16, is_open: bool) -> Result<Config, DemoError> {
    let data = data.to_str().ok_or_else(|| {
        DemoError::Unexpected(format!(
            "{} can't be written as text: choose another",
            data.display()
        ))
    })?;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let (argon2_memory, argon2_iterations) = if is_open { ("64 MiB", 3) } else { ("64 KiB", 1) };
    let text = format!(
        "server_name = \"pli.localhost\"\n\
         public_url = \"http://localhost:{port}\"\n\
         data_dir = {}\n\
         listen.client = \"127.0.0.1:{port}\"\n\
         listen.admin = \"127.0.0.1:0\"\n\
         rate_limits.enabled = {is_open}\n\
         passwords.argon2_memory = \"{argon2_memory}\"\n\
         passwords.argon2_iterations = {argon2_iterations}\n\
         registration.mode = \"email\"\n\
         registration.domains = [\"interieur.example\", \"justice.example\"]\n\
         registration.organisations.\"interieur.example\" = \"Intérieur\"\n\
         registration.organisations.\"justice.example\" = \"Justice\"\n\
         mail.url = {}\n\
         mail.from = \"Pli <ne-pas-repondre@interieur.example>\"\n",
        quoted(data),
        quoted(&format!("outbox:{data}/outbox")),
    );
    toml::from_str(&text).map_err(DemoError::unexpected)
}

/// Starts a server on the demo's data, with a clock of its own, for the demo's clients alone.
async fn start_for_clients(data: &Path, ambient: Ambient) -> Result<Server, DemoError> {
    Ok(Server::start_with(config(data, 0, false)?, ambient).await?)
}

fn introduce(url: &str) {
    println!("\n  Pli is ready: open {url}\n");
    println!("  Sign in as one of these, password \"{PASSWORD}\", then the twelve words:\n");
    for resident in &RESIDENTS {
        println!("    {:<15} {}", resident.name, resident.email);
        println!("    {:<15} {}\n", "", resident.recovery_code);
    }
    println!("  Mails come as files into the data's outbox. Ctrl-C stops.");
}
