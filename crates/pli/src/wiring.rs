//! Which service gets what: the one place that knows them all.

use std::{path::Path, sync::OnceLock};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use pli_accounts::{
    Assembly, AssemblyConfig, DehydratedDevices, MailSender, Moderation, OpenIdTokens, Reports,
    Upstream,
    backup::KeyBackup,
    keys::{CrossSigning, DeviceKeys},
    to_device::ToDevice,
};
use pli_appservice::{AppServices, AppServicesParts, Courier};
use pli_events::SigningKey;
use pli_http::{
    AppState, Services,
    departures::Departures,
    layer::{
        drain::Drain,
        echo::Echoes,
        measure::{self, REQUEST_DURATION, REQUEST_DURATION_BUCKETS},
        rate_limit::{Limits, RateLimiter},
    },
    oauth::{UpstreamProvider, UpstreamProviders},
    server_notices::{ServerNotices, ServerNoticesParts},
    state::Settings,
};
use pli_media::{Media, MediaConfig, previews::UrlPreviews};
use pli_outbound::{Outbound, OutboundConfig, Reach};
use pli_push::{
    Arrivals, EndWithDevice, Notifications, PushDelivery, PushDeliveryParts, PushRules, Pushers,
    PushersConfig, Unread,
};
use pli_rooms::{Calls, DelayedEvents, PolicyServer, Rooms, RoomsConfig};
use pli_store::{Store, ambient::Ambient};
use pli_sync::{Announced, Sync};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinHandle,
};

use crate::{
    config::{Config, RateLimits},
    server::ServerError,
    upgrade,
};

/// The services, ready to serve, and the tasks that work beside them.
pub(crate) struct Wired {
    pub(crate) state: AppState,
    pub(crate) background: Vec<JoinHandle<()>>,
}

pub(crate) async fn wire(
    config: &Config,
    store: &Store,
    ambient: &Ambient,
    drain: &Drain,
) -> Result<Wired, ServerError> {
    let failed = |error: &dyn std::fmt::Display| ServerError::Service(error.to_string());

    upgrade::begin(store).await?;
    let assembly_config = AssemblyConfig {
        server_name: config.server_name.clone(),
        public_url: config.public_url.clone(),
        registration: config.registration.clone(),
        passwords: config.passwords.clone(),
        sessions: config.sessions.clone(),
        oauth: config.oauth.clone(),
        upstream: config.upstream.clone(),
    };
    let accounts = Assembly::build(store, ambient, assembly_config, vec![EndWithDevice::hook()])
        .map_err(|error| failed(&error))?;

    let policy_server = config.rooms.policy_server.as_ref();
    let policy_server = policy_server
        .map(|url| PolicyServer::new(url.as_str().trim_end_matches('/')))
        .transpose()
        .map_err(|error| failed(&error))?;
    let rooms_config = RoomsConfig {
        default_room_version: config.rooms.default_version.clone(),
        policy_server,
        ..RoomsConfig::new(config.server_name.clone())
    };
    let signing_key = signing_key(&config.data_dir, ambient)?;
    let rooms = Rooms::new(store.clone(), ambient.clone(), rooms_config, signing_key);
    let dehydrated_devices =
        DehydratedDevices::new(store.clone(), ambient.clone(), accounts.devices.clone());
    let open_id_tokens = OpenIdTokens::new(store.clone(), ambient.clone());
    let calls = Calls::new(rooms.clone(), open_id_tokens, config.rtc.livekit());
    let delayed_events = DelayedEvents::new(rooms.clone(), config.delayed_events.limits());
    let typing = rooms.typing().clone();
    let app_services = app_services(config, store, &accounts, &rooms)?;
    app_services.prepare().await.map_err(|error| failed(&error))?;
    let courier = Courier::new(app_services.clone(), ambient.clone());
    let push_rules = PushRules::new(store.clone());
    let unread = Unread::new(rooms.clone(), push_rules.clone());
    let pushers_config = PushersConfig { allow_plain_http: config.push.allow_plain_http };
    let (pushers, arrivals) = Pushers::new(store.clone(), ambient.clone(), pushers_config);
    let push = push_delivery(config, store, ambient, &rooms, &unread, arrivals)?;
    let notifications =
        Notifications::new(store.clone(), ambient.clone(), rooms.clone(), unread.clone());
    let to_device = ToDevice::new(store.clone(), ambient.clone());
    let sync = Sync::start(
        store.clone(),
        ambient.clone(),
        rooms.clone(),
        typing.clone(),
        unread,
        to_device.clone(),
        config.presence.enabled,
    )
    .await?;

    let media_config = MediaConfig {
        max_upload: config.media.max_upload.as_u64(),
        quota_per_user: config.media.quota_per_user.map(|quota| quota.as_u64()),
        max_pending: config.media.max_pending,
        pending_lifetime: config.media.pending_lifetime,
        ..MediaConfig::new(config.media_store())
    };
    let media =
        Media::open(config.server_name.clone(), media_config, store.clone(), ambient.clone())
            .map_err(|error| failed(&error))?;
    let moderation = Moderation::new(accounts.accounts.clone(), accounts.sessions.clone());
    let server_notices = ServerNotices::new(ServerNoticesParts {
        config: config.server_notices.clone(),
        store: store.clone(),
        ambient: ambient.clone(),
        accounts: accounts.accounts.clone(),
        registration: accounts.registration.clone(),
        profiles: accounts.profiles.clone(),
        rooms: rooms.clone(),
    })
    .map_err(|error| failed(&error))?;
    let url_previews = UrlPreviews::new(&config.media.url_previews, media.clone())
        .map_err(|error| failed(&error))?;

    let mail =
        MailSender::new(store.clone(), ambient.clone(), accounts.mailer.clone(), &config.mail)
            .map_err(|error| failed(&error))?;
    let RateLimits { enabled, sign_ins_per_minute, sign_in_burst } = config.rate_limits;
    let sign_in_address = (sign_ins_per_minute, sign_in_burst);
    let limits = Limits { enabled, sign_in_address, ..Limits::default() };
    let rate_limiter = RateLimiter::new(&limits);
    let departures = Departures::new(accounts.credentials.clone(), rooms.clone());
    let mut background = vec![
        tokio::spawn(resume(departures, rooms.clone())),
        tokio::spawn(upgrade::upgrade(store.clone(), accounts.directory.clone(), rooms.clone())),
        tokio::spawn(rooms.clone().sweep_now_and_then()),
        tokio::spawn(mail.run()),
        tokio::spawn(delayed_events.clone().run()),
        tokio::spawn(courier.run()),
        tokio::spawn(push.run()),
        tokio::spawn(sync.presence().clone().run()),
        tokio::spawn(media.clone().sweep_now_and_then()),
        tokio::spawn(accounts.housekeeping.clone().run()),
        tokio::spawn(shrink_now_and_then(rate_limiter.clone())),
    ];
    if store.is_shared() {
        background.push(tokio::spawn(accounts.sessions.clone().follow_other_nodes()));
        background.push(tokio::spawn(rooms.clone().follow_other_nodes()));
    }
    if !app_services.is_empty() {
        let announced = sync.presence().subscribe();
        background.push(tokio::spawn(tell_presence(announced, app_services.clone())));
    }

    let state = AppState::from(Services {
        account_data: accounts.account_data,
        accounts: accounts.accounts,
        ambient: ambient.clone(),
        app_services,
        browser_sessions: accounts.browser_sessions,
        calls,
        clients: accounts.clients,
        credentials: accounts.credentials,
        cross_signing: CrossSigning::new(store.clone()),
        dehydrated_devices,
        delayed_events,
        device_keys: DeviceKeys::new(store.clone()),
        devices: accounts.devices,
        directory: accounts.directory,
        drain: drain.clone(),
        echoes: Echoes::default(),
        email_validation: accounts.validation,
        emails: accounts.emails,
        filters: accounts.filters,
        grants: accounts.grants,
        key_backup: KeyBackup::new(store.clone()),
        login: accounts.login,
        media,
        notifications,
        presence: sync.presence().clone(),
        moderation,
        openid_tokens: OpenIdTokens::new(store.clone(), ambient.clone()),
        profiles: accounts.profiles,
        push_rules,
        pushers,
        rate_limiter,
        registration: accounts.registration,
        rendezvous: accounts.rendezvous,
        reports: Reports::new(store.clone(), ambient.clone()),
        rooms,
        server_notices,
        sessions: accounts.sessions,
        settings: Settings {
            public_url: config.public_url.clone(),
            server_name: config.server_name.clone(),
            default_room_version: config.rooms.default_version.clone(),
            oauth: config.oauth.clone(),
            registration: config.registration.mode,
            directory_scope: config.directory.scope,
            open_legacy_media: config.media.open_legacy_endpoints,
            turn: config.turn.clone(),
            support: config.support.clone(),
        },
        shared_secret: accounts.shared_secret,
        store: store.clone(),
        sync,
        to_device,
        typing,
        upstream_providers: upstream_providers(&accounts.upstream),
        upstream: accounts.upstream,
        url_previews,
        user_interactive: accounts.user_interactive,
    });
    Ok(Wired { state, background })
}

fn upstream_providers(upstream: &Upstream) -> UpstreamProviders {
    let providers = upstream.providers();
    UpstreamProviders::new(
        providers.map(|(id, name)| UpstreamProvider { id: id.into(), name: name.into() }).collect(),
    )
}

fn app_services(
    config: &Config,
    store: &Store,
    accounts: &Assembly,
    rooms: &Rooms,
) -> Result<AppServices, ServerError> {
    // The operator says where services are: usually on this machine or its network.
    let outbound = Outbound::new(&OutboundConfig {
        read_timeout: config.appservices.timeout,
        total_timeout: config.appservices.timeout,
        ..OutboundConfig::new(Reach::Anywhere)
    });
    Ok(AppServices::new(AppServicesParts {
        registrations: config.app_service_registrations()?,
        accounts: accounts.accounts.clone(),
        sign_up: accounts.registration.clone(),
        store: store.clone(),
        rooms: rooms.clone(),
        outbound: outbound.map_err(|error| ServerError::Service(error.to_string()))?,
    }))
}

fn push_delivery(
    config: &Config,
    store: &Store,
    ambient: &Ambient,
    rooms: &Rooms,
    unread: &Unread,
    arrivals: Arrivals,
) -> Result<PushDelivery, ServerError> {
    // People, or their apps, say where gateways are.
    let reach = if config.push.allow_private_addresses { Reach::Anywhere } else { Reach::Public };
    let outbound = Outbound::new(&OutboundConfig::new(reach));
    Ok(PushDelivery::new(PushDeliveryParts {
        store: store.clone(),
        ambient: ambient.clone(),
        rooms: rooms.clone(),
        unread: unread.clone(),
        arrivals,
        outbound: outbound.map_err(|error| ServerError::Service(error.to_string()))?,
    }))
}

/// Passes on whose presence changes to the application services that want to know.
async fn tell_presence(mut announced: broadcast::Receiver<Announced>, app_services: AppServices) {
    loop {
        match announced.recv().await {
            Ok(Announced { event, rooms }) => app_services.tell_presence(&event, &rooms),
            // Who comes and goes does so again.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// The server's signing key, made at the first start. Keep it with the backups: who has it can sign
/// as this server.
fn signing_key(data_dir: &Path, ambient: &Ambient) -> Result<SigningKey, ServerError> {
    let path = data_dir.join("signing.key");
    let unusable = |error: &dyn std::fmt::Display| {
        ServerError::Service(format!("signing key {}: {error}", path.display()))
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => SigningKey::from_text(&text).map_err(|error| unusable(&error)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = SigningKey::generate(&mut |bytes| ambient.entropy.fill(bytes));
            write_secret(&path, &key.to_text()).map_err(|error| unusable(&error))?;
            Ok(key)
        }
        Err(error) => Err(unusable(&error)),
    }
}

/// Writes a file that only its owner can read; whole or not at all.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let unfinished = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

async fn shrink_now_and_then(rate_limiter: RateLimiter) {
    let mut every = tokio::time::interval(std::time::Duration::from_secs(60));
    loop {
        every.tick().await;
        rate_limiter.shrink();
    }
}

/// The process's metrics. They are global by the nature of the `metrics` crate; tests that start
/// several servers share them.
pub(crate) fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let durations = Matcher::Full(REQUEST_DURATION.to_owned());
            let recorder = PrometheusBuilder::new()
                .set_buckets_for_metric(durations, REQUEST_DURATION_BUCKETS)
                .expect("there are buckets")
                .build_recorder();
            let handle = recorder.handle();
            if metrics::set_global_recorder(recorder).is_err() {
                tracing::warn!("another metrics recorder is in place: /metrics stays empty");
            }
            measure::describe();
            handle
        })
        .clone()
}

/// Sums up what was measured, so that it takes no memory where nobody reads it.
pub(crate) async fn keep_metrics_small(metrics: PrometheusHandle) {
    let mut every = tokio::time::interval(std::time::Duration::from_secs(5));
    loop {
        every.tick().await;
        metrics.run_upkeep();
    }
}

/// Ends what the last stop of the server left undone.
async fn resume(departures: Departures, rooms: Rooms) {
    if let Err(error) = departures.resume().await {
        tracing::error!(?error, "departures could not be resumed");
    }
    if let Err(error) = rooms.resume_profile_jobs().await {
        tracing::error!(%error, "changed profiles could not be resumed");
    }
    if let Err(error) = rooms.resume_guest_evictions().await {
        tracing::error!(%error, "guests could not be let go from rooms");
    }
}
