use std::path::Path;

use super::CommandError;

/// A configuration for trying Pli on one's own machine.
const LOCAL: &str = include_str!("../../../../pli.local.toml");

/// Writes a configuration for this machine; leaves one that exists alone.
pub(super) fn run(path: &Path) -> Result<(), CommandError> {
    if path.exists() {
        return Ok(());
    }
    std::fs::write(path, LOCAL).map_err(|source| CommandError::Io {
        what: format!("can't write {}", path.display()),
        source,
    })?;
    println!("Wrote {}. See pli.example.toml for all that can be set.", path.display());
    Ok(())
}
