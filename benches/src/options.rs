use std::path::PathBuf;

use clap::Args;

use crate::scenario::Scenario;

/// What to measure, and where the results go.
#[derive(Args)]
pub(crate) struct RunOptions {
    /// Start this `pli` on a fresh store and measure it.
    #[arg(long, conflicts_with = "base_url", required_unless_present = "base_url")]
    pub(crate) pli: Option<PathBuf>,
    /// Measure the server at this address, for instance `http://127.0.0.1:8008`.
    #[arg(long)]
    pub(crate) base_url: Option<String>,
    /// The process of the server at --base-url, to measure its CPU time and memory.
    #[arg(long, requires = "base_url")]
    pub(crate) pid: Option<u32>,
    /// Register through /_synapse/admin/v1/register with this secret instead of `m.login.dummy`.
    #[arg(long)]
    pub(crate) shared_secret: Option<String>,
    /// Use these accounts instead of registering: a JSON array of objects with `user_id`,
    /// `device_id` and `access_token`. They should be fresh: rooms and keys are added to them.
    #[arg(long, conflicts_with = "shared_secret")]
    pub(crate) accounts: Option<PathBuf>,
    /// The store of the floor, and of a started `pli`: `sqlite` for a file in a temporary folder, or
    /// a `postgres://…` address (an empty database; the floor adds one table of its own).
    #[arg(long, default_value = "sqlite")]
    pub(crate) store: String,
    /// Only these scenarios.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Scenario>,
    /// Small numbers: shows that everything works, measures nothing worth keeping.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Write the report to this file as Markdown.
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// Write the report to this file as JSON.
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
}
