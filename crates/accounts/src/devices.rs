//! Devices: what a user is signed in on (client-server API, section "Device management").

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use pli_store::{
    Batch, Direction, Expect, Keyspace, Position, Record, Snapshot, Store, Touch, ambient::Ambient,
};
use quick_cache::sync::Cache;
use ruma::{DeviceId, OwnedDeviceId, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use crate::{
    AccountsError, Requester, Sessions,
    device_lists::DeviceLists,
    sessions::{IssuedTokens, RevokedTokens, SessionSource},
};

/// user, device → the device.
pub(crate) const DEVICES: Keyspace<(OwnedUserId, OwnedDeviceId), DeviceRecord> =
    Keyspace::new("devices");
/// user, device → when and from where it was seen last.
pub(crate) const LAST_SEEN: Keyspace<(OwnedUserId, OwnedDeviceId), LastSeenRecord> =
    Keyspace::new("device_last_seen");

/// How long a device id or name may be, in bytes.
const MAX_NAME_LENGTH: usize = 255;
/// How many devices a user may have: more than anybody needs, few enough to list.
pub const MAX_DEVICES: usize = 1_000;
/// When a device was seen is written at most this often.
const LAST_SEEN_RESOLUTION: Duration = Duration::from_secs(5 * 60);
/// For how many devices the time of the last such write is remembered in memory.
const LAST_SEEN_CACHE: usize = 50_000;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceRecord {
    pub(crate) display_name: Option<String>,
    pub(crate) created_ms: u64,
}

impl Record for DeviceRecord {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LastSeenRecord {
    ms: u64,
    ip: String,
}

impl Record for LastSeenRecord {}

/// A device as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The device's id.
    pub device_id: OwnedDeviceId,
    /// Its name, if it has one.
    pub display_name: Option<String>,
    /// From where it was seen last.
    pub last_seen_ip: Option<String>,
    /// When it was seen last (to about five minutes), in milliseconds since the Unix epoch.
    pub last_seen_ms: Option<u64>,
}

/// What a client says about the session that it wants.
#[derive(Clone, Debug, Default)]
pub struct SessionRequest {
    /// The device to sign in again, or the id that a new one wants to have.
    pub device_id: Option<OwnedDeviceId>,
    /// The name of a new device; ignored for a known one.
    pub initial_device_display_name: Option<String>,
    /// Whether the client can refresh its access token.
    pub refresh_token: bool,
}

/// A session just opened.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Whose it is.
    pub requester: Requester,
    /// Its tokens.
    pub tokens: IssuedTokens,
}

/// Somebody who keeps something per device and removes it in the same batch as the device.
pub trait DeviceRemoved: Send + Sync + 'static {
    /// Adds to the batch the removal of everything kept for this device. Called again from a fresh
    /// snapshot if the batch meets a conflict.
    fn stage_removal<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        batch: &'a mut Batch,
        user_id: &'a UserId,
        device_id: &'a DeviceId,
    ) -> BoxFuture<'a, Result<(), AccountsError>>;
}

/// The devices of the users of this server.
#[derive(Clone)]
pub struct Devices {
    store: Store,
    ambient: Ambient,
    sessions: Sessions,
    removal_hooks: Arc<[Arc<dyn DeviceRemoved>]>,
    seen: Arc<Cache<Requester, u64>>,
}

impl Devices {
    /// The devices in a store. The hooks are asked whenever a device is removed.
    #[must_use]
    pub fn new(
        store: Store,
        ambient: Ambient,
        sessions: Sessions,
        removal_hooks: Vec<Arc<dyn DeviceRemoved>>,
    ) -> Self {
        Self {
            store,
            ambient,
            sessions,
            removal_hooks: removal_hooks.into(),
            seen: Arc::new(Cache::new(LAST_SEEN_CACHE)),
        }
    }

    /// Whether a user has this device.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn exists_at(
        snapshot: &Snapshot,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<bool, AccountsError> {
        Ok(snapshot.get(&DEVICES, (user_id, device_id)).await?.is_some())
    }

    /// The ids of all devices of a user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ids_at(
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Vec<OwnedDeviceId>, AccountsError> {
        let rows = snapshot
            .scan(&DEVICES, DEVICES.prefix((user_id,)), MAX_DEVICES, Direction::Forward)
            .await?;
        Ok(rows.into_iter().map(|row| row.key.1).collect())
    }

    /// The names of all devices of a user that have one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn names_at(
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Vec<(OwnedDeviceId, Option<String>)>, AccountsError> {
        let rows = snapshot
            .scan(&DEVICES, DEVICES.prefix((user_id,)), MAX_DEVICES, Direction::Forward)
            .await?;
        Ok(rows.into_iter().map(|row| (row.key.1, row.value.display_name)).collect())
    }

    /// All devices of a user.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self, user_id: &UserId) -> Result<Vec<Device>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let prefix = (user_id,);
        let devices = snapshot
            .scan(&DEVICES, DEVICES.prefix(prefix), MAX_DEVICES, Direction::Forward)
            .await?;
        let keys = devices.iter().map(|row| (user_id, &row.key.1));
        let seen = snapshot.get_many(&LAST_SEEN, keys).await?;
        let with_seen = devices.into_iter().zip(seen);
        Ok(with_seen
            .map(|(row, seen)| device(row.key.1, row.value, seen.map(|(seen, _)| seen)))
            .collect())
    }

    /// One device of a user.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if the user has no such device; when the store fails.
    pub async fn get(
        &self,
        user_id: &UserId,
        device_id: &DeviceId,
    ) -> Result<Device, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let key = (user_id, device_id);
        let record = snapshot.get(&DEVICES, key).await?.ok_or_else(no_such_device)?;
        let seen = snapshot.get(&LAST_SEEN, key).await?;
        Ok(device(device_id.to_owned(), record, seen))
    }

    /// Gives a device another name, or none.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if the user has no such device, [`AccountsError::TooLarge`] for an
    /// overlong name; when the store fails.
    pub async fn rename(
        &self,
        user_id: &UserId,
        device_id: &DeviceId,
        display_name: Option<String>,
    ) -> Result<(), AccountsError> {
        check_display_name(display_name.as_deref())?;
        retry_on_conflict!(self.try_rename(user_id, device_id, display_name.as_deref()).await)
    }

    async fn try_rename(
        &self,
        user_id: &UserId,
        device_id: &DeviceId,
        display_name: Option<&str>,
    ) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let key = (user_id, device_id);
        let (mut record, version) =
            snapshot.get_versioned(&DEVICES, key).await?.ok_or_else(no_such_device)?;
        record.display_name = display_name.map(str::to_owned);
        let mut batch = Batch::new();
        batch.require(&DEVICES, key, Expect::Version(version)).put(&DEVICES, key, &record);
        // Others see the name beside the device's keys.
        DeviceLists::changed(&snapshot, &mut batch, user_id).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(())
    }

    /// Creates a device without a session, for an application service that acts for the user; gives a
    /// known one the name, if there is one. Returns whether the device is new.
    ///
    /// # Errors
    /// [`AccountsError::InvalidParam`] for an id that can't be a device's,
    /// [`AccountsError::TooLarge`] for an overlong name, [`AccountsError::Forbidden`] if the user
    /// has too many devices; when the store fails.
    pub async fn create(
        &self,
        user_id: &UserId,
        device_id: &DeviceId,
        display_name: Option<String>,
    ) -> Result<bool, AccountsError> {
        check_device_id(device_id)?;
        check_display_name(display_name.as_deref())?;
        let is_new =
            retry_on_conflict!(self.try_create(user_id, device_id, display_name.as_deref()).await)?;
        if !is_new && display_name.is_some() {
            self.rename(user_id, device_id, display_name).await?;
        }
        Ok(is_new)
    }

    async fn try_create(
        &self,
        user_id: &UserId,
        device_id: &DeviceId,
        display_name: Option<&str>,
    ) -> Result<bool, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let key = (user_id, device_id);
        if snapshot.get(&DEVICES, key).await?.is_some() {
            return Ok(false);
        }
        let mut batch = Batch::new();
        batch.require(&DEVICES, key, Expect::Absent);
        self.stage_device(&snapshot, &mut batch, user_id, device_id, display_name).await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(true)
    }

    /// Adds a device to a batch that requires that there is none with this id yet.
    async fn stage_device(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        device_id: &DeviceId,
        display_name: Option<&str>,
    ) -> Result<(), AccountsError> {
        let devices = Self::ids_at(snapshot, user_id).await?;
        if devices.len() >= MAX_DEVICES {
            return Err(AccountsError::forbidden(
                "this account is signed in on too many devices: sign out on some of them",
            ));
        }
        let record = DeviceRecord {
            display_name: display_name.map(str::to_owned),
            created_ms: self.ambient.now_ms(),
        };
        batch.put(&DEVICES, (user_id, device_id), &record).touch(Touch::User(user_id.to_owned()));
        Ok(())
    }

    /// Opens a session in a batch that does more: on a new device, or on a known one whose old
    /// tokens end.
    pub(crate) async fn stage_session(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        request: &SessionRequest,
    ) -> Result<(NewSession, RevokedTokens), AccountsError> {
        let source = SessionSource::default();
        self.stage_session_from(snapshot, batch, user_id, request, source).await
    }

    /// The same as [`Self::stage_session`], for a session that comes of a grant to an OAuth 2.0
    /// client or of a sign-in elsewhere.
    pub(crate) async fn stage_session_from(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        request: &SessionRequest,
        source: SessionSource<'_>,
    ) -> Result<(NewSession, RevokedTokens), AccountsError> {
        check_display_name(request.initial_device_display_name.as_deref())?;
        let device_id = match &request.device_id {
            Some(device_id) => {
                check_device_id(device_id)?;
                device_id.clone()
            }
            None => self.new_device_id(),
        };
        let key = (user_id, &*device_id);
        let known: Option<(DeviceRecord, Position)> = snapshot.get_versioned(&DEVICES, key).await?;
        // A device that is being removed right now must not keep a session.
        let version = known.as_ref().map(|(_, version)| *version);
        batch.require(&DEVICES, key, Expect::unchanged(version));
        if known.is_none() {
            let display_name = request.initial_device_display_name.as_deref();
            self.stage_device(snapshot, batch, user_id, &device_id, display_name).await?;
        }
        let (tokens, revoked) = self
            .sessions
            .stage_tokens(snapshot, batch, user_id, &device_id, request.refresh_token, source)
            .await?;
        let requester = Requester::new(user_id.to_owned(), device_id);
        Ok((NewSession { requester, tokens }, revoked))
    }

    fn new_device_id(&self) -> OwnedDeviceId {
        self.ambient.random_string(10).to_ascii_uppercase().into()
    }

    /// Removes devices of a user with all that belongs to them: signs them out. Devices that the user
    /// doesn't have are ignored, so that doing it twice is fine.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(
        &self,
        user_id: &UserId,
        device_ids: &[OwnedDeviceId],
    ) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_remove(user_id, device_ids).await)
    }

    async fn try_remove(
        &self,
        user_id: &UserId,
        device_ids: &[OwnedDeviceId],
    ) -> Result<(), AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        let revoked = self.stage_removals(&snapshot, &mut batch, user_id, device_ids).await?;
        drop(snapshot);
        if batch.is_empty() {
            return Ok(());
        }
        self.store.commit(batch).await?;
        self.sessions.forget(revoked);
        Ok(())
    }

    /// Removes all devices of a user except one, if given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove_all(
        &self,
        user_id: &UserId,
        except: Option<&DeviceId>,
    ) -> Result<(), AccountsError> {
        let mut device_ids = Self::ids_at(&self.store.snapshot().await?, user_id).await?;
        device_ids.retain(|device_id| Some(&**device_id) != except);
        self.remove(user_id, &device_ids).await
    }

    /// Ends what [`Self::stage_removals`] said, after the commit.
    pub(crate) fn forget(&self, revoked: RevokedTokens) {
        self.sessions.forget(revoked);
    }

    /// Removes devices in a batch that does more. Pass the result to [`Sessions::forget`] after the
    /// commit.
    pub(crate) async fn stage_removals(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        device_ids: &[OwnedDeviceId],
    ) -> Result<RevokedTokens, AccountsError> {
        let mut revoked = RevokedTokens::default();
        let mut removed = false;
        for device_id in device_ids {
            let key = (user_id, device_id);
            let Some((_, version)) = snapshot.get_versioned(&DEVICES, key).await? else { continue };
            removed = true;
            batch
                .require(&DEVICES, key, Expect::Version(version))
                .delete(&DEVICES, key)
                .delete(&LAST_SEEN, key);
            revoked
                .extend(self.sessions.stage_revocation(snapshot, batch, user_id, device_id).await?);
            for hook in self.removal_hooks.iter() {
                hook.stage_removal(snapshot, batch, user_id, device_id).await?;
            }
        }
        if removed {
            batch
                .touch(Touch::DeviceList(user_id.to_owned()))
                .touch(Touch::User(user_id.to_owned()));
        }
        Ok(revoked)
    }

    /// Notes that a device was just seen. Cheap: written at most every five minutes per device.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn seen(&self, requester: &Requester, ip: IpAddr) -> Result<(), AccountsError> {
        let now_ms = self.ambient.now_ms();
        let resolution_ms = u64::try_from(LAST_SEEN_RESOLUTION.as_millis()).unwrap_or(u64::MAX);
        let written_ms = self.seen.get(requester);
        if written_ms.is_some_and(|written_ms| now_ms < written_ms.saturating_add(resolution_ms)) {
            return Ok(());
        }
        // Before the write, so that requests at the same time don't all write.
        self.seen.insert(requester.clone(), now_ms);

        let key = (&requester.user_id, &requester.device_id);
        let snapshot = self.store.snapshot().await?;
        let Some((_, version)) = snapshot.get_versioned(&DEVICES, key).await? else {
            return Ok(());
        };
        drop(snapshot);
        let mut batch = Batch::new();
        batch.require(&DEVICES, key, Expect::Version(version)).put(
            &LAST_SEEN,
            key,
            &LastSeenRecord { ms: now_ms, ip: ip.to_string() },
        );
        match self.store.commit(batch).await.map_err(AccountsError::from) {
            // The device was renamed or removed meanwhile: the next request notes it.
            Err(error) if error.is_conflict() => Ok(()),
            outcome => outcome.map(drop),
        }
    }
}

fn device(device_id: OwnedDeviceId, record: DeviceRecord, seen: Option<LastSeenRecord>) -> Device {
    let (last_seen_ms, last_seen_ip) = seen.map(|seen| (seen.ms, seen.ip)).unzip();
    Device { device_id, display_name: record.display_name, last_seen_ip, last_seen_ms }
}

fn no_such_device() -> AccountsError {
    AccountsError::not_found("there is no such device")
}

pub(crate) fn check_display_name(name: Option<&str>) -> Result<(), AccountsError> {
    if name.is_some_and(|name| name.len() > MAX_NAME_LENGTH) {
        return Err(AccountsError::TooLarge("a device's name can have at most 255 bytes".into()));
    }
    Ok(())
}

pub(crate) fn check_device_id(device_id: &DeviceId) -> Result<(), AccountsError> {
    let text = device_id.as_str();
    if text.is_empty() || text.len() > MAX_NAME_LENGTH || text.chars().any(char::is_control) {
        return Err(AccountsError::invalid_param(
            "a device id has 1 to 255 bytes and no control characters",
        ));
    }
    Ok(())
}
