//! The command line.

mod config_check;
mod init;
mod reports;
mod serve;
mod store;
mod user;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::ConfigError;

/// Pli: the messenger that a state runs for itself.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the server in the foreground.
    Serve(ConfigFile),
    /// Write a configuration for this machine, if there is none yet.
    Init(ConfigFile),
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigAction),
    /// Look after the store. Stop the server first.
    #[command(subcommand)]
    Store(store::StoreAction),
    /// Look after people's accounts. Stop the server first.
    User(user::UserCommand),
    /// List what people reported: messages, rooms, other people.
    Reports(ConfigFile),
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    /// Check the configuration; name the key and the line of a mistake.
    Check(ConfigFile),
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file.
    #[arg(long, default_value = "pli.toml", env = "PLI_CONFIG")]
    config: PathBuf,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The configuration is unusable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store is unusable.
    #[error(transparent)]
    Store(#[from] pli_store::StoreError),
    /// An account could not be changed.
    #[error(transparent)]
    Accounts(#[from] pli_accounts::AccountsError),
    /// The server could not start.
    #[error(transparent)]
    Server(#[from] crate::server::ServerError),
    /// A file could not be written, or something like it.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Anything that a person has to put right first.
    #[error("{0}")]
    Refused(String),
}

impl Command {
    /// Does what the command line says.
    ///
    /// # Errors
    /// When it can't be done; the text says why and what to do.
    pub fn run(self) -> Result<(), CommandError> {
        match self.action {
            Action::Serve(ConfigFile { config }) => serve::run(&config),
            Action::Init(ConfigFile { config }) => init::run(&config),
            Action::Config(ConfigAction::Check(ConfigFile { config })) => {
                config_check::run(&config)
            }
            Action::Store(action) => store::run(action),
            Action::User(command) => user::run(command),
            Action::Reports(ConfigFile { config }) => reports::run(&config),
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Runtime::new()
        .map_err(|source| CommandError::Io { what: "can't start threads".to_owned(), source })
}
