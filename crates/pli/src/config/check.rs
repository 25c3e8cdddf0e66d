use std::path::Path;

use super::{Config, ConfigError};

/// Checks the text of a configuration file by itself: every key known, every value of its form.
///
/// # Errors
/// [`ConfigError::Invalid`], whose text shows the line and names the key.
pub fn check(path: &Path, text: &str) -> Result<(), ConfigError> {
    match toml::from_str::<Config>(text) {
        Ok(_) => Ok(()),
        // A required key may come from the environment instead: merging reports it if it doesn't.
        Err(error) if error.message().starts_with("missing field") => Ok(()),
        Err(error) => {
            Err(ConfigError::Invalid { path: path.to_owned(), message: error.to_string() })
        }
    }
}
