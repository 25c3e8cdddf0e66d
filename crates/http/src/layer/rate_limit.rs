//! Rate limits per account and per address (`M_LIMIT_EXCEEDED` with `Retry-After`).
//!
//! Which endpoints are limited is the specification's word, as ruma's metadata has it. Attempts to
//! sign in or up have a stricter limit of their own: they cost a password hash or a mail.

use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::extract::ConnectInfo;
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter as Governor,
    clock::{Clock, DefaultClock},
};
use pli_accounts::Requester;
use ruma::{OwnedUserId, UserId};

use crate::MatrixError;

/// The shortest time that a client is told to wait.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// How many requests are let through.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Whether anything is limited at all.
    pub enabled: bool,
    /// Requests per second of one account, and how many at once.
    pub account: (NonZeroU32, NonZeroU32),
    /// Requests per second of one address without an account, and how many at once.
    pub address: (NonZeroU32, NonZeroU32),
    /// Attempts per minute to sign in or up from one address, and how many at once.
    pub sign_in_address: (NonZeroU32, NonZeroU32),
    /// Attempts per minute to sign in to one account, and how many at once.
    pub sign_in_account: (NonZeroU32, NonZeroU32),
}

const fn per(count: u32, burst: u32) -> (NonZeroU32, NonZeroU32) {
    match (NonZeroU32::new(count), NonZeroU32::new(burst)) {
        (Some(count), Some(burst)) => (count, burst),
        _ => panic!("rate limits are greater than zero"),
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            enabled: true,
            account: per(20, 200),
            address: per(10, 100),
            sign_in_address: per(20, 30),
            sign_in_account: per(6, 10),
        }
    }
}

impl Limits {
    /// OAuth 2.0 clients per minute that register or start something from one address, and how many
    /// at once: an app does up to three such things for one person who signs in.
    fn client_registration(&self) -> (NonZeroU32, NonZeroU32) {
        let three_times = |count: NonZeroU32| count.saturating_mul(per(3, 3).0);
        let (count, burst) = self.sign_in_address;
        (three_times(count), three_times(burst))
    }
}

/// The limiter. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct RateLimiter(Option<Arc<Limiters>>);

struct Limiters {
    account: DefaultKeyedRateLimiter<OwnedUserId>,
    address: DefaultKeyedRateLimiter<IpAddr>,
    sign_in_address: DefaultKeyedRateLimiter<IpAddr>,
    sign_in_account: DefaultKeyedRateLimiter<String>,
    client_registration: DefaultKeyedRateLimiter<IpAddr>,
}

impl RateLimiter {
    /// A limiter with these limits.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let per_second = |(count, burst)| Quota::per_second(count).allow_burst(burst);
        let per_minute = |(count, burst)| Quota::per_minute(count).allow_burst(burst);
        Self(limits.enabled.then(|| {
            Arc::new(Limiters {
                account: Governor::keyed(per_second(limits.account)),
                address: Governor::keyed(per_second(limits.address)),
                sign_in_address: Governor::keyed(per_minute(limits.sign_in_address)),
                sign_in_account: Governor::keyed(per_minute(limits.sign_in_account)),
                client_registration: Governor::keyed(per_minute(limits.client_registration())),
            })
        }))
    }

    /// Counts a request of an account.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED` when there were too many.
    pub fn account(&self, user_id: &UserId) -> Result<(), MatrixError> {
        self.0.as_ref().map_or(Ok(()), |limiters| count(&limiters.account, &user_id.to_owned()))
    }

    /// Counts a request of whoever sent it, unless it is an application service that need not be
    /// limited.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED` when there were too many.
    pub fn requester(&self, requester: &Requester) -> Result<(), MatrixError> {
        match &requester.app_service {
            Some(service) if !service.is_rate_limited => Ok(()),
            _ => self.account(&requester.user_id),
        }
    }

    /// Counts a request from an address that has no account.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED` when there were too many.
    pub fn address(&self, address: IpAddr) -> Result<(), MatrixError> {
        self.0.as_ref().map_or(Ok(()), |limiters| count(&limiters.address, &network(address)))
    }

    /// Counts an attempt to sign in or up from an address.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED` when there were too many.
    pub fn sign_in_from(&self, address: IpAddr) -> Result<(), MatrixError> {
        self.0
            .as_ref()
            .map_or(Ok(()), |limiters| count(&limiters.sign_in_address, &network(address)))
    }

    /// Counts an attempt to sign in to an account, by whatever name the client gave.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED` when there were too many.
    pub fn sign_in_to(&self, account: &str) -> Result<(), MatrixError> {
        self.0
            .as_ref()
            .map_or(Ok(()), |limiters| count(&limiters.sign_in_account, &account.to_lowercase()))
    }

    /// Counts an OAuth 2.0 client that registers, or starts something that takes room here, from an
    /// address.
    ///
    /// # Errors
    /// `M_LIMIT_EXCEEDED` when there were too many.
    pub fn client_registration_from(&self, address: IpAddr) -> Result<(), MatrixError> {
        self.0
            .as_ref()
            .map_or(Ok(()), |limiters| count(&limiters.client_registration, &network(address)))
    }

    /// Forgets who was counted and is far below the limits again. Call it now and then.
    pub fn shrink(&self) {
        if let Some(limiters) = &self.0 {
            limiters.account.retain_recent();
            limiters.address.retain_recent();
            limiters.sign_in_address.retain_recent();
            limiters.sign_in_account.retain_recent();
            limiters.client_registration.retain_recent();
        }
    }
}

fn count<K: Hash + Eq + Clone>(
    limiter: &DefaultKeyedRateLimiter<K>,
    key: &K,
) -> Result<(), MatrixError> {
    limiter.check_key(key).map_err(|refused| {
        let now = DefaultClock::default().now();
        // Nothing may be left of it by now, and no client takes 0 for a time to wait.
        MatrixError::limit_exceeded(refused.wait_time_from(now).max(SHORTEST_WAIT))
    })
}

/// Whoever has one IPv6 address has the whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
    }
}

/// The address that a request comes from. Behind a proxy on this machine, the address that the
/// proxy names last in `X-Forwarded-For`: the one that it saw itself.
#[must_use]
pub fn client_address(parts: &http::request::Parts) -> IpAddr {
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::from([127, 0, 0, 1]), |ConnectInfo(peer)| peer.ip().to_canonical());
    if !peer.is_loopback() {
        return peer;
    }
    parts
        .headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()
        .and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok())
        .unwrap_or(peer)
}
