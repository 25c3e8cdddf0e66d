//! Whom people ignore ([specification](https://spec.matrix.org/v1.19/client-server-api/#ignoring-users)).

use std::{collections::HashSet, sync::Arc};

use pli_accounts::AccountData;
use pli_store::Snapshot;
use ruma::{OwnedUserId, UserId};
use serde::Deserialize;
use serde_json::Value;

use crate::{Rooms, error::RoomError, event::RoomEvent, operations::InviteVerdict, rows::UserRoom};

/// The account data that names them.
const IGNORED_USER_LIST: &str = "m.ignored_user_list";

/// The users whom somebody ignores. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoredUsers(Option<Arc<HashSet<OwnedUserId>>>);

impl IgnoredUsers {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether a user is one of them.
    #[must_use]
    pub fn contains(&self, user_id: &UserId) -> bool {
        self.0.as_ref().is_some_and(|users| users.contains(user_id))
    }

    /// The users.
    pub fn iter(&self) -> impl Iterator<Item = &OwnedUserId> {
        self.0.iter().flat_map(|users| users.iter())
    }

    /// Whether an event is not to be shown. State is: a room must not look different for whoever
    /// ignores one of its moderators.
    #[must_use]
    pub fn hides(&self, event: &RoomEvent) -> bool {
        event.pdu.state_key().is_none() && self.contains(event.pdu.sender())
    }
}

impl Rooms {
    /// Whom a user ignores: themselves never.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ignored_users(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<IgnoredUsers, RoomError> {
        #[derive(Deserialize)]
        struct Content {
            ignored_users: serde_json::Map<String, Value>,
        }
        let data = AccountData::get_at(snapshot, user_id, None, IGNORED_USER_LIST).await?;
        // Clients write this: what isn't of its form names nobody.
        let content =
            data.and_then(|data| serde_json::from_str::<Content>(data.content.get()).ok());
        let named = content.into_iter().flat_map(|content| content.ignored_users);
        let users = named.filter_map(|(user, _)| OwnedUserId::try_from(user).ok());
        let users: HashSet<OwnedUserId> = users.filter(|user| user != user_id).collect();
        Ok(IgnoredUsers((!users.is_empty()).then(|| Arc::new(users))))
    }

    /// Whether an invitation comes from somebody whom its addressee ignores, or whose invitations they
    /// don't want: they are not told of it (sections "Ignoring Users" and "Invite permission").
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_unwanted_invite(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        ignored: &IgnoredUsers,
        invite: &UserRoom,
    ) -> Result<bool, RoomError> {
        let Some(event) = self.event(snapshot, &invite.event_id).await? else { return Ok(false) };
        let sender = event.pdu.sender();
        if ignored.contains(sender) {
            return Ok(true);
        }
        let verdict = self.invite_verdict(snapshot, user_id, sender).await?;
        Ok(verdict == InviteVerdict::Ignore)
    }
}
