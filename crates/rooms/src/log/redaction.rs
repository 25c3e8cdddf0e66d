//! Redactions: from the moment one takes effect, what it redacts is stored and served without its
//! content.

use std::sync::Arc;

use pli_store::Stamp;
use ruma::{EventId, events::StateEventType, state_res::events::RoomPowerLevelsIntField};

use super::{RoomTransaction, effects::MemberContent};
use crate::{
    error::RoomError,
    event::RoomEvent,
    keyspaces::{MEMBER, OUTLIER, REDACTION},
    power::PowerLevels,
    rows::{MemberRow, MembershipKind, RedactionRow},
    state::StateRoot,
};

impl RoomTransaction<'_> {
    /// Who may do what in a state of this room.
    pub(crate) async fn power_levels_at(&self, root: StateRoot) -> Result<PowerLevels, RoomError> {
        let create = self.known_event(&self.head.create_event_id).await?;
        let levels = StateEventType::RoomPowerLevels.to_string();
        let levels = self.state_event_at(root, &levels, "").await?;
        let levels = levels.map(|event| event.pdu.clone());
        PowerLevels::new(&self.rules.authorization, create.pdu.clone(), levels)
    }

    /// What an event redacts, if it is a redaction.
    pub(crate) fn redaction_target<'e>(&self, event: &'e RoomEvent) -> Option<&'e EventId> {
        event.pdu.redacts(&self.rules.redaction)
    }

    /// Lets a redaction take effect that was appended to the timeline.
    pub(crate) async fn redact_target_of(
        &mut self,
        redaction: &Arc<RoomEvent>,
    ) -> Result<(), RoomError> {
        if redaction.is_hidden() {
            return Ok(());
        }
        let Some(target_id) = self.redaction_target(redaction).map(ToOwned::to_owned) else {
            return Ok(());
        };
        match self.event(&target_id).await? {
            Some(target) => self.redact(redaction, &target).await,
            None => {
                // Not known yet: noted for when it arrives.
                let row = RedactionRow { redacted_by: redaction.event_id().to_owned() };
                self.batch.put(&REDACTION, &target_id, &row);
                self.early_redactions.insert(target_id, row.redacted_by);
                Ok(())
            }
        }
    }

    /// Whether a redaction may redact an event: its sender has the power to, or both were sent from
    /// the same server, which answers for its users
    /// ([specification](https://spec.matrix.org/v1.19/rooms/v12/#handling-redactions)).
    pub(crate) async fn redaction_applies(
        &self,
        redaction: &RoomEvent,
        target: &RoomEvent,
    ) -> Result<bool, RoomError> {
        if target.pdu.room_id() != self.room_id {
            return Ok(false);
        }
        if redaction.pdu.sender().server_name() == target.pdu.sender().server_name() {
            return Ok(true);
        }
        let levels = self.power_levels_at(redaction.state_before).await?;
        Ok(levels.allows(redaction.pdu.sender(), RoomPowerLevelsIntField::Redact))
    }

    async fn redact(
        &mut self,
        redaction: &RoomEvent,
        target: &Arc<RoomEvent>,
    ) -> Result<(), RoomError> {
        if target.redacted_by.is_some() || !self.redaction_applies(redaction, target).await? {
            return Ok(());
        }
        match target.stamp {
            Some(stamp) => self.redact_on_timeline(redaction, target, stamp).await,
            None => self.redact_outlier(redaction, target).await,
        }
    }

    async fn redact_on_timeline(
        &mut self,
        redaction: &RoomEvent,
        target: &Arc<RoomEvent>,
        stamp: Stamp,
    ) -> Result<(), RoomError> {
        let target = self.to_rewrite(target, stamp).await?;
        // Another node was faster, of which this one has not heard yet.
        if target.redacted_by.is_some() {
            return Ok(());
        }
        self.unrelate(&target).await?;
        let pruned = self.note_redaction(redaction, &target).await?;
        self.rewrite(pruned, stamp);
        Ok(())
    }

    async fn redact_outlier(
        &mut self,
        redaction: &RoomEvent,
        target: &RoomEvent,
    ) -> Result<(), RoomError> {
        let pruned = self.note_redaction(redaction, target).await?;
        self.batch.put(&OUTLIER, pruned.event_id(), &pruned.to_stored());
        Ok(())
    }

    /// Notes what redacts an event and forgets what it said; gives what is left of it.
    async fn note_redaction(
        &mut self,
        redaction: &RoomEvent,
        target: &RoomEvent,
    ) -> Result<RoomEvent, RoomError> {
        let redacted_by = redaction.event_id().to_owned();
        let pruned = self.pruned(target, redacted_by.clone())?;
        self.batch.put(&REDACTION, pruned.event_id(), &RedactionRow { redacted_by });
        self.forget_content(&pruned).await?;
        Ok(pruned)
    }

    /// The form of an event that is left after its redaction.
    pub(crate) fn pruned(
        &self,
        target: &RoomEvent,
        redacted_by: ruma::OwnedEventId,
    ) -> Result<RoomEvent, RoomError> {
        let pdu = target.pdu.redacted(&self.rules.redaction)?;
        Ok(RoomEvent { pdu, redacted_by: Some(redacted_by), ..target.clone() })
    }

    /// If the redacted event is part of the current state: takes what it said out of the rows that
    /// are made from it.
    async fn forget_content(&mut self, pruned: &RoomEvent) -> Result<(), RoomError> {
        let Some(state_key) = pruned.pdu.state_key() else { return Ok(()) };
        let event_type = pruned.pdu.event_type().to_string();
        let current = self.state_event_at(self.head.state, &event_type, state_key).await?;
        if current.is_none_or(|current| current.event_id() != pruned.event_id()) {
            return Ok(());
        }
        if event_type != "m.room.member" {
            self.summary_changed |= self.summary.follow(&event_type, state_key, Some(pruned));
            return Ok(());
        }
        let Ok(user_id) = ruma::UserId::parse(state_key) else { return Ok(()) };
        let content = MemberContent::of(pruned);
        let kind = content.membership.as_ref().map_or(MembershipKind::Leave, MembershipKind::of);
        let row = MemberRow {
            event_id: pruned.event_id().to_owned(),
            display_name: content.display_name,
            avatar_url: content.avatar_url,
        };
        self.batch.put(&MEMBER, (&self.room_id, kind, &user_id), &row);
        Ok(())
    }
}
