use pli_store::{Snapshot, Store};
use tokio::sync::OnceCell;

use crate::error::RoomError;

/// A snapshot that is taken only if something has to be read: what is in memory needs none.
///
/// What is read through it is immutable (events, state nodes), or protected by a precondition.
pub(crate) enum LazySnapshot<'a> {
    Given(&'a Snapshot),
    OnDemand { store: &'a Store, taken: Box<OnceCell<Snapshot>> },
}

impl<'a> LazySnapshot<'a> {
    pub(crate) fn given(snapshot: &'a Snapshot) -> Self {
        Self::Given(snapshot)
    }

    pub(crate) fn of(store: &'a Store) -> Self {
        Self::OnDemand { store, taken: Box::default() }
    }

    /// Gives back a snapshot that was taken on demand, before a wait for something else than the
    /// store. The next read takes a newer one.
    pub(crate) fn release(&mut self) {
        if let Self::OnDemand { taken, .. } = self {
            taken.take();
        }
    }

    pub(crate) async fn get(&self) -> Result<&Snapshot, RoomError> {
        match self {
            Self::Given(snapshot) => Ok(snapshot),
            Self::OnDemand { store, taken } => {
                Ok(taken.get_or_try_init(|| store.snapshot()).await?)
            }
        }
    }
}
