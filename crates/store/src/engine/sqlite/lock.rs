use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
};

use super::connection::Database;
use crate::error::StoreError;

/// Keeps a second process from writing the same file.
///
/// An advisory lock on a file beside the store: the operating system releases it however the process
/// ends, so that a file left behind by a crash is no obstacle. SQLite's own locks would not do: two
/// processes could take turns writing, and each would believe that it alone gives out positions.
pub(super) struct FileLock {
    _file: File,
}

impl FileLock {
    pub(super) fn take(database: &Database) -> Result<Self, StoreError> {
        let path = database.beside("lock");
        let failed = |error: std::io::Error| {
            StoreError::Engine(format!("can't lock {}: {error}", path.display()))
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only to name the other process: the lock itself has already decided.
                let _ = file.read_to_string(&mut holder);
                let holder = holder.trim();
                let holder = if holder.is_empty() { String::new() } else { format!(" ({holder})") };
                let path = database.path().display().to_string();
                return Err(StoreError::InUse { path, holder });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }

        // Only to name this process to another one; the lock holds without it, on a full disk too.
        let _ = file.set_len(0);
        let _ = file.rewind();
        let _ = writeln!(file, "{}", std::process::id());
        Ok(Self { _file: file })
    }
}
