//! Measures a Matrix server through the client-server API, beside what the machine can do at all.
//!
//! `pli-benches run --pli target/release/pli` starts Pli on a fresh store and measures it;
//! `--base-url` measures any other server. Machines are noisy: what counts is the server's CPU time
//! per operation, and its rate against the *floor*, a bare handler that commits one row to the same
//! engine and answers (`pli-benches floor-server`), measured in the same run.
#![forbid(unsafe_code)]

mod error;
mod floor;
mod matrix;
mod measure;
mod options;
mod process;
mod report;
mod scale;
mod scenario;
mod target;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::{error::BenchError, options::RunOptions};

/// The same allocator as Pli's, so that the floor differs in nothing but the work.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[derive(Parser)]
#[command(about = "Measures a Matrix server beside what the machine can do at all")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures a server and writes the report.
    Run(Box<RunOptions>),
    /// Serves PUT requests that commit one row each; prints its address.
    FloorServer {
        /// The store: sqlite:PATH, postgres://… or memory:
        #[arg(long)]
        store: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(options) => run(&options).await,
        Command::FloorServer { store } => floor::serve(&store).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pli-benches: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &RunOptions) -> Result<(), BenchError> {
    process::raise_open_files_limit();
    let report = scenario::run(options).await?;
    println!("{}", report.to_markdown());
    if let Some(path) = &options.markdown {
        std::fs::write(path, report.to_markdown())?;
    }
    if let Some(path) = &options.json {
        std::fs::write(path, report.to_json()?)?;
    }
    Ok(())
}
