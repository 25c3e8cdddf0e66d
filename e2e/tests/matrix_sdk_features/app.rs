//! Somebody's app, and what every test does with it.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use matrix_sdk::{
    Client, Room, RoomState,
    config::SyncSettings,
    encryption::{
        VerificationState,
        verification::{SasVerification, VerificationRequest},
    },
    ruma::{
        OwnedEventId, RoomId, UserId,
        api::client::{
            account::register::v3::Request as RegisterRequest,
            room::create_room::v3::Request as CreateRoomRequest,
            uiaa::{AuthData, Dummy},
        },
        events::{
            AnySyncMessageLikeEvent, AnySyncTimelineEvent, InitialStateEvent,
            key::verification::mac::{
                OriginalSyncKeyVerificationMacEvent, ToDeviceKeyVerificationMacEvent,
            },
            room::{
                encryption::RoomEncryptionEventContent,
                message::{ImageMessageEventContent, MessageType},
            },
        },
    },
};
use pli::server::Server;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::open_server;

const PASSWORD: &str = "correct horse battery staple";

/// How long somebody waits for something to reach them.
const PATIENCE: Duration = Duration::from_secs(60);

/// An app that somebody has open: it syncs until it is dropped.
pub(crate) struct App {
    pub(crate) client: Client,
    answers: watch::Receiver<usize>,
    syncing: JoinHandle<()>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Secrecy {
    Encrypted,
    Open,
}

impl App {
    pub(crate) async fn sign_up(server: &Server, name: &str) -> Self {
        let client = client(server).await;
        let mut request = RegisterRequest::new();
        request.username = Some(name.to_owned());
        request.password = Some(PASSWORD.to_owned());
        request.auth = Some(AuthData::Dummy(Dummy::new()));
        client.matrix_auth().register(request).await.unwrap();
        Self::open(client).await
    }

    pub(crate) async fn sign_in(server: &Server, name: &str) -> Self {
        let client = client(server).await;
        client.matrix_auth().login_username(name, PASSWORD).send().await.unwrap();
        Self::open(client).await
    }

    /// Syncs once, so that the app knows its rooms, then in the background.
    async fn open(client: Client) -> Self {
        client.encryption().wait_for_e2ee_initialization_tasks().await;
        client.sync_once(SyncSettings::default()).await.unwrap();
        let (answered, answers) = watch::channel(0);
        let app = client.clone();
        let syncing = tokio::spawn(async move {
            let settings = SyncSettings::default().timeout(Duration::from_secs(5));
            while app.sync_once(settings.clone()).await.is_ok() {
                answered.send_modify(|count| *count += 1);
            }
        });
        Self { client, answers, syncing }
    }

    /// Looks after each answer of the server until there is something to see.
    pub(crate) async fn until<T>(&self, look: impl AsyncFn() -> Option<T>) -> T {
        let mut answers = self.answers.clone();
        let looking = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                answers.changed().await.expect("the server no longer answers this app");
            }
        };
        timeout(PATIENCE, looking).await.expect("it did not happen in time")
    }

    pub(crate) fn user_id(&self) -> &UserId {
        self.client.user_id().unwrap()
    }

    pub(crate) fn is_in(&self, room_id: &RoomId, state: RoomState) -> bool {
        self.client.get_room(room_id).is_some_and(|room| room.state() == state)
    }

    pub(crate) fn verification_state(&self) -> VerificationState {
        self.client.encryption().verification_state().get()
    }

    pub(crate) fn is_verified(&self) -> bool {
        self.verification_state() == VerificationState::Verified
    }

    /// Becomes true once somebody has told this app that they saw the same emoji.
    fn hears_agreement(&self) -> Arc<AtomicBool> {
        let heard = Arc::new(AtomicBool::new(false));
        let between_devices = heard.clone();
        self.client.add_event_handler(async move |_: ToDeviceKeyVerificationMacEvent| {
            between_devices.store(true, Ordering::Relaxed);
        });
        let in_room = heard.clone();
        self.client.add_event_handler(async move |_: OriginalSyncKeyVerificationMacEvent| {
            in_room.store(true, Ordering::Relaxed);
        });
        heard
    }

    pub(crate) async fn trusts(&self, user_id: &UserId) -> bool {
        let identity = self.client.encryption().get_user_identity(user_id).await.unwrap();
        identity.is_some_and(|identity| identity.is_verified())
    }

    pub(crate) async fn room_with(&self, other: &Self, secrecy: Secrecy) -> Room {
        let mut request = CreateRoomRequest::new();
        request.invite = vec![other.user_id().to_owned()];
        request.is_direct = true;
        if secrecy == Secrecy::Encrypted {
            let encryption = RoomEncryptionEventContent::with_recommended_defaults();
            request.initial_state =
                vec![InitialStateEvent::with_empty_state_key(encryption).to_raw_any()];
        }
        let room = self.client.create_room(request).await.unwrap();
        other.accept_invitation(room.room_id()).await;
        self.until(async || (room.joined_members_count() == 2).then_some(())).await;
        room
    }

    pub(crate) async fn accept_invitation(&self, room_id: &RoomId) {
        self.until(async || self.is_in(room_id, RoomState::Invited).then_some(())).await;
        self.client.get_room(room_id).unwrap().join().await.unwrap();
        self.until(async || self.is_in(room_id, RoomState::Joined).then_some(())).await;
    }

    /// A message, once this app has the key to it.
    async fn read(&self, room_id: &RoomId, event_id: &OwnedEventId) -> MessageType {
        let room = self.client.get_room(room_id).unwrap();
        self.until(async || {
            let event = room.event(event_id, None).await.unwrap();
            let AnySyncTimelineEvent::MessageLike(AnySyncMessageLikeEvent::RoomMessage(message)) =
                event.raw().deserialize().unwrap()
            else {
                return None;
            };
            Some(message.as_original().unwrap().content.msgtype.clone())
        })
        .await
    }

    pub(crate) async fn read_text(&self, room_id: &RoomId, event_id: &OwnedEventId) -> String {
        match self.read(room_id, event_id).await {
            MessageType::Text(text) => text.body,
            other => panic!("not a text: {other:?}"),
        }
    }

    pub(crate) async fn read_image(
        &self,
        room_id: &RoomId,
        event_id: &OwnedEventId,
    ) -> ImageMessageEventContent {
        match self.read(room_id, event_id).await {
            MessageType::Image(image) => image,
            other => panic!("not an image: {other:?}"),
        }
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.syncing.abort();
    }
}

/// A server on a free port.
pub(crate) async fn start(folder: &Path) -> Server {
    open_server::start(folder, SocketAddr::from(([127, 0, 0, 1], 0)), "").await
}

async fn client(server: &Server) -> Client {
    let address = format!("http://{}", server.client_address());
    Client::builder().homeserver_url(address).build().await.unwrap()
}

/// Takes a request for verification from asking to the end, on both apps.
pub(crate) async fn compare_emoji(asker: &App, asked: &App, request: VerificationRequest) {
    let flow = request.flow_id().to_owned();
    let encryption = asked.client.encryption();
    let heard = asked.hears_agreement();
    let received = asked
        .until(async || encryption.get_verification_request(asker.user_id(), &flow).await)
        .await;
    received.accept().await.unwrap();
    asker.until(async || request.is_ready().then_some(())).await;

    let ours = request.start_sas().await.unwrap().unwrap();
    let theirs: SasVerification = asked
        .until(async || encryption.get_verification(asker.user_id(), &flow).await?.sas())
        .await;
    theirs.accept().await.unwrap();
    asker.until(async || ours.can_be_presented().then_some(())).await;
    asked.until(async || theirs.can_be_presented().then_some(())).await;
    let emoji = |sas: &SasVerification| sas.emoji().unwrap().map(|emoji| emoji.description);
    assert_eq!(emoji(&ours), emoji(&theirs));

    ours.confirm().await.unwrap();
    // Whoever says "agreed" second has heard the first. The SDK may otherwise say "done" ahead of
    // its own "agreed", which the other side drops: its verification then never ends.
    asked.until(async || heard.load(Ordering::Relaxed).then_some(())).await;
    theirs.confirm().await.unwrap();
    asker.until(async || ours.is_done().then_some(())).await;
    asked.until(async || theirs.is_done().then_some(())).await;
}
