//! Making what an older store lacks, while the server serves.

use std::{fmt::Display, time::Duration};

use pli_accounts::UserDirectory;
use pli_rooms::{EventNotes, Rooms};
use pli_store::{
    Store, StoreError,
    derived::{Derived, begin_new_store, bring_up_to_date},
};

/// How long to wait after a failure: a full disk, a store that can't keep up.
const PAUSE: Duration = Duration::from_secs(60);

/// Notes of a new store that nothing is to be made up for. Comes before anything is written to it.
pub(crate) async fn begin(store: &Store) -> Result<(), StoreError> {
    let kinds =
        [(UserDirectory::NAME, UserDirectory::VERSION), (EventNotes::NAME, EventNotes::VERSION)];
    begin_new_store(store, &kinds).await
}

/// Makes all rows that are made from others and that the store lacks. In a store that is up to date
/// this reads one row for each kind.
pub(crate) async fn upgrade(store: Store, directory: UserDirectory, rooms: Rooms) {
    // Who is looked for in vain is missed sooner than what somebody once reacted to.
    until_done(&store, &directory).await;
    until_done(&store, &EventNotes::new(rooms)).await;
}

async fn until_done<D: Derived<Error: Display>>(store: &Store, derived: &D) {
    while let Err(error) = bring_up_to_date(store, derived).await {
        tracing::error!(%error, rows = D::NAME, "rows of an older store could not be made yet");
        tokio::time::sleep(PAUSE).await;
    }
}
