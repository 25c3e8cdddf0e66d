use futures_util::future::BoxFuture;
use pli_accounts::Profiles;
use ruma::{
    OwnedEventId, OwnedMxcUri, OwnedRoomId, OwnedUserId,
    events::{StateEventType, TimelineEventType},
};
use serde::Serialize;
use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    Rooms,
    error::RoomError,
    event::RoomEvent,
    lazy_snapshot::LazySnapshot,
    log::{NewEvent, Operation, RoomTransaction},
    rows::MembershipKind,
    visibility::membership_in,
};

/// Somebody who changes somebody's membership of a room, their own or another's.
#[derive(Clone, Debug)]
pub struct MembershipChange {
    /// Who changes it.
    pub sender: OwnedUserId,
    /// The room.
    pub room_id: OwnedRoomId,
    /// Why.
    pub reason: Option<String>,
    /// What else the membership event says, for whoever joins by themselves. What the server says
    /// there itself can't be said here.
    pub extra: Map<String, Value>,
    /// Whether whoever changes it is a guest, who can come only into rooms that allow it.
    pub is_guest: bool,
}

/// What the server says in membership events, or must have checked.
const SERVERS_OWN: [&str; 7] = [
    "membership",
    "displayname",
    "avatar_url",
    "reason",
    "is_direct",
    "join_authorised_via_users_server",
    "third_party_invite",
];

impl MembershipChange {
    /// A change without a reason.
    #[must_use]
    pub fn new(sender: OwnedUserId, room_id: OwnedRoomId) -> Self {
        Self { sender, room_id, reason: None, extra: Map::new(), is_guest: false }
    }

    /// Says why.
    #[must_use]
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }

    /// Says whether whoever changes it is a guest.
    #[must_use]
    pub fn by_guest(mut self, is_guest: bool) -> Self {
        self.is_guest = is_guest;
        self
    }

    /// Says more in the event of somebody who joins.
    #[must_use]
    pub fn saying(mut self, extra: Map<String, Value>) -> Self {
        self.extra = extra;
        self.extra.retain(|key, _| !SERVERS_OWN.contains(&key.as_str()));
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Join,
    Invite { is_direct: bool },
    Leave,
    Kick,
    Ban,
    Unban,
    Knock,
}

/// The content of an `m.room.member` event, as this server writes it.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct NewMembership {
    pub(crate) membership: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) displayname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) avatar_url: Option<OwnedMxcUri>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_direct: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) join_authorised_via_users_server: Option<OwnedUserId>,
    #[serde(flatten)]
    pub(crate) extra: Map<String, Value>,
}

impl NewMembership {
    pub(crate) fn to_content(&self) -> Result<Box<RawValue>, RoomError> {
        to_raw_value(self).map_err(|error| RoomError::BadContent(error.to_string()))
    }
}

impl Rooms {
    /// Joins a room. Somebody who is in it already stays so.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn join(&self, change: MembershipChange) -> Result<OwnedEventId, RoomError> {
        let target = change.sender.clone();
        let (user_id, room_id) = (target.clone(), change.room_id.clone());
        let event_id = self.change_membership(change, target, Action::Join).await?;
        self.take_along_if_possible(&user_id, &room_id).await;
        Ok(event_id)
    }

    /// Invites somebody; `is_direct` if a conversation between two is meant.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn invite(
        &self,
        change: MembershipChange,
        target: OwnedUserId,
        is_direct: bool,
    ) -> Result<OwnedEventId, RoomError> {
        self.check_invites(&change.sender, [&*target]).await?;
        self.change_membership(change, target, Action::Invite { is_direct }).await
    }

    /// Leaves a room, rejects an invitation or takes a knock back.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], also for somebody who left already; [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn leave(&self, change: MembershipChange) -> Result<OwnedEventId, RoomError> {
        let target = change.sender.clone();
        self.change_membership(change, target, Action::Leave).await
    }

    /// Removes somebody from a room, or takes an invitation back.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn kick(
        &self,
        change: MembershipChange,
        target: OwnedUserId,
    ) -> Result<OwnedEventId, RoomError> {
        self.change_membership(change, target, Action::Kick).await
    }

    /// Bans somebody from a room.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn ban(
        &self,
        change: MembershipChange,
        target: OwnedUserId,
    ) -> Result<OwnedEventId, RoomError> {
        self.change_membership(change, target, Action::Ban).await
    }

    /// Lifts a ban.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`]; [`RoomError::BadState`] if there is no ban;
    /// [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn unban(
        &self,
        change: MembershipChange,
        target: OwnedUserId,
    ) -> Result<OwnedEventId, RoomError> {
        self.change_membership(change, target, Action::Unban).await
    }

    /// Asks to be invited.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`], [`RoomError::UnknownRoom`]; when the store fails.
    pub async fn knock(&self, change: MembershipChange) -> Result<OwnedEventId, RoomError> {
        let target = change.sender.clone();
        self.change_membership(change, target, Action::Knock).await
    }

    async fn change_membership(
        &self,
        change: MembershipChange,
        target: OwnedUserId,
        action: Action,
    ) -> Result<OwnedEventId, RoomError> {
        let MembershipChange { sender, room_id, reason, extra, is_guest } = change;
        // Names and pictures are looked up before the room is asked, so that the room doesn't wait.
        let (displayname, avatar_url) = match action {
            Action::Join | Action::Invite { .. } | Action::Knock => self.profile(&target).await?,
            Action::Leave | Action::Kick | Action::Ban | Action::Unban => (None, None),
        };
        let operation = ChangeMembership {
            sender,
            target,
            action,
            reason,
            extra,
            is_guest,
            displayname,
            avatar_url,
        };
        self.submit(&room_id, operation).await
    }

    /// The name and picture of a user of this server; of nobody else any are known.
    pub(crate) async fn profile(
        &self,
        user_id: &ruma::UserId,
    ) -> Result<(Option<String>, Option<OwnedMxcUri>), RoomError> {
        self.profile_from(&LazySnapshot::of(&self.inner.store), user_id).await
    }

    pub(crate) async fn profile_from(
        &self,
        source: &LazySnapshot<'_>,
        user_id: &ruma::UserId,
    ) -> Result<(Option<String>, Option<OwnedMxcUri>), RoomError> {
        let snapshot = source.get().await?;
        let profile = Profiles::get_at(snapshot, user_id).await?.unwrap_or_default();
        Ok((profile.display_name().map(ToOwned::to_owned), profile.avatar_url()))
    }
}

struct ChangeMembership {
    sender: OwnedUserId,
    target: OwnedUserId,
    action: Action,
    reason: Option<String>,
    extra: Map<String, Value>,
    is_guest: bool,
    displayname: Option<String>,
    avatar_url: Option<OwnedMxcUri>,
}

impl Operation for ChangeMembership {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(self.change(transaction))
    }
}

impl ChangeMembership {
    async fn change(
        &self,
        transaction: &mut RoomTransaction<'_>,
    ) -> Result<OwnedEventId, RoomError> {
        let current =
            transaction.state_event(&StateEventType::RoomMember, self.target.as_str()).await?;
        let kind = current.as_deref().map(|current| MembershipKind::of(&membership_in(current)));
        // What somebody else's membership is, only members learn.
        if self.sender != self.target && !transaction.is_joined(&self.sender).await? {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        if let Some(current) = self.is_done_already(current.as_deref(), kind)? {
            return Ok(current);
        }
        // Guests come only into rooms that say so (section "Guest access").
        let is_coming = self.action == Action::Join;
        if is_coming && self.is_guest && !transaction.summary.guest_can_join {
            return Err(RoomError::GuestsForbidden);
        }

        let membership = match self.action {
            Action::Join => "join",
            Action::Invite { .. } => "invite",
            Action::Leave | Action::Kick | Action::Unban => "leave",
            Action::Ban => "ban",
            Action::Knock => "knock",
        };
        let join_authorised_via_users_server = match self.action {
            Action::Join => transaction.authorise_restricted_join(&self.target, kind).await?,
            _ => None,
        };
        let content = NewMembership {
            membership,
            displayname: self.displayname.clone(),
            avatar_url: self.avatar_url.clone(),
            reason: self.reason.clone(),
            is_direct: self.action == Action::Invite { is_direct: true },
            join_authorised_via_users_server,
            extra: match self.action {
                Action::Join => self.extra.clone(),
                _ => Map::new(),
            },
        };
        let event = NewEvent::state(
            &self.sender,
            TimelineEventType::RoomMember,
            self.target.as_str(),
            content.to_content()?,
        );
        transaction.append(event).await
    }

    /// The event that holds if there is nothing to do; an error for what the authorisation rules
    /// would let pass under another name.
    fn is_done_already(
        &self,
        current: Option<&RoomEvent>,
        kind: Option<MembershipKind>,
    ) -> Result<Option<OwnedEventId>, RoomError> {
        let nothing_to_do = match (self.action, kind) {
            (Action::Join, Some(MembershipKind::Join)) => true,
            (Action::Leave, Some(MembershipKind::Leave) | None) => {
                return Err(RoomError::Forbidden("you are not in this room".to_owned()));
            }
            // A ban is lifted before anything else.
            (Action::Join | Action::Knock, Some(MembershipKind::Ban)) => {
                return Err(RoomError::BadState("you are banned from this room".to_owned()));
            }
            (Action::Invite { .. } | Action::Kick, Some(MembershipKind::Ban)) => {
                return Err(RoomError::BadState(format!("{} is banned", self.target)));
            }
            // For the rules removing is leaving, and so is lifting a ban.
            (Action::Kick, Some(MembershipKind::Leave) | None) => {
                return Err(RoomError::Forbidden(format!("{} is not in this room", self.target)));
            }
            (Action::Unban, Some(MembershipKind::Ban)) => false,
            (Action::Unban, _) => {
                return Err(RoomError::BadState(format!("{} is not banned", self.target)));
            }
            _ => false,
        };
        Ok(current.filter(|_| nothing_to_do).map(|current| current.event_id().to_owned()))
    }
}
