use std::collections::HashMap;

use pli_store::Position;
use ruma::{OwnedRoomId, RoomId};

/// How many rooms' last changes are remembered.
const REMEMBERED_ROOMS: usize = 32_768;

/// Where each room changed last.
#[derive(Default)]
pub(super) struct ChangedRooms {
    at: HashMap<OwnedRoomId, Position>,
    /// Whoever isn't named above did not change after this.
    others: Position,
}

impl ChangedRooms {
    pub(super) fn touch(&mut self, room_id: &OwnedRoomId, position: Position) {
        if let Some(changed) = self.at.get_mut(room_id) {
            *changed = position;
            return;
        }
        if self.at.len() >= REMEMBERED_ROOMS {
            let mut positions: Vec<_> = self.at.values().copied().collect();
            let middle = positions.len() / 2;
            let (_, &mut median, _) = positions.select_nth_unstable(middle);
            self.at.retain(|_, position| *position > median);
            self.others = self.others.max(median);
        }
        self.at.insert(room_id.clone(), position);
    }

    /// No room's changes up to here are known.
    pub(super) fn forget(&mut self, position: Position) {
        self.at.clear();
        self.others = self.others.max(position);
    }

    /// The position of a room's last change, or a later one.
    pub(super) fn last_change(&self, room_id: &RoomId) -> Position {
        self.at.get(room_id).copied().unwrap_or(self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A room that is forgotten must count as changed, or people would be shown it as it was.
    #[test]
    fn a_forgotten_room_counts_as_changed_at_least_as_late_as_it_was() {
        let mut changed = ChangedRooms::default();
        let rooms: Vec<OwnedRoomId> = (0..=REMEMBERED_ROOMS)
            .map(|number| OwnedRoomId::try_from(format!("!{number}:pli.test")).unwrap())
            .collect();
        let positions = || (1..).map(Position);
        for (room_id, position) in rooms.iter().zip(positions()) {
            changed.touch(room_id, position);
        }
        assert!(changed.at.len() < rooms.len());
        for (room_id, position) in rooms.iter().zip(positions()) {
            assert!(changed.last_change(room_id) >= position);
        }

        let later = Position(1_000_000);
        changed.forget(later);
        assert_eq!(changed.last_change(&rooms[0]), later);
    }
}
