//! The states of rooms without their memberships: what clients ask for by type, which a state can
//! only be searched for as a whole.

use std::sync::Arc;

use pli_rooms::{Rooms, StateEntry, StateRoot};
use pli_store::Snapshot;
use quick_cache::sync::Cache;
use ruma::{OwnedRoomId, RoomId};

use crate::{SyncError, state::MEMBER};

/// Of how many rooms the state is kept.
const CACHED_ROOMS: usize = 16_384;
/// States with more pieces than this are not kept.
const MAX_KEPT: usize = 256;

type Entries = Arc<Vec<StateEntry>>;

/// The last state of each room that was asked for.
pub(crate) struct SmallStates(Cache<OwnedRoomId, (StateRoot, Entries)>);

impl SmallStates {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CACHED_ROOMS))
    }

    /// Everything in a state but the memberships. Costs what changed since it was asked for last;
    /// the first time, the whole state.
    pub(crate) async fn without_members(
        &self,
        rooms: &Rooms,
        snapshot: &Snapshot,
        room_id: &RoomId,
        root: StateRoot,
    ) -> Result<Entries, SyncError> {
        let known = self.0.get(room_id);
        let entries = match known {
            Some((known_root, entries)) if known_root == root => return Ok(entries),
            Some((known_root, entries)) => {
                let mut entries = entries.as_ref().clone();
                for difference in rooms.states().diff(snapshot, known_root, root).await? {
                    let (event_type, state_key) = (difference.event_type, difference.state_key);
                    entries.retain(|entry| {
                        *entry.event_type != event_type || *entry.state_key != state_key
                    });
                    if let Some(event_id) = difference.after.filter(|_| event_type != MEMBER) {
                        let (event_type, state_key) = (event_type.into(), state_key.into());
                        entries.push(StateEntry { event_type, state_key, event_id });
                    }
                }
                entries
            }
            None => {
                let mut entries = rooms.states().entries(snapshot, root).await?;
                entries.retain(|entry| &*entry.event_type != MEMBER);
                entries
            }
        };
        let entries = Arc::new(entries);
        if entries.len() <= MAX_KEPT {
            self.0.insert(room_id.to_owned(), (root, Arc::clone(&entries)));
        }
        Ok(entries)
    }
}
