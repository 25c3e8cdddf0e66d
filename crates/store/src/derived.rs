//! Rows that are made from other rows, in stores that were written before there were such rows.
//!
//! Whoever writes the rows that others are made from writes those too, in the same batch. A store that
//! is older than this code lacks them, or has them as they were made then: [`bring_up_to_date`] makes
//! them once, while the server serves. It goes on after a restart where it stopped, and what it did is
//! noted in [`DERIVED_ROWS`].

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Position,
    batch::{Batch, Expect},
    codec::Record,
    error::{CodecError, CommitError, StoreError},
    keyspace::{Keyspace, KeyspaceInfo},
    store::Store,
};

/// Which rows are made, by the name of their [`Derived`].
pub const DERIVED_ROWS: Keyspace<String, DerivedRows> = Keyspace::new("derived_rows");

/// The keyspaces of this module, for `pli store inspect` and `pli store check`.
pub const KEYSPACES: &[KeyspaceInfo] = &[DERIVED_ROWS.info()];

/// After how many things made a line in the log says how far it is.
const LOG_EVERY: u64 = 10_000;

/// How far the making of rows is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DerivedRows {
    /// The version in which all of them are there; 0: in none.
    pub version: u32,
    /// The version that is being made.
    #[serde(default)]
    pub begun: Option<Begun>,
}

impl Record for DerivedRows {}

/// Rows that are being made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Their version.
    pub version: u32,
    /// Up to where they are made, as JSON.
    pub place: String,
    /// Of how many things they are made.
    pub count: u64,
}

/// Some more rows that were made and committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made<P> {
    /// Where to go on.
    pub place: P,
    /// Of how many things they were made.
    pub count: u64,
}

/// Rows that are made from others.
pub trait Derived {
    /// Where the making can go on.
    type Place: Serialize + DeserializeOwned + Send;
    /// Why it may fail.
    type Error: From<StoreError>;

    /// A name for these rows, in `snake_case`, unique in all of Pli.
    const NAME: &'static str;
    /// How they are made: one more than before whenever that changes, from 1.
    const VERSION: u32;

    /// Makes some more rows and commits them. `None`: there was nothing left to do.
    ///
    /// Others write at the same time, and a restart may do the same again: what is there already
    /// must do no harm.
    fn make_some(
        &self,
        after: Option<Self::Place>,
    ) -> impl Future<Output = Result<Option<Made<Self::Place>>, Self::Error>> + Send;
}

/// Notes of a store that nothing was ever written to that it lacks no rows of these names, in these
/// versions: whoever writes to it from now on writes them too.
///
/// # Errors
/// When the engine fails.
pub async fn begin_new_store(store: &Store, names: &[(&str, u32)]) -> Result<(), StoreError> {
    if store.position().await? != Position::ZERO {
        return Ok(());
    }
    let mut batch = Batch::new();
    for (name, version) in names {
        batch.require(&DERIVED_ROWS, *name, Expect::Absent);
        let state = DerivedRows { version: *version, begun: None };
        batch.put(&DERIVED_ROWS, *name, &state);
    }
    match store.commit(batch).await {
        // Another node begins it.
        Ok(_) | Err(CommitError::Conflict(_)) => Ok(()),
        Err(CommitError::Store(error)) => Err(error),
    }
}

/// Makes all rows that a store lacks. Returns of how many things it made some.
///
/// # Errors
/// When making them fails: nothing is lost, it can be tried again.
pub async fn bring_up_to_date<D: Derived>(store: &Store, derived: &D) -> Result<u64, D::Error> {
    let (name, version) = (D::NAME, D::VERSION);
    let mut total = 0;
    loop {
        let snapshot = store.snapshot().await?;
        let row = snapshot.get_versioned(&DERIVED_ROWS, name).await?;
        drop(snapshot);
        let (state, written) =
            row.map_or((DerivedRows::default(), None), |(state, written)| (state, Some(written)));
        if state.version >= version {
            if total > 0 {
                tracing::info!(rows = name, count = total, "rows of an older store are made");
            }
            return Ok(total);
        }
        // What was begun of another version, or what can't be read, begins anew.
        let begun = state.begun.filter(|begun| begun.version == version);
        let place = begun.as_ref().and_then(|begun| serde_json::from_str(&begun.place).ok());
        let before = begun.map_or(0, |begun| begun.count);
        let made = derived.make_some(place).await?;

        let next = match made {
            Some(Made { place, count }) => {
                total += count;
                let count = before + count;
                if count / LOG_EVERY != before / LOG_EVERY {
                    tracing::info!(rows = name, count, "rows of an older store are being made");
                }
                let place = serde_json::to_string(&place).map_err(|error| StoreError::Codec {
                    keyspace: DERIVED_ROWS.name(),
                    source: CodecError::Value(error.to_string()),
                })?;
                let begun = Some(Begun { version, place, count });
                DerivedRows { version: state.version, begun }
            }
            None => DerivedRows { version, begun: None },
        };
        let mut batch = Batch::new();
        batch.require(&DERIVED_ROWS, name, Expect::unchanged(written));
        batch.put(&DERIVED_ROWS, name, &next);
        match store.commit(batch).await {
            // Another node does the same: this one goes on where that one is.
            Ok(_) | Err(CommitError::Conflict(_)) => {}
            Err(CommitError::Store(error)) => return Err(error.into()),
        }
    }
}
