use std::{
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig};

use crate::{
    Position,
    engine::{FORMAT, refuse_unfinished_copy},
    error::StoreError,
};

/// The engine's own table. No keyspace can have this name.
const CREATE_META: &str = "
    CREATE TABLE IF NOT EXISTS _meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO _meta(name, value) VALUES ('format', 1), ('position', 0);
";
pub(super) const READ_POSITION: &str = "SELECT value FROM _meta WHERE name = 'position'";
pub(super) const WRITE_POSITION: &str = "UPDATE _meta SET value = ?1 WHERE name = 'position'";
pub(super) const MARK_UNFINISHED_COPY: &str =
    "INSERT OR IGNORE INTO _meta(name, value) VALUES ('unfinished_copy', 1)";
pub(super) const CLEAR_UNFINISHED_COPY: &str = "DELETE FROM _meta WHERE name = 'unfinished_copy'";

/// `Pli1` in ASCII: lets `file` and others tell what this SQLite file is.
const APPLICATION_ID: i64 = 0x506C_6931;
/// How long a connection waits for a lock that a backup or an operator's tool holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of the file the writer reads through memory mapping; SQLite caps it below 2 GiB.
const WRITER_MMAP_BYTES: i64 = 0x7FFF_0000;
/// What the WAL shrinks to after it had to grow beyond.
const WAL_BYTES: i64 = 64 * 1024 * 1024;
/// Files up to this size are checked whole when they are opened; larger ones by `pli store check`,
/// so that a start doesn't take minutes.
const MAX_CHECKED_BYTES: u64 = 256 * 1024 * 1024;

/// Where the store's file is.
#[derive(Clone, Debug)]
pub(super) struct Database {
    path: Arc<Path>,
}

impl Database {
    /// Creates the file and its folder if they are missing, readable by nobody else.
    pub(super) fn create(path: PathBuf) -> Result<Self, StoreError> {
        let failed = |error: io::Error| {
            StoreError::Engine(format!("can't create the store {}: {error}", path.display()))
        };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map_err(failed)?;
        Self::existing(path)
    }

    /// The file, by its one true path: two names of one file must share one lock.
    pub(super) fn existing(path: PathBuf) -> Result<Self, StoreError> {
        let path = path.canonicalize().map_err(|error| {
            StoreError::Engine(format!("can't open the store {}: {error}", path.display()))
        })?;
        Ok(Self { path: path.into() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path with a suffix, like SQLite's own `-wal`.
    pub(super) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.as_os_str().to_owned();
        path.push("-");
        path.push(suffix);
        path.into()
    }

    /// Opens the one connection that writes. Refuses files that are damaged, foreign or too new.
    pub(super) fn open_writer(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.open(flags)?;
        // Before anything is written: later, the page size can't change.
        set(&connection, "page_size", 8192)?;
        refuse_unreadable(&connection)?;

        let mode: String = connection
            .pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))
            .map_err(engine_error)?;
        if mode != "wal" {
            return Err(StoreError::Engine(format!(
                "{} can't be used in WAL mode (it is in {mode} mode): put it on a local disk",
                self.path.display()
            )));
        }
        set(&connection, "synchronous", "FULL")?;
        set(&connection, "fullfsync", true)?;
        set(&connection, "checkpoint_fullfsync", true)?;
        connection
            .pragma_update_and_check(None, "mmap_size", WRITER_MMAP_BYTES, |_| Ok(()))
            .map_err(engine_error)?;
        set(&connection, "cache_size", -8 * 1024)?;
        set(&connection, "journal_size_limit", WAL_BYTES)?;
        connection.set_prepared_statement_cache_capacity(1024);
        connection
            .execute_batch(&format!("BEGIN IMMEDIATE; {CREATE_META} COMMIT;"))
            .map_err(engine_error)?;
        set(&connection, "application_id", APPLICATION_ID)?;
        // From now on there are rows in it that an older version can't read.
        connection
            .execute("UPDATE _meta SET value = ?1 WHERE name = 'format' AND value < ?1", [FORMAT])
            .map_err(engine_error)?;
        Ok(connection)
    }

    /// Refuses what isn't a store or is too new; damage within is for whoever reads on to find.
    pub(super) fn check_readable(&self) -> Result<(), StoreError> {
        let connection = self.open_reader()?;
        refuse_too_new(&connection)
    }

    /// Opens a connection that only reads.
    pub(super) fn open_reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.open(flags)?;
        // The operating system's cache is the cache. Not through memory mapping: SQLite maps the file
        // anew for every snapshot that follows a commit, which costs more than copying some pages.
        set(&connection, "cache_size", -1024)?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(connection)
    }

    /// Opens a connection that copies pages from the WAL into the file.
    pub(super) fn open_checkpointer(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = self.open(flags)?;
        set(&connection, "synchronous", "FULL")?;
        set(&connection, "checkpoint_fullfsync", true)?;
        set(&connection, "cache_size", -64)?;
        Ok(connection)
    }

    /// What is wrong with the file; reads all of it.
    pub(super) fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.open_reader()?;
        let mut statement =
            connection.prepare("PRAGMA integrity_check(1000)").map_err(engine_error)?;
        let found = statement.query_map([], |row| row.get::<_, String>(0)).map_err(engine_error)?;
        let mut problems = Vec::new();
        for problem in found {
            match problem {
                Ok(problem) if problem == "ok" => {}
                Ok(problem) => problems.push(problem),
                Err(error) => match engine_error(error) {
                    StoreError::Corrupt(problem) => problems.push(problem),
                    error => return Err(error),
                },
            }
        }
        Ok(problems)
    }

    fn open(&self, flags: OpenFlags) -> Result<Connection, StoreError> {
        let connection = Connection::open_with_flags(&self.path, flags).map_err(engine_error)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(engine_error)?;
        // A damaged page must give an error, not strange rows.
        set(&connection, "cell_size_check", true)?;
        set(&connection, "trusted_schema", false)?;
        // There is one plan for each statement: without this, a scan is planned anew whenever its
        // bounds change.
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(engine_error)?;
        Ok(connection)
    }
}

fn set(
    connection: &Connection,
    pragma: &str,
    value: impl rusqlite::ToSql,
) -> Result<(), StoreError> {
    connection.pragma_update(None, pragma, value).map_err(engine_error)
}

fn refuse_unreadable(connection: &Connection) -> Result<(), StoreError> {
    let tables: u32 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(engine_error)?;
    if tables == 0 {
        return Ok(());
    }
    let pages: u64 = pragma(connection, "page_count")?;
    let page_size: u64 = pragma(connection, "page_size")?;
    if pages * page_size <= MAX_CHECKED_BYTES {
        let found: String = pragma(connection, "quick_check(1)")?;
        if found != "ok" {
            return Err(StoreError::Corrupt(found));
        }
    }

    refuse_too_new(connection)?;
    refuse_unfinished_copy(read_meta(connection, "unfinished_copy")?.is_some())
}

fn refuse_too_new(connection: &Connection) -> Result<(), StoreError> {
    let has_meta: bool = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name = '_meta'", [], |row| row.get(0))
        .map_err(engine_error)?;
    if !has_meta {
        return Err(StoreError::Engine(
            "the file is a SQLite database, but not a store of Pli: choose another path".to_owned(),
        ));
    }
    let format = read_meta(connection, "format")?
        .ok_or_else(|| StoreError::Corrupt("the row with the format is missing".to_owned()))?;
    let format = u32::try_from(format).unwrap_or(u32::MAX);
    if format > FORMAT {
        return Err(StoreError::TooNew { found: format, known: FORMAT });
    }
    Ok(())
}

fn read_meta(connection: &Connection, name: &str) -> Result<Option<i64>, StoreError> {
    connection
        .query_row("SELECT value FROM _meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(engine_error)
}

fn pragma<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &str,
) -> Result<T, StoreError> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).map_err(engine_error)
}

/// The position of the last commit that the connection sees; starts its read transaction.
pub(super) fn read_position(connection: &Connection) -> Result<Position, StoreError> {
    let position: i64 = connection
        .prepare_cached(READ_POSITION)
        .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
        .map_err(engine_error)?;
    u64::try_from(position)
        .map(Position)
        .map_err(|_| StoreError::Corrupt(format!("the position is {position}")))
}

/// What SQLite's errors mean to a caller.
pub(super) fn engine_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt(error.to_string())
        }
        _ => StoreError::Engine(error.to_string()),
    }
}
