//! Application services: bridges and bots, played by a web server of the test's own.

mod acting;
mod bridge;
mod configuration;
mod devices;
mod encryption;
mod lists;
mod questions;
mod transactions;
