//! The services that the operator registered: who may act for whom, and whose names are whose.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use pli_accounts::{
    Accounts, AccountsError, ActingService, Devices, Registration as SignUp, Requester,
    accounts::UserRecord, devices::SessionRequest, registration::Registered,
};
use pli_outbound::Outbound;
use pli_rooms::Rooms;
use pli_store::{Batch, Direction, Position, Store};
use ruma::{
    OwnedDeviceId, OwnedRoomId, OwnedUserId, RoomAliasId, UserId, events::presence::PresenceEvent,
};
use subtle::ConstantTimeEq;
use tokio::sync::Notify;
use url::form_urlencoded;

use crate::{
    AppServiceError, Registration,
    courier::Inbox,
    state::{SERVICE_STATE, ServiceState},
    transport::Transport,
};

/// How many rows one look at all services takes.
const MANY: usize = 10_000;

/// A registered service.
pub(crate) struct Service {
    pub(crate) registration: Registration,
    /// What there may be to tell it.
    pub(crate) inbox: Inbox,
    /// Says that it is there again: a failed transaction needn't wait any longer.
    pub(crate) is_back: Notify,
    /// Up to where what it was told is on the disk.
    pub(crate) told: AtomicU64,
}

/// What [`AppServices`] works with.
pub struct AppServicesParts {
    /// The services.
    pub registrations: Vec<Registration>,
    /// The accounts of this server.
    pub accounts: Accounts,
    /// Where accounts are created.
    pub sign_up: SignUp,
    /// The store.
    pub store: Store,
    /// The rooms of this server.
    pub rooms: Rooms,
    /// The client for requests to the services.
    pub outbound: Outbound,
}

/// The application services of this server. Cheap to clone.
#[derive(Clone)]
pub struct AppServices {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) accounts: Accounts,
    sign_up: SignUp,
    pub(crate) store: Store,
    pub(crate) rooms: Rooms,
    pub(crate) transport: Transport,
}

/// For whom a service says that it acts.
#[derive(Default)]
struct Masquerade {
    user_id: Option<String>,
    device_id: Option<String>,
}

impl Masquerade {
    fn of(query: Option<&str>) -> Self {
        let mut masquerade = Self::default();
        let mut unstable_device_id = None;
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match &*name {
                "user_id" => masquerade.user_id = Some(value.into_owned()),
                "device_id" => masquerade.device_id = Some(value.into_owned()),
                "org.matrix.msc3202.device_id" => unstable_device_id = Some(value.into_owned()),
                _ => {}
            }
        }
        masquerade.device_id = masquerade.device_id.or(unstable_device_id);
        masquerade
    }
}

impl AppServices {
    /// These services. Nobody else can have their user ids from now on.
    #[must_use]
    pub fn new(parts: AppServicesParts) -> Self {
        let AppServicesParts { registrations, accounts, sign_up, store, rooms, outbound } = parts;
        let services = registrations.into_iter().map(|registration| {
            Arc::new(Service {
                registration,
                inbox: Inbox::default(),
                is_back: Notify::new(),
                told: AtomicU64::new(0),
            })
        });
        let transport = Transport::new(outbound);
        let services: Vec<_> = services.collect();
        let reserving = services.clone();
        sign_up.reserve(Box::new(move |user_id| {
            reserving.iter().any(|service| service.registration.reserves(user_id))
        }));
        let inner = Inner { services, accounts, sign_up, store, rooms, transport };
        Self { inner: Arc::new(inner) }
    }

    /// Makes ready for serving: the services' own users exist, and what happens from now on is kept
    /// for them. Forgets services that are no longer registered.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare(&self) -> Result<(), AppServiceError> {
        let Inner { services, sign_up, store, rooms, .. } = &*self.inner;
        for service in services {
            let localpart = service.registration.sender.localpart();
            match sign_up.register_for_service(localpart, None).await {
                Ok(_) | Err(AccountsError::UserInUse) => {}
                Err(error) => return Err(error.into()),
            }
        }

        let listeners: Vec<_> =
            services.iter().filter(|service| service.registration.url.is_some()).collect();
        let snapshot = store.snapshot().await?;
        let position = snapshot.position();
        let known =
            snapshot.scan(&SERVICE_STATE, SERVICE_STATE.all(), MANY, Direction::Forward).await?;
        drop(snapshot);
        let mut batch = Batch::new();
        for row in &known {
            if !listeners.iter().any(|service| service.registration.id == row.key) {
                batch.delete(&SERVICE_STATE, &row.key);
            }
        }
        for service in &listeners {
            let id = &service.registration.id;
            let told = match known.iter().find(|row| row.key == *id) {
                Some(row) => row.value.position,
                // A new service isn't told what was before.
                None => {
                    let state = ServiceState { position, ..ServiceState::default() };
                    batch.put(&SERVICE_STATE, id, &state);
                    position
                }
            };
            service.told.store(told.0, Ordering::Relaxed);
        }
        if !batch.is_empty() {
            store.commit(batch).await?;
        }
        if listeners.is_empty() {
            return Ok(rooms.forget_news(position).await?);
        }
        rooms.keep_news();
        Ok(())
    }

    /// Tells the services that want to know it how somebody's presence is now. `rooms` are those that
    /// they are joined to: a service hears of people whom its users share a room with.
    pub fn tell_presence(&self, event: &PresenceEvent, rooms: &[OwnedRoomId]) {
        for service in &self.inner.services {
            let registration = &service.registration;
            if registration.receives_ephemeral && registration.url.is_some() {
                service.inbox.presence_of(event, rooms);
            }
        }
    }

    /// Up to where all services have been told what happens.
    pub(crate) fn told(&self) -> Position {
        let listeners = self.inner.services.iter();
        let told = listeners
            .filter(|service| service.registration.url.is_some())
            .map(|service| service.told.load(Ordering::Relaxed));
        Position(told.min().unwrap_or(0))
    }

    /// Whether there is any service.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inner.services.is_empty()
    }

    /// Who a request is from whose access token is a service's; `None` if it isn't. The request's
    /// query says for whom the service acts.
    ///
    /// # Errors
    /// [`AppServiceError::Forbidden`] if the user is not the service's, or not registered;
    /// [`AppServiceError::UnknownDevice`]; [`AppServiceError::InvalidParam`] if it isn't a user id;
    /// when the store fails.
    pub async fn authenticate(
        &self,
        token: &str,
        query: Option<&str>,
    ) -> Result<Option<Requester>, AppServiceError> {
        let Some(service) = self.by_token(token) else { return Ok(None) };
        let registration = &service.registration;
        let Masquerade { user_id, device_id } = Masquerade::of(query);
        let user_id = match user_id {
            Some(user_id) => {
                let user_id = parse_user_id(&user_id)?;
                Self::check_acts_for(registration, &user_id)?;
                user_id
            }
            None => registration.sender.clone(),
        };
        let account = self.active_account(&user_id).await?;
        let device_id = OwnedDeviceId::from(device_id.unwrap_or_default());
        if !device_id.as_str().is_empty() {
            let snapshot = self.inner.store.snapshot().await?;
            if !Devices::exists_at(&snapshot, &user_id, &device_id).await? {
                return Err(AppServiceError::UnknownDevice);
            }
        }
        // The service's own user is never limited, its other users are if the operator says so.
        let is_sender = user_id == registration.sender;
        let acting = ActingService {
            id: registration.id.clone(),
            is_rate_limited: registration.is_rate_limited && !is_sender,
            manages_devices: registration.manages_devices,
        };
        Ok(Some(Requester {
            app_service: Some(Arc::new(acting)),
            standing: account.standing,
            ..Requester::new(user_id, device_id)
        }))
    }

    fn check_acts_for(
        registration: &Registration,
        user_id: &UserId,
    ) -> Result<(), AppServiceError> {
        if registration.acts_for(user_id) {
            return Ok(());
        }
        Err(AppServiceError::Forbidden(format!(
            "the application service can't act for {user_id}: it is not in its namespace"
        )))
    }

    /// The account of a user to act for.
    async fn active_account(&self, user_id: &UserId) -> Result<UserRecord, AppServiceError> {
        let account = self.inner.accounts.get(user_id).await?;
        account.filter(|account| account.deactivated_ms.is_none()).ok_or_else(|| {
            AppServiceError::Forbidden(format!(
                "the application service has not registered {user_id}"
            ))
        })
    }

    fn by_token(&self, token: &str) -> Option<&Arc<Service>> {
        let is_its = |service: &&Arc<Service>| {
            bool::from(service.registration.as_token.as_bytes().ct_eq(token.as_bytes()))
        };
        self.inner.services.iter().find(is_its)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Arc<Service>> {
        self.inner.services.iter().find(|service| service.registration.id == id)
    }

    pub(crate) fn acting(&self, requester: &Requester) -> Option<&Arc<Service>> {
        self.by_id(&requester.app_service.as_ref()?.id)
    }

    /// Creates an account for a service, and a session unless it manages devices itself.
    ///
    /// # Errors
    /// [`AppServiceError::Exclusive`] for a name that isn't the service's,
    /// [`AppServiceError::LoginUnsupported`]; as [`pli_accounts::Registration`].
    pub async fn register(
        &self,
        requester: &Requester,
        username: &str,
        session: Option<SessionRequest>,
    ) -> Result<Registered, AppServiceError> {
        if session.is_some() && manages_devices(requester) {
            return Err(AppServiceError::LoginUnsupported);
        }
        let sign_up = &self.inner.sign_up;
        let user_id = sign_up.user_id_for_service(username)?;
        self.check_user_id(requester, &user_id)?;
        Ok(sign_up.register_for_service(username, session).await?)
    }

    /// Whether a service may sign in as a user.
    ///
    /// # Errors
    /// [`AppServiceError::LoginUnsupported`], [`AppServiceError::Exclusive`] if the user isn't the
    /// service's, [`AppServiceError::Forbidden`] if it didn't register them.
    pub async fn check_login(
        &self,
        requester: &Requester,
        user_id: &UserId,
    ) -> Result<(), AppServiceError> {
        if manages_devices(requester) {
            return Err(AppServiceError::LoginUnsupported);
        }
        match self.acting(requester) {
            Some(service) if service.registration.acts_for(user_id) => {
                self.active_account(user_id).await.map(drop)
            }
            _ => Err(AppServiceError::Exclusive(format!(
                "{user_id} is not in the application service's namespace"
            ))),
        }
    }

    /// Whether a service may have a user id: it is one of its own, and not reserved for another
    /// service.
    fn check_user_id(
        &self,
        requester: &Requester,
        user_id: &UserId,
    ) -> Result<(), AppServiceError> {
        let is_reserved = |registration: &Registration| registration.reserves(user_id);
        let owns = |registration: &Registration| registration.acts_for(user_id);
        self.check_name(requester, is_reserved, owns, "user id")
    }

    /// Whether somebody may make or remove an alias: it is not reserved for a service other than
    /// theirs, and a service takes only aliases of its own.
    ///
    /// # Errors
    /// [`AppServiceError::Exclusive`].
    pub fn check_alias(
        &self,
        requester: &Requester,
        alias: &RoomAliasId,
    ) -> Result<(), AppServiceError> {
        let is_reserved =
            |registration: &Registration| registration.aliases.reserves(alias.as_str());
        let owns = |registration: &Registration| registration.aliases.contains(alias.as_str());
        self.check_name(requester, is_reserved, owns, "alias")
    }

    /// Whether somebody may make a room with an alias of this server; see
    /// [`AppServices::check_alias`]. What can't be part of an alias passes: it is refused elsewhere.
    ///
    /// # Errors
    /// [`AppServiceError::Exclusive`].
    pub fn check_alias_localpart(
        &self,
        requester: &Requester,
        localpart: &str,
    ) -> Result<(), AppServiceError> {
        let server_name = self.inner.accounts.server_name();
        match RoomAliasId::parse(format!("#{localpart}:{server_name}")) {
            Ok(alias) => self.check_alias(requester, &alias),
            Err(_) => Ok(()),
        }
    }

    fn check_name(
        &self,
        requester: &Requester,
        is_reserved: impl Fn(&Registration) -> bool,
        owns: impl Fn(&Registration) -> bool,
        kind: &str,
    ) -> Result<(), AppServiceError> {
        let own = self.acting(requester);
        if own.is_some_and(|own| !owns(&own.registration)) {
            return Err(AppServiceError::Exclusive(format!(
                "the {kind} is not in the application service's namespace"
            )));
        }
        let is_anothers = |service: &Arc<Service>| {
            own.is_none_or(|own| !Arc::ptr_eq(own, service)) && is_reserved(&service.registration)
        };
        if self.inner.services.iter().any(is_anothers) {
            return Err(AppServiceError::Exclusive(format!(
                "the {kind} is reserved for an application service: choose another one"
            )));
        }
        Ok(())
    }
}

fn parse_user_id(text: &str) -> Result<OwnedUserId, AppServiceError> {
    UserId::parse(text)
        .map_err(|_| AppServiceError::InvalidParam("user_id is no user id".to_owned()))
}

fn manages_devices(requester: &Requester) -> bool {
    requester.app_service.as_ref().is_some_and(|service| service.manages_devices)
}
