//! What the server itself tells people: in a room of its own with each of them (client-server API,
//! section "Server Notices").

use std::sync::Arc;

use http::StatusCode;
use pli_accounts::{Accounts, AccountsError, Profiles, Registration, profiles::DISPLAY_NAME};
use pli_rooms::{CreateRoom, MembershipChange, MembershipKind, Preset, Rooms, SendMessage};
use pli_store::{Snapshot, Store, ambient::Ambient};
use ruma::{
    OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedTransactionId, OwnedUserId, RoomId, UserId,
    events::TimelineEventType,
};
use serde::Deserialize;
use serde_json::{
    json,
    value::{RawValue, to_raw_value},
};
use tokio::sync::Mutex;

use crate::MatrixError;

/// By which clients know the room.
const TAG: &str = "m.server_notice";
/// The "device" that notices come from.
const DEVICE: &str = "notices";

/// What the server's own messages look like: the section `[server_notices]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerNoticesConfig {
    /// The local part of the user id that they come from. Names with `_` before them can't be chosen
    /// by people.
    pub localpart: String,
    /// The name that they come from.
    pub display_name: String,
    /// The name of the room that they come in.
    pub room_name: String,
}

impl Default for ServerNoticesConfig {
    fn default() -> Self {
        Self {
            localpart: "_server".to_owned(),
            display_name: "Pli".to_owned(),
            room_name: "Pli".to_owned(),
        }
    }
}

/// A notice to send.
#[derive(Clone, Debug)]
pub struct Notice {
    /// To whom.
    pub to: OwnedUserId,
    /// The event's type.
    pub event_type: TimelineEventType,
    /// Its content: a JSON object.
    pub content: Box<RawValue>,
    /// The same transaction again is the same notice.
    pub transaction_id: Option<OwnedTransactionId>,
}

/// What notices need.
#[expect(missing_docs, reason = "each field is the service of that name")]
pub struct ServerNoticesParts {
    pub config: ServerNoticesConfig,
    pub store: Store,
    pub ambient: Ambient,
    pub accounts: Accounts,
    pub registration: Registration,
    pub profiles: Profiles,
    pub rooms: Rooms,
}

/// Sends notices. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct ServerNotices(Arc<Inner>);

struct Inner {
    parts: ServerNoticesParts,
    sender: OwnedUserId,
    /// One notice at a time finds or makes its room.
    turn: Mutex<()>,
}

impl ServerNotices {
    /// Notices of this server.
    ///
    /// # Errors
    /// [`AccountsError::InvalidUsername`] if the configured local part can't be part of a user id.
    pub fn new(parts: ServerNoticesParts) -> Result<Self, AccountsError> {
        let sender = parts.registration.user_id_for_service(&parts.config.localpart)?;
        Ok(Self(Arc::new(Inner { parts, sender, turn: Mutex::new(()) })))
    }

    /// Sends a notice; invites its addressee (again) if they are not in the room.
    ///
    /// # Errors
    /// `M_NOT_FOUND` if there is no such account here; what the room or the store says.
    pub async fn send(&self, notice: Notice) -> Result<OwnedEventId, MatrixError> {
        let ServerNoticesParts { accounts, rooms, ambient, store, .. } = &self.0.parts;
        let Notice { to, event_type, content, transaction_id } = notice;
        if !accounts.is_local(&to) || !accounts.is_active(&to).await? || to == self.0.sender {
            return Err(MatrixError::not_found("there is no such account on this server"));
        }
        let turn = self.0.turn.lock().await;
        self.prepare_sender().await?;
        let known = self.room_of(&store.snapshot().await?, &to).await?;
        let room_id = match known {
            Some(room_id) => room_id,
            None => self.create_room(&to).await?,
        };
        let user_room = rooms.user_room(&store.snapshot().await?, &to, &room_id).await?;
        let membership = user_room.map(|user_room| user_room.membership);
        if !matches!(membership, Some(MembershipKind::Join | MembershipKind::Invite)) {
            let change = MembershipChange::new(self.0.sender.clone(), room_id.clone());
            rooms.invite(change, to, false).await?;
        }
        drop(turn);
        let transaction_id =
            transaction_id.unwrap_or_else(|| ambient.random_string(24).as_str().into());
        let event_id = rooms
            .send_message(SendMessage {
                sender: self.0.sender.clone(),
                device_id: OwnedDeviceId::from(DEVICE),
                room_id,
                event_type,
                content,
                transaction_id,
                timestamp: None,
                sticky: None,
            })
            .await?;
        Ok(event_id)
    }

    /// Refuses to let somebody decline an invitation into their notices' room: what the server has
    /// to say has to reach them. Once they have read it they may leave.
    ///
    /// # Errors
    /// `M_CANNOT_LEAVE_SERVER_NOTICE_ROOM`; when the store fails.
    pub(crate) async fn check_may_leave(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
    ) -> Result<(), MatrixError> {
        let ServerNoticesParts { rooms, store, .. } = &self.0.parts;
        let snapshot = store.snapshot().await?;
        let user_room = rooms.user_room(&snapshot, user_id, room_id).await?;
        let invited = user_room.filter(|room| room.membership == MembershipKind::Invite);
        let Some(invited) = invited else { return Ok(()) };
        let invitation = rooms.event(&snapshot, &invited.event_id).await?;
        if invitation.is_none_or(|invitation| invitation.pdu.sender() != self.0.sender) {
            return Ok(());
        }
        Err(MatrixError::new(
            StatusCode::FORBIDDEN,
            "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM",
            "the server has something to tell you in this room: join it; you can leave it then",
        ))
    }

    async fn prepare_sender(&self) -> Result<(), MatrixError> {
        let ServerNoticesParts { accounts, registration, profiles, config, .. } = &self.0.parts;
        if accounts.exists(&self.0.sender).await? {
            return Ok(());
        }
        match registration.register_for_service(&config.localpart, None).await {
            Ok(_) | Err(AccountsError::UserInUse) => {}
            Err(error) => return Err(error.into()),
        }
        let name = config.display_name.clone().into();
        profiles.set(&self.0.sender, DISPLAY_NAME, Some(name)).await?;
        Ok(())
    }

    /// The room in which somebody was sent notices before: one that the sender is in and made, and
    /// that they are or were something to.
    async fn room_of(
        &self,
        snapshot: &Snapshot,
        to: &UserId,
    ) -> Result<Option<OwnedRoomId>, MatrixError> {
        let rooms = &self.0.parts.rooms;
        for user_room in rooms.user_rooms(snapshot, to).await? {
            if rooms.is_joined(snapshot, &self.0.sender, &user_room.room_id).await? {
                return Ok(Some(user_room.room_id));
            }
        }
        Ok(None)
    }

    async fn create_room(&self, to: &UserId) -> Result<OwnedRoomId, MatrixError> {
        let ServerNoticesParts { rooms, config, .. } = &self.0.parts;
        // Nobody but the server speaks there.
        let levels = json!({ "users_default": -10 });
        let levels = to_raw_value(&levels).map_err(MatrixError::internal)?;
        let request = CreateRoom {
            preset: Some(Preset::PrivateChat),
            name: Some(config.room_name.clone()),
            power_level_content_override: Some(levels),
            invite: vec![to.to_owned()],
            ..CreateRoom::new(self.0.sender.clone())
        };
        let room_id = rooms.create_room(request).await?;
        rooms.set_tag(to, &room_id, TAG, Some(json!({}))).await?;
        Ok(room_id)
    }
}
