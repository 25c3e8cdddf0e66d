//! `make demo`: a Pli that people already talk in.
#![forbid(unsafe_code)]

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use pli_e2e::demo::{self, Demo};

/// Starts a Pli with five people, a conversation, a group of thirty and a few hundred messages.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where the demo's data lives; made at the first start. Remove it to begin afresh.
    #[arg(long, default_value = "data-demo")]
    data: PathBuf,
    /// The port of loopback to listen on.
    #[arg(long, default_value_t = 8008)]
    port: u16,
}

fn main() -> ExitCode {
    let Arguments { data, port } = Arguments::parse();
    let done = tokio::runtime::Runtime::new()
        .map_err(|error| demo::DemoError::io("can't start threads", error))
        .and_then(|runtime| runtime.block_on(Demo { data, port }.run()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pli-demo: {error}");
            ExitCode::FAILURE
        }
    }
}
