use super::rows::{KeyspaceSize, RawRow};
use crate::{Position, Snapshot, Store, error::StoreError, keyspace::KeyspaceInfo};

/// How many problems are described; further ones are only counted.
const MAX_PROBLEMS: usize = 1000;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The keyspace, unless it is about the whole file.
    pub keyspace: Option<String>,
    /// The encoded key of the row, if it is about a row.
    pub key: Option<Vec<u8>>,
    /// What is wrong.
    pub description: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// The store's position.
    pub position: Position,
    /// What the keyspaces hold.
    pub keyspaces: Vec<KeyspaceSize>,
    /// Keyspaces that are not in the catalogue: their rows could not be decoded. They may come from
    /// a newer version.
    pub unknown_keyspaces: Vec<String>,
    /// The first thousand problems.
    pub problems: Vec<Problem>,
    /// How many problems there are in all.
    pub problem_count: u64,
}

impl CheckReport {
    /// Whether no problem was found.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn note(&mut self, keyspace: Option<&str>, key: Option<&[u8]>, description: String) {
        self.problem_count += 1;
        if self.problems.len() < MAX_PROBLEMS {
            let keyspace = keyspace.map(str::to_owned);
            self.problems.push(Problem { keyspace, key: key.map(<[u8]>::to_vec), description });
        }
    }
}

/// Checks a store: the engine's own structures, and that every row can be decoded, is in its place
/// and has a version that was given out. Changes nothing; may run beside a server.
///
/// `progress` hears of each keyspace when it is done.
///
/// # Errors
/// When the store can't even be read; what can be read but is wrong is in the report.
pub async fn check(
    store: &Store,
    catalogue: &[KeyspaceInfo],
    mut progress: impl FnMut(&KeyspaceSize),
) -> Result<CheckReport, StoreError> {
    let snapshot = store.snapshot().await?;
    let mut report = CheckReport { position: snapshot.position(), ..CheckReport::default() };
    for description in snapshot.engine().integrity().await? {
        report.note(None, None, description);
    }
    for name in snapshot.keyspaces().await? {
        let info = catalogue.iter().find(|info| info.name == name);
        let size = check_keyspace(&snapshot, &name, info, &mut report).await?;
        if info.is_none() {
            report.unknown_keyspaces.push(name);
        }
        progress(&size);
        report.keyspaces.push(size);
    }
    Ok(report)
}

async fn check_keyspace(
    snapshot: &Snapshot,
    name: &str,
    info: Option<&KeyspaceInfo>,
    report: &mut CheckReport,
) -> Result<KeyspaceSize, StoreError> {
    let mut size = KeyspaceSize { name: name.to_owned(), rows: 0, key_bytes: 0, value_bytes: 0 };
    let mut rows = snapshot.raw_rows(name, Vec::new());
    let mut previous: Option<Vec<u8>> = None;
    loop {
        let row = match rows.next().await {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(size),
            // The rest of this keyspace can't be read; others may still be.
            Err(StoreError::Corrupt(damage)) => {
                report.note(Some(name), previous.as_deref(), damage);
                return Ok(size);
            }
            Err(error) => return Err(error),
        };
        size.add(&row);
        if previous.as_ref().is_some_and(|previous| *previous >= row.key) {
            report.note(Some(name), Some(&row.key), "the row is out of order".to_owned());
        }
        check_row(name, info, &row, report);
        previous = Some(row.key);
    }
}

fn check_row(name: &str, info: Option<&KeyspaceInfo>, row: &RawRow, report: &mut CheckReport) {
    if row.version == Position::ZERO || row.version > report.position {
        let description = format!(
            "version {} was never given out, the last was {}",
            row.version, report.position
        );
        report.note(Some(name), Some(&row.key), description);
    }
    if let Some(info) = info
        && let Err(error) = (info.describe)(&row.key, &row.value)
    {
        report.note(Some(name), Some(&row.key), error.to_string());
    }
}
