//! What is measured. Each scenario makes its own people and rooms, then measures.

mod account;
mod directory;
mod fan_out;
mod idle;
mod join;
mod keys;
mod media;
mod messages;
mod relations;
mod rooms;
mod search;
mod send;
mod sliding_sync;
mod sync;
mod to_device;

use clap::ValueEnum;
use reqwest::header::{ACCEPT_ENCODING, HeaderValue};
use tempfile::TempDir;

use crate::{
    error::BenchError,
    floor::Floor,
    matrix::{Accounts, Matrix},
    options::RunOptions,
    report::{Report, Row},
    scale::Scale,
    target::{Passwords, Target},
};

/// A scenario's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scenario {
    /// Register and log in, passwords hashed as configured.
    Account,
    /// Send 1 KiB events.
    Send,
    /// Deliver to members who wait.
    FanOut,
    /// Initial and empty incremental sync.
    Sync,
    /// First answers of sliding sync.
    SlidingSync,
    /// Upload, claim and query keys.
    Keys,
    /// Messages from device to device.
    ToDevice,
    /// Create rooms.
    Rooms,
    /// Join one after the other.
    Join,
    /// Page back.
    Messages,
    /// Page through reactions, threads and their replies.
    Relations,
    /// Search for words.
    Search,
    /// Search for people among very many.
    Directory,
    /// Upload and download 1 MiB.
    Media,
    /// Memory of an idle server and of waiting long-polls.
    Idle,
}

/// What scenarios work with.
pub(crate) struct Context {
    pub(crate) matrix: Matrix,
    pub(crate) accounts: Accounts,
    pub(crate) pid: Option<u32>,
    pub(crate) scale: Scale,
    pub(crate) floor: Floor,
    pub(crate) rows: Vec<Row>,
}

/// Runs the scenarios that the options name, one after the other.
pub(crate) async fn run(options: &RunOptions) -> Result<Report, BenchError> {
    let http = reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(usize::MAX)
        // Whether answers are compressed must not depend on how this program was built.
        .default_headers(
            [(ACCEPT_ENCODING, HeaderValue::from_static("identity"))].into_iter().collect(),
        )
        .timeout(std::time::Duration::from_secs(300))
        .build()?;
    let folder = tempfile::tempdir()?;
    let scale = if options.quick { Scale::QUICK } else { Scale::FULL };
    let floor =
        Floor::start(&floor_store(options, &folder), http.clone(), scale.floor_rows).await?;
    let wanted = |scenario| options.only.is_empty() || options.only.contains(&scenario);

    let mut rows = Vec::new();
    // Passwords are hashed slowly for the one scenario that is about them.
    if wanted(Scenario::Account) && options.accounts.is_none() {
        let target = Target::open(options, &http, Passwords::AsConfigured).await?;
        rows.extend(account::measure(options, &target, &http, &scale).await?);
        target.close().await;
    }

    let mut target = Target::open(options, &http, Passwords::Quick).await?;
    let server = target.base_url.clone();
    let mut context = context(options, &target, &http, scale, floor)?;
    context.rows = rows;
    // Memory first: later scenarios leave caches behind.
    let scenarios = [
        Scenario::Idle,
        Scenario::Send,
        Scenario::FanOut,
        Scenario::Sync,
        Scenario::SlidingSync,
        Scenario::Keys,
        Scenario::ToDevice,
        Scenario::Rooms,
        Scenario::Join,
        Scenario::Messages,
        Scenario::Relations,
        Scenario::Search,
        Scenario::Directory,
        Scenario::Media,
    ];
    for scenario in scenarios.into_iter().filter(|scenario| wanted(*scenario)) {
        eprintln!("measuring: {scenario:?}");
        context.run(scenario).await?;
        // Each scenario on a fresh server, where it can be had: none pays for another's rows.
        if options.pli.is_some() {
            target.close().await;
            target = Target::open(options, &http, Passwords::Quick).await?;
            context.move_to(options, &target, &http)?;
        }
    }
    let Context { floor, rows, .. } = context;
    floor.stop().await;
    target.close().await;
    let server = match &options.pli {
        Some(path) => format!("{} on {}", path.display(), store_kind(&options.store)),
        None => server,
    };
    Ok(Report { server, quick: options.quick, rows })
}

fn context(
    options: &RunOptions,
    target: &Target,
    http: &reqwest::Client,
    scale: Scale,
    floor: Floor,
) -> Result<Context, BenchError> {
    let matrix = Matrix { base_url: target.base_url.clone(), http: http.clone() };
    let accounts = Accounts::new(matrix.clone(), options)?;
    Ok(Context { matrix, accounts, pid: target.pid, scale, floor, rows: Vec::new() })
}

impl Context {
    fn move_to(
        &mut self,
        options: &RunOptions,
        target: &Target,
        http: &reqwest::Client,
    ) -> Result<(), BenchError> {
        self.matrix = Matrix { base_url: target.base_url.clone(), http: http.clone() };
        self.accounts = Accounts::new(self.matrix.clone(), options)?;
        self.pid = target.pid;
        Ok(())
    }

    async fn run(&mut self, scenario: Scenario) -> Result<(), BenchError> {
        match scenario {
            // Needs a server of its own, so it comes before the others.
            Scenario::Account => Ok(()),
            Scenario::Send => send::measure(self).await,
            Scenario::FanOut => fan_out::measure(self).await,
            Scenario::Sync => sync::measure(self).await,
            Scenario::SlidingSync => sliding_sync::measure(self).await,
            Scenario::Keys => keys::measure(self).await,
            Scenario::ToDevice => to_device::measure(self).await,
            Scenario::Rooms => rooms::measure(self).await,
            Scenario::Join => join::measure(self).await,
            Scenario::Messages => messages::measure(self).await,
            Scenario::Relations => relations::measure(self).await,
            Scenario::Search => search::measure(self).await,
            Scenario::Directory => directory::measure(self).await,
            Scenario::Media => media::measure(self).await,
            Scenario::Idle => idle::measure(self).await,
        }
    }

    /// Adds a line with the floor for as many writers beside it.
    async fn add(&mut self, row: Row, writers: usize) -> Result<(), BenchError> {
        let floor = self.floor.with_writers(writers).await?;
        self.rows.push(row.floor(&floor));
        Ok(())
    }
}

fn floor_store(options: &RunOptions, folder: &TempDir) -> String {
    match options.store.as_str() {
        "sqlite" => format!("sqlite:{}/floor.db", folder.path().display()),
        address => address.to_owned(),
    }
}

/// The kind of store, without the password that its address may hold.
fn store_kind(store: &str) -> &str {
    store.split(':').next().unwrap_or(store)
}
