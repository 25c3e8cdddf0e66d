//! Passwords: hashing and checking with Argon2id, off the asynchronous threads and bounded in
//! parallel.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc,
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use pli_store::ambient::Ambient;
use tokio::sync::Semaphore;

use crate::{AccountsError, PasswordsConfig};

/// The greatest length of a password, in bytes.
const MAX_LENGTH: usize = 512;

/// Hashes and checks passwords.
#[derive(Clone)]
pub struct Passwords {
    ambient: Ambient,
    argon2: Argon2<'static>,
    min_length: usize,
    permits: Arc<Semaphore>,
    /// A hash that no password has, checked where there is no account, so that the answer takes as
    /// long.
    nobodys_hash: Arc<str>,
    computed: Arc<AtomicU64>,
}

impl Passwords {
    /// Passwords hashed with the configured cost.
    ///
    /// # Errors
    /// When Argon2 doesn't take these parameters.
    pub fn new(ambient: Ambient, config: &PasswordsConfig) -> Result<Self, AccountsError> {
        let memory_kib = u32::try_from(config.argon2_memory.as_u64() / 1024).unwrap_or(u32::MAX);
        let iterations = config.argon2_iterations;
        let parallelism = config.argon2_parallelism;
        let params = Params::new(memory_kib, iterations, parallelism, None)
            .map_err(|error| AccountsError::Configuration(format!("[passwords]: {error}")))?;
        let salt = STANDARD_NO_PAD.encode(ambient.random_bytes::<16>());
        let hash = STANDARD_NO_PAD.encode(ambient.random_bytes::<32>());
        let nobodys_hash =
            format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${hash}");
        let concurrent = match config.max_concurrent {
            0 => available_parallelism().map_or(1, std::num::NonZero::get),
            configured => configured,
        };
        Ok(Self {
            ambient,
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            min_length: config.min_length,
            permits: Arc::new(Semaphore::new(concurrent)),
            nobodys_hash: nobodys_hash.into(),
            computed: Arc::default(),
        })
    }

    /// How many hashes have been computed since the start.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Whether a password may be chosen.
    ///
    /// # Errors
    /// [`AccountsError::WeakPassword`], with what to do.
    pub fn check_strength(&self, password: &str) -> Result<(), AccountsError> {
        if password.chars().count() < self.min_length {
            let least = self.min_length;
            return Err(AccountsError::WeakPassword(
                format!("the password is too short: use at least {least} characters").into(),
            ));
        }
        if password.len() > MAX_LENGTH {
            return Err(AccountsError::WeakPassword(
                format!("the password is too long: use at most {MAX_LENGTH} bytes").into(),
            ));
        }
        Ok(())
    }

    /// The hash of a password in PHC form, with a new salt.
    ///
    /// # Errors
    /// When the process is shutting down.
    pub async fn hash(&self, password: &str) -> Result<String, AccountsError> {
        let salt: [u8; 16] = self.ambient.random_bytes();
        let argon2 = self.argon2.clone();
        let password = password.to_owned();
        let hash = self
            .compute(move || {
                let hash: Result<phc::PasswordHash, _> =
                    argon2.hash_password_with_salt(password.as_bytes(), &salt);
                hash.map(|hash| hash.to_string())
            })
            .await?;
        hash.map_err(|error| AccountsError::Configuration(format!("[passwords]: {error}")))
    }

    /// Whether a password is the one with this hash. Without a hash (there is no such account) the
    /// answer is no and takes as long.
    ///
    /// # Errors
    /// When the process is shutting down.
    pub async fn verify(&self, password: &str, phc: Option<&str>) -> Result<bool, AccountsError> {
        let is_somebodys = phc.is_some();
        let phc = phc.unwrap_or(&self.nobodys_hash).to_owned();
        // Longer ones can't have been chosen; hashing them would only cost.
        let fits = password.len() <= MAX_LENGTH;
        let password = if fits { password.to_owned() } else { String::new() };
        let argon2 = self.argon2.clone();
        let matches = self
            .compute(move || {
                phc::PasswordHash::new(&phc)
                    .is_ok_and(|hash| argon2.verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(matches && is_somebodys && fits)
    }

    /// Whether a hash was made with other parameters than are configured now.
    #[must_use]
    pub fn is_outdated(&self, phc: &str) -> bool {
        let Ok(hash) = phc::PasswordHash::new(phc) else { return true };
        let configured = self.argon2.params();
        Params::try_from(&hash).map_or(true, |params| {
            params.m_cost() != configured.m_cost()
                || params.t_cost() != configured.t_cost()
                || params.p_cost() != configured.p_cost()
        })
    }

    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountsError> {
        // Waiting here and not on the blocking threads: those are for everybody.
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| AccountsError::Interrupted)?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|_| AccountsError::Interrupted)
    }
}
