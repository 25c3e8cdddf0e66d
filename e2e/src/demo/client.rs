//! People of the demo, each with a client of their own.

use std::{path::Path, time::Duration};

use matrix_sdk::{
    Client, Room,
    attachment::{AttachmentConfig, AttachmentInfo, BaseFileInfo, BaseImageInfo},
    config::{RequestConfig, SyncSettings},
    ruma::{
        ClientSecret, OwnedEventId, OwnedUserId, RoomId, UInt,
        api::client::{
            account::{
                register::v3::Request as RegisterRequest,
                request_registration_token_via_email::v3::Request as TokenRequest,
            },
            receipt::create_receipt::v3::ReceiptType,
            room::create_room::v3::{Request as CreateRoomRequest, RoomPreset},
            uiaa::AuthData,
        },
        events::{
            InitialStateEvent,
            receipt::ReceiptThread,
            room::{
                encryption::RoomEncryptionEventContent,
                guest_access::{GuestAccess, RoomGuestAccessEventContent},
                history_visibility::{HistoryVisibility, RoomHistoryVisibilityEventContent},
                message::RoomMessageEventContent,
            },
        },
    },
};

use super::{
    DemoError, mailbox,
    people::{PASSWORD, organisation},
    picture,
    script::Content,
};

/// Thirty clients share one machine, perhaps a busy one.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// Somebody with a client that keeps nothing: it is forgotten once the demo is made.
#[derive(Clone)]
pub(super) struct Person {
    client: Client,
}

impl Person {
    /// Signs up as people do: by work address and mailed code. The device is confirmed by its owner
    /// before it writes anything.
    pub(super) async fn sign_up(
        url: &str,
        outbox: &Path,
        name: &str,
        email: &str,
    ) -> Result<Self, DemoError> {
        let client = Client::builder()
            .homeserver_url(url)
            .request_config(RequestConfig::new().timeout(REQUEST_TIMEOUT))
            .build()
            .await
            .map_err(DemoError::unexpected)?;
        let mut request = RegisterRequest::new();
        request.password = Some(PASSWORD.to_owned());
        request.initial_device_display_name = Some("Poste de travail".to_owned());
        request.auth = Some(confirm_address(&client, url, outbox, email).await?);
        client.matrix_auth().register(request).await?;

        let display_name = format!("{name} [{}]", organisation(email));
        client.account().set_display_name(Some(&display_name)).await?;
        client.encryption().bootstrap_cross_signing(None).await?;
        let person = Self { client };
        person.sync().await?;
        Ok(person)
    }

    pub(super) fn user_id(&self) -> Result<OwnedUserId, DemoError> {
        let user_id = self.client.user_id().ok_or(matrix_sdk::Error::AuthenticationRequired)?;
        Ok(user_id.to_owned())
    }

    /// Locks identity and key backup by twelve words.
    pub(super) async fn keep_recovery_code(&self, words: &str) -> Result<(), DemoError> {
        self.client.encryption().recovery().enable().with_passphrase(words).await?;
        Ok(())
    }

    /// Takes in what has come, until nothing more comes.
    pub(super) async fn sync(&self) -> Result<(), DemoError> {
        let mut position = None;
        loop {
            let settings = SyncSettings::default().timeout(Duration::ZERO);
            let answer = self.client.sync_once(settings).await?;
            if answer.to_device.is_empty() || position.as_ref() == Some(&answer.next_batch) {
                return Ok(());
            }
            position = Some(answer.next_batch);
        }
    }

    /// Waits until the keys of all messages are in the backup.
    pub(super) async fn finish_backup(&self) -> Result<(), DemoError> {
        let backups = self.client.encryption().backups();
        backups.wait_for_steady_state().await.map_err(DemoError::unexpected)
    }

    /// Makes a group with a name, or a conversation of two without, encrypted from its first event.
    pub(super) async fn create_conversation(
        &self,
        name: Option<&str>,
        people: Vec<OwnedUserId>,
    ) -> Result<Room, DemoError> {
        let is_direct = name.is_none();
        let visibility =
            if is_direct { HistoryVisibility::Invited } else { HistoryVisibility::Shared };
        let encryption = RoomEncryptionEventContent::with_recommended_defaults();
        let visibility = RoomHistoryVisibilityEventContent::new(visibility);
        let guests = RoomGuestAccessEventContent::new(GuestAccess::Forbidden);
        let mut request = CreateRoomRequest::new();
        request.name = name.map(ToOwned::to_owned);
        request.is_direct = is_direct;
        request.preset =
            Some(if is_direct { RoomPreset::TrustedPrivateChat } else { RoomPreset::PrivateChat });
        request.initial_state = vec![
            InitialStateEvent::with_empty_state_key(encryption).to_raw_any(),
            InitialStateEvent::with_empty_state_key(visibility).to_raw_any(),
            InitialStateEvent::with_empty_state_key(guests).to_raw_any(),
        ];
        request.invite = people;
        Ok(self.client.create_room(request).await?)
    }

    pub(super) async fn accept_invitation(&self, room_id: &RoomId) -> Result<(), DemoError> {
        self.sync().await?;
        self.room(room_id)?.join().await?;
        Ok(())
    }

    pub(super) async fn send(
        &self,
        room_id: &RoomId,
        content: &Content,
    ) -> Result<OwnedEventId, DemoError> {
        let room = self.room(room_id)?;
        match content {
            Content::Text(text) => {
                let sent = room.send(RoomMessageEventContent::text_plain(*text)).await?;
                Ok(sent.response.event_id)
            }
            Content::Picture(name) => {
                let bytes = picture::bridge_in_flood()?;
                let info = AttachmentInfo::Image(BaseImageInfo {
                    width: Some(picture::WIDTH.into()),
                    height: Some(picture::HEIGHT.into()),
                    size: size(&bytes),
                    ..BaseImageInfo::default()
                });
                send_attachment(&room, name, "image/png", bytes, info).await
            }
            Content::File(name) => {
                let (kind, bytes) = match name.rsplit_once('.') {
                    Some((_, "csv")) => ("text/csv", picture::levels()),
                    _ => ("text/plain", picture::plan()),
                };
                let info = AttachmentInfo::File(BaseFileInfo { size: size(&bytes) });
                send_attachment(&room, name, kind, bytes, info).await
            }
        }
    }

    /// Tells the others that everything up to this message was read.
    pub(super) async fn has_read(
        &self,
        room_id: &RoomId,
        event_id: &OwnedEventId,
    ) -> Result<(), DemoError> {
        let room = self.room(room_id)?;
        let event_id = event_id.clone();
        room.send_single_receipt(ReceiptType::Read, ReceiptThread::Unthreaded, event_id).await?;
        Ok(())
    }

    /// Whether this person is in a room.
    pub(super) fn knows(&self, room_id: &RoomId) -> bool {
        self.client.get_room(room_id).is_some()
    }

    fn room(&self, room_id: &RoomId) -> Result<Room, DemoError> {
        self.client
            .get_room(room_id)
            .ok_or_else(|| DemoError::Unexpected(format!("{room_id} did not come by sync")))
    }
}

async fn send_attachment(
    room: &Room,
    name: &str,
    kind: &str,
    bytes: Vec<u8>,
    info: AttachmentInfo,
) -> Result<OwnedEventId, DemoError> {
    let kind = kind.parse().map_err(DemoError::unexpected)?;
    let config = AttachmentConfig::new().info(info);
    Ok(room.send_attachment(name, &kind, bytes, config).await?.event_id)
}

fn size(bytes: &[u8]) -> Option<UInt> {
    UInt::try_from(bytes.len()).ok()
}

/// Proves that an address is one's own: asks for the mail, reads the code, hands it in.
async fn confirm_address(
    client: &Client,
    url: &str,
    outbox: &Path,
    email: &str,
) -> Result<AuthData, DemoError> {
    let secret = ClientSecret::new();
    let request = TokenRequest::new(secret.clone(), email.to_owned(), 1_u32.into());
    let asked = client.send(request).await?;
    let code = mailbox::code_for(outbox, email).await?;
    let submit: url::Url =
        asked.submit_url.as_deref().unwrap_or_default().parse().map_err(DemoError::unexpected)?;
    // The address in it is the public one, where the server is not yet.
    let submit = format!("{url}{}", submit.path());
    let body = serde_json::json!({ "sid": asked.sid, "client_secret": secret, "token": code });
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .map_err(DemoError::unexpected)?
        .post(submit)
        .json(&body)
        .send()
        .await
        .map_err(DemoError::unexpected)?;
    answer.error_for_status().map_err(DemoError::unexpected)?;
    let proof = serde_json::json!({
        "type": "m.login.email.identity",
        "threepid_creds": { "sid": asked.sid, "client_secret": secret },
    });
    serde_json::from_value(proof).map_err(DemoError::unexpected)
}
