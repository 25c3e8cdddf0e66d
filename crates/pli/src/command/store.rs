use clap::Subcommand;

use super::CommandError;

/// `pli store …`
#[derive(Debug, Subcommand)]
pub(super) enum StoreAction {}

pub(super) fn run(action: StoreAction) -> Result<(), CommandError> {
    match action {}
}
