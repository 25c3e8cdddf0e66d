use std::{path::PathBuf, time::Duration};

use pli_appservice::Registration;
use serde::Deserialize;

use super::{Config, ConfigError};

/// `[appservices]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AppServicesConfig {
    /// Registration files, each by its name or by a pattern (`folder/*.yaml`).
    pub registrations: Vec<String>,
    /// How long an application service may take to answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
}

impl Default for AppServicesConfig {
    fn default() -> Self {
        Self { registrations: Vec::new(), timeout: Duration::from_secs(60) }
    }
}

impl Config {
    /// Reads the registrations of application services.
    ///
    /// # Errors
    /// When a file is missing or unusable, or two get in each other's way; the text names the file.
    pub fn app_service_registrations(&self) -> Result<Vec<Registration>, ConfigError> {
        let mut registrations = Vec::new();
        for path in self.registration_files()? {
            let registration = Registration::load(&path, &self.server_name)?;
            registrations.push((path, registration));
        }
        pli_appservice::check_all(&registrations)?;
        Ok(registrations.into_iter().map(|(_, registration)| registration).collect())
    }

    fn registration_files(&self) -> Result<Vec<PathBuf>, ConfigError> {
        let mut files = Vec::new();
        for pattern in &self.appservices.registrations {
            // A name that is no pattern must be there; reading it says so if it isn't.
            if !pattern.contains(['*', '?', '[']) {
                files.push(PathBuf::from(pattern));
                continue;
            }
            let matches = glob::glob(pattern).map_err(|error| ConfigError::Invalid {
                path: PathBuf::from(pattern),
                message: format!("appservices.registrations: {error}"),
            })?;
            for file in matches {
                files.push(file.map_err(|error| ConfigError::Unreadable {
                    path: error.path().to_owned(),
                    source: error.into(),
                })?);
            }
        }
        Ok(files)
    }
}
