//! Pli's binary as a library, so that tests start the very server that operators run.
#![forbid(unsafe_code)]

pub mod command;
pub mod config;
pub mod log;
pub mod server;
mod upgrade;
mod wiring;
