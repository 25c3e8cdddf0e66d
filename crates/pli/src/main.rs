//! The `pli` command.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use pli::command::Command;

/// Memory is given back, and fragments little, over weeks of running.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Command::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pli: {error:#}");
            ExitCode::FAILURE
        }
    }
}
