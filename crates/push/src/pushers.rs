//! Where people want to be told of notifications (client-server API, section "Push Notifications").

use std::sync::Arc;

use futures_util::future::BoxFuture;
use pli_accounts::{AccountsError, DeviceRemoved, Requester};
use pli_store::{
    Batch, Direction, Expect, Keyspace, Position, Record, Row, Snapshot, Store, Touch,
    ambient::Ambient,
};
use ruma::{
    DeviceId, OwnedDeviceId, OwnedUserId, UserId,
    api::client::push::{Pusher, PusherIds, PusherKind},
    push::HttpPusherData,
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use url::Url;

use crate::{PushError, delivery::pending};

/// user, app id, push key → the pusher.
pub(crate) const PUSHER: Keyspace<(OwnedUserId, String, String), PusherRow> =
    Keyspace::new("pushers");
/// app id, push key, user → nothing: who else uses the same key.
pub(crate) const PUSHER_USERS: Keyspace<(String, String, OwnedUserId), PusherUserRow> =
    Keyspace::new("pusher_users");

/// How many pushers a user may have: more than anybody has devices that ring.
const MAX_PUSHERS: usize = 100;
/// How many users' pushers with the same key are looked at.
const MAX_USERS_OF_KEY: usize = 1_000;
/// The greatest length of a push key, in bytes (section "POST /pushers/set").
const MAX_PUSHKEY: usize = 512;
/// The greatest length of an app id, in bytes.
const MAX_APP_ID: usize = 64;
/// The greatest length of everything else about a pusher, in bytes of JSON.
const MAX_PUSHER: usize = 16 * 1024;
/// Where gateways listen (push gateway API).
const GATEWAY_PATH: &str = "/_matrix/push/v1/notify";
/// How often a change is tried again when the pushers changed meanwhile.
const ATTEMPTS: usize = 8;

/// A pusher as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PusherRow {
    /// The device that set it: it ends with the device.
    pub(crate) device_id: OwnedDeviceId,
    /// The pusher, JSON as clients see it.
    json: String,
    /// When the push key was set last, in milliseconds since the Unix epoch.
    pub(crate) set_ms: u64,
    /// Nothing up to here is told.
    pub(crate) since: Position,
    /// Its owner wants it to be silent for now (MSC3881).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) silent: bool,
}

impl Record for PusherRow {}

impl PusherRow {
    /// The pusher.
    pub(crate) fn pusher(&self) -> Result<Pusher, PushError> {
        serde_json::from_str(&self.json).map_err(|error| {
            PushError::Store(pli_store::StoreError::Corrupt(format!("a pusher: {error}")))
        })
    }

    /// Where it pushes to; `None` if it isn't an HTTP pusher.
    pub(crate) fn http(&self) -> Result<Option<HttpPusherData>, PushError> {
        Ok(match self.pusher()?.kind {
            PusherKind::Http(data) => Some(data),
            _ => None,
        })
    }
}

/// There is such a pusher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PusherUserRow {}

impl Record for PusherUserRow {}

/// A pusher as its owner sees it.
#[derive(Clone, Debug)]
pub struct KnownPusher {
    /// The pusher.
    pub pusher: Pusher,
    /// Whether it tells anything
    /// ([MSC3881](https://github.com/matrix-org/matrix-spec-proposals/pull/3881)).
    pub enabled: bool,
    /// The device that it rings on.
    pub device_id: OwnedDeviceId,
}

/// Which gateways people may name.
#[derive(Clone, Copy, Debug, Default)]
pub struct PushersConfig {
    /// Whether a gateway may be reached without TLS: for one in the operator's own network.
    pub allow_plain_http: bool,
}

/// The pushers of the users of this server. Cheap to clone.
#[derive(Clone)]
pub struct Pushers {
    store: Store,
    ambient: Ambient,
    config: PushersConfig,
    arrived: mpsc::UnboundedSender<OwnedUserId>,
}

/// Who got a first pusher lately: for whoever delivers notifications.
pub struct Arrivals(pub(crate) mpsc::UnboundedReceiver<OwnedUserId>);

impl Pushers {
    /// The pushers in a store; and who gets new ones, for [`PushDelivery`](crate::PushDelivery).
    #[must_use]
    pub fn new(store: Store, ambient: Ambient, config: PushersConfig) -> (Self, Arrivals) {
        let (arrived, arrivals) = mpsc::unbounded_channel();
        (Self { store, ambient, config, arrived }, Arrivals(arrivals))
    }

    /// The pushers of a user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, user_id: &UserId) -> Result<Vec<KnownPusher>, PushError> {
        let snapshot = self.store.snapshot().await?;
        let rows = pushers_of(&snapshot, user_id).await?;
        let known = |row: PusherRow| {
            let (pusher, enabled) = (row.pusher()?, !row.silent);
            Ok(KnownPusher { pusher, enabled, device_id: row.device_id })
        };
        rows.into_iter().map(|row| known(row.value)).collect()
    }

    /// Sets a pusher, or changes the one with its app id and push key. Unless it is to `append`,
    /// other users' pushers with the same app id and key end: another person uses the phone now.
    ///
    /// `enabled` says whether it is to tell anything, yes if it doesn't say. Who says so for a pusher
    /// of another of their devices doesn't make it theirs
    /// ([MSC3881](https://github.com/matrix-org/matrix-spec-proposals/pull/3881)).
    ///
    /// # Errors
    /// [`PushError::InvalidPusher`] if a value can't be used; when the store fails.
    pub async fn set(
        &self,
        requester: &Requester,
        pusher: &Pusher,
        append: bool,
        enabled: Option<bool>,
    ) -> Result<(), PushError> {
        self.check(pusher)?;
        let json = serde_json::to_string(pusher)
            .map_err(|error| PushError::InvalidPusher(error.to_string()))?;
        if json.len() > MAX_PUSHER {
            return Err(invalid("a pusher has at most 16 KiB: shorten its names and data"));
        }
        for _ in 0..ATTEMPTS {
            match self.try_set(requester, &pusher.ids, json.clone(), append, enabled).await {
                Err(PushError::Conflict) => {}
                Ok(()) => {
                    // Nobody listens where notifications aren't delivered.
                    let _ = self.arrived.send(requester.user_id.clone());
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Err(PushError::Conflict)
    }

    async fn try_set(
        &self,
        requester: &Requester,
        ids: &PusherIds,
        json: String,
        append: bool,
        enabled: Option<bool>,
    ) -> Result<(), PushError> {
        let PusherIds { app_id, pushkey, .. } = ids;
        let user_id = &requester.user_id;
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        let key = (user_id, app_id, pushkey);
        let former = snapshot.get_versioned(&PUSHER, key).await?;
        if former.is_none() && pushers_of(&snapshot, user_id).await?.len() >= MAX_PUSHERS {
            return Err(PushError::TooManyPushers);
        }
        let version = former.as_ref().map(|(_, version)| *version);
        // What happened while it was silent stays untold.
        let told_since = former.as_ref().filter(|(row, _)| !row.silent).map(|(row, _)| row.since);
        let since = told_since.unwrap_or(snapshot.position());
        let others = former.filter(|_| enabled.is_some()).map(|(row, _)| row.device_id);
        let silent = enabled == Some(false);
        if silent {
            pending::stage_forgetting(&snapshot, &mut batch, user_id, app_id, pushkey).await?;
        }
        let row = PusherRow {
            device_id: others.unwrap_or_else(|| requester.device_id.clone()),
            json,
            set_ms: self.ambient.now_ms(),
            since,
            silent,
        };
        batch
            .require(&PUSHER, key, Expect::unchanged(version))
            .put(&PUSHER, key, &row)
            .put(&PUSHER_USERS, (app_id, pushkey, user_id), &PusherUserRow {})
            .touch(Touch::row(&PUSHER, key));
        if !append {
            let range = PUSHER_USERS.prefix((app_id, pushkey));
            let users =
                snapshot.scan(&PUSHER_USERS, range, MAX_USERS_OF_KEY, Direction::Forward).await?;
            for other in users.into_iter().map(|row| row.key.2).filter(|other| other != user_id) {
                stage_end(&snapshot, &mut batch, &other, app_id, pushkey).await?;
            }
        }
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Ends a pusher of a user. One that isn't there is ended already.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(&self, user_id: &UserId, ids: &PusherIds) -> Result<(), PushError> {
        let PusherIds { app_id, pushkey, .. } = ids;
        // Longer ones were never set, and can't be looked up.
        if app_id.len() > MAX_APP_ID || pushkey.len() > MAX_PUSHKEY {
            return Ok(());
        }
        for _ in 0..ATTEMPTS {
            let snapshot = self.store.snapshot().await?;
            let mut batch = Batch::new();
            stage_end(&snapshot, &mut batch, user_id, app_id, pushkey).await?;
            drop(snapshot);
            if batch.is_empty() {
                return Ok(());
            }
            match self.store.commit(batch).await.map_err(PushError::from) {
                Err(PushError::Conflict) => {}
                done => return done.map(|_| ()),
            }
        }
        Err(PushError::Conflict)
    }

    fn check(&self, pusher: &Pusher) -> Result<(), PushError> {
        let PusherIds { app_id, pushkey, .. } = &pusher.ids;
        if app_id.is_empty() || app_id.len() > MAX_APP_ID {
            return Err(invalid("app_id: 1 to 64 bytes"));
        }
        if pushkey.is_empty() || pushkey.len() > MAX_PUSHKEY {
            return Err(invalid("pushkey: 1 to 512 bytes"));
        }
        let http = match &pusher.kind {
            PusherKind::Http(http) => http,
            PusherKind::Email(_) => {
                return Err(invalid("kind: this server sends no notifications by mail; use http"));
            }
            _ => return Err(invalid("kind: not http")),
        };
        let url = Url::parse(&http.url).map_err(|error| invalid(format!("data.url: {error}")))?;
        // A gateway's address is an HTTPS one whose path is that of the push gateway API.
        let is_encrypted = url.scheme() == "https";
        if !(is_encrypted || (url.scheme() == "http" && self.config.allow_plain_http)) {
            return Err(invalid("data.url: an address that begins with https://"));
        }
        if url.path() != GATEWAY_PATH {
            return Err(invalid("data.url: an address whose path is /_matrix/push/v1/notify"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("data.url: an address without user name and password"));
        }
        Ok(())
    }
}

/// Ends a pusher and what waits to be told to it; adds nothing to the batch if there is none.
pub(crate) async fn stage_end(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user_id: &UserId,
    app_id: &str,
    pushkey: &str,
) -> Result<(), pli_store::StoreError> {
    let key = (user_id, app_id, pushkey);
    let Some((_, version)) = snapshot.get_versioned(&PUSHER, key).await? else { return Ok(()) };
    batch
        .require(&PUSHER, key, Expect::Version(version))
        .delete(&PUSHER, key)
        .delete(&PUSHER_USERS, (app_id, pushkey, user_id));
    pending::stage_forgetting(snapshot, batch, user_id, app_id, pushkey).await
}

/// All pushers of a user.
pub(crate) async fn pushers_of(
    snapshot: &Snapshot,
    user_id: &UserId,
) -> Result<Vec<Row<(OwnedUserId, String, String), PusherRow>>, pli_store::StoreError> {
    snapshot.scan(&PUSHER, PUSHER.prefix((user_id,)), MAX_PUSHERS, Direction::Forward).await
}

fn invalid(text: impl Into<String>) -> PushError {
    PushError::InvalidPusher(text.into())
}

/// Ends a device's pushers together with the device.
pub struct EndWithDevice;

impl EndWithDevice {
    /// The hook for [`Assembly::build`](pli_accounts::Assembly::build).
    #[must_use]
    pub fn hook() -> Arc<dyn DeviceRemoved> {
        Arc::new(Self)
    }
}

impl DeviceRemoved for EndWithDevice {
    fn stage_removal<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        batch: &'a mut Batch,
        user_id: &'a UserId,
        device_id: &'a DeviceId,
    ) -> BoxFuture<'a, Result<(), AccountsError>> {
        Box::pin(async move {
            let ended = |row: &Row<_, PusherRow>| row.value.device_id == *device_id;
            for row in pushers_of(snapshot, user_id).await?.into_iter().filter(ended) {
                let (user_id, app_id, pushkey) = row.key;
                stage_end(snapshot, batch, &user_id, &app_id, &pushkey).await?;
            }
            Ok(())
        })
    }
}
