//! Who may see which event: the one place that decides it.
//!
//! Used by messages, context, single events, search, sync and push alike
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-5)).

use std::sync::Arc;

use pli_store::Snapshot;
use quick_cache::{Equivalent, sync::Cache};
use ruma::{
    OwnedUserId, UserId,
    events::{
        StateEventType, TimelineEventType,
        room::{history_visibility::HistoryVisibility, member::MembershipState},
    },
};
use serde::Deserialize;

use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    rows::{MembershipKind, UserRoom},
    state::StateRoot,
};

/// How many states it is remembered of who may see what happened in them.
const KNOWN_VISIBILITIES: usize = 20_000;
/// How many (state, user) pairs the membership is remembered of.
const KNOWN_MEMBERSHIPS: usize = 50_000;

/// A user in a state.
#[derive(PartialEq, Eq, Hash)]
struct UserAt {
    root: StateRoot,
    user_id: OwnedUserId,
}

/// The same for looking it up.
#[derive(Hash)]
struct UserAtRef<'a> {
    root: StateRoot,
    user_id: &'a UserId,
}

impl Equivalent<UserAt> for UserAtRef<'_> {
    fn equivalent(&self, key: &UserAt) -> bool {
        self.root == key.root && *self.user_id == *key.user_id
    }
}

/// What states say of memberships and visibility. A state never changes, and redactions leave both
/// in the events that say them: nothing here ever becomes wrong.
pub(crate) struct KnownMoments {
    visibilities: Cache<StateRoot, HistoryVisibility>,
    memberships: Cache<UserAt, MembershipState>,
}

impl KnownMoments {
    pub(crate) fn new() -> Self {
        Self {
            visibilities: Cache::new(KNOWN_VISIBILITIES),
            memberships: Cache::new(KNOWN_MEMBERSHIPS),
        }
    }
}

impl Rooms {
    /// Those of these events (of one room) that a user may see, in the same order.
    ///
    /// `user_room` is what the user is to the room ([`Rooms::user_room`]).
    ///
    /// # Errors
    /// When the store fails.
    pub async fn visible_events(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_room: Option<&UserRoom>,
        events: Vec<Arc<RoomEvent>>,
    ) -> Result<Vec<Arc<RoomEvent>>, RoomError> {
        let mut visible = Vec::with_capacity(events.len());
        for event in events {
            if self.may_see(snapshot, user_id, user_room, &event).await? {
                visible.push(event);
            }
        }
        Ok(visible)
    }

    /// Whether a user may see an event.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn may_see(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        user_room: Option<&UserRoom>,
        event: &RoomEvent,
    ) -> Result<bool, RoomError> {
        // Rejected and soft-failed events are never shown to clients; outliers have no state that
        // could tell who may see them.
        let Some(stamp) = event.stamp.filter(|_| !event.is_hidden()) else { return Ok(false) };

        // Whoever has been joined without a break since before the event was joined at the event.
        let joined_now = user_room.filter(|user_room| user_room.membership == MembershipKind::Join);
        if joined_now.is_some_and(|user_room| user_room.since <= stamp) {
            return Ok(true);
        }

        let before = self.membership_before(snapshot, user_id, event).await?;
        let own = event.is_member_event_of(user_id);
        let memberships = [Some(before), own.then(|| membership_in(event))];
        let was = |membership: MembershipState| {
            memberships.iter().flatten().any(|of_user| *of_user == membership)
        };
        // A user's own membership event counts with the membership before and after it, an event
        // that changes the visibility with the one before and after it.
        let visibility_before = self.history_visibility(snapshot, event.state_before).await?;
        let changed = (*event.pdu.event_type() == TimelineEventType::RoomHistoryVisibility)
            .then(|| visibility_in(event));
        let visibilities = [Some(visibility_before), changed];

        let joined_after = joined_now.is_some()
            || user_room.and_then(|room| room.joined_until).is_some_and(|until| until > stamp);
        let allows = |visibility: &HistoryVisibility| match visibility {
            // 1. Anybody may read.
            HistoryVisibility::WorldReadable => true,
            // 2. Who was joined may read. 3. So may who joined later, if it is shared.
            HistoryVisibility::Shared => was(MembershipState::Join) || joined_after,
            // 4. So may who was invited, if it says so.
            HistoryVisibility::Invited => {
                was(MembershipState::Join) || was(MembershipState::Invite)
            }
            _ => was(MembershipState::Join),
        };
        Ok(visibilities.iter().flatten().any(allows))
    }

    /// Whether anybody at all may read the room from now on.
    pub(crate) async fn is_world_readable(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
    ) -> Result<bool, RoomError> {
        Ok(self.history_visibility(snapshot, root).await? == HistoryVisibility::WorldReadable)
    }

    /// What a user was in the room at an event: for their own membership events what they became.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn membership_at(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        event: &RoomEvent,
    ) -> Result<MembershipState, RoomError> {
        if event.is_member_event_of(user_id) {
            return Ok(membership_in(event));
        }
        self.membership_before(snapshot, user_id, event).await
    }

    async fn membership_before(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        event: &RoomEvent,
    ) -> Result<MembershipState, RoomError> {
        let root = event.state_before;
        let known = &self.inner.moments.memberships;
        if let Some(membership) = known.get(&UserAtRef { root, user_id }) {
            return Ok(membership);
        }
        let member = self.member_event(snapshot, root, user_id).await?;
        let membership = member.map_or(MembershipState::Leave, |member| membership_in(&member));
        known.insert(UserAt { root, user_id: user_id.to_owned() }, membership.clone());
        Ok(membership)
    }

    async fn history_visibility(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
    ) -> Result<HistoryVisibility, RoomError> {
        let known = &self.inner.moments.visibilities;
        if let Some(visibility) = known.get(&root) {
            return Ok(visibility);
        }
        let event =
            self.state_event(snapshot, root, &StateEventType::RoomHistoryVisibility, "").await?;
        let visibility = event.map_or(HistoryVisibility::Shared, |event| visibility_in(&event));
        known.insert(root, visibility.clone());
        Ok(visibility)
    }
}

/// The membership that an `m.room.member` event gives.
pub(crate) fn membership_in(event: &RoomEvent) -> MembershipState {
    #[derive(Deserialize)]
    struct Content {
        membership: MembershipState,
    }
    let content = event.pdu.content_as::<Content>();
    content.map_or(MembershipState::Leave, |content| content.membership)
}

/// The visibility that an `m.room.history_visibility` event gives. What can't be understood counts
/// as `shared`, the specification's default.
pub(crate) fn visibility_in(event: &RoomEvent) -> HistoryVisibility {
    #[derive(Deserialize)]
    struct Content {
        history_visibility: HistoryVisibility,
    }
    let content = event.pdu.content_as::<Content>();
    content.map_or(HistoryVisibility::Shared, |content| match content.history_visibility {
        known @ (HistoryVisibility::WorldReadable
        | HistoryVisibility::Shared
        | HistoryVisibility::Invited
        | HistoryVisibility::Joined) => known,
        _ => HistoryVisibility::Shared,
    })
}
