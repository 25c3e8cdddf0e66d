use std::path::Path;

use super::CommandError;
use crate::config::Config;

pub(super) fn run(path: &Path) -> Result<(), CommandError> {
    let config = Config::load(path)?;
    config.app_service_registrations()?;
    println!("{}: in order; server name {}", path.display(), config.server_name);
    Ok(())
}
