//! OAuth 2.0 (client-server API, section "OAuth 2.0 API"): apps that people let into their accounts
//! from a browser, without ever seeing their password.
//!
//! - [`Clients`]: the apps, which register themselves;
//! - [`Grants`]: what people allow them, and the tokens that come of it;
//! - [`BrowserSessions`]: who is signed in on the server's own pages;
//! - [`Rendezvous`]: where two devices meet to sign one of them in.
//!
//! The sessions that come of it lie in the same tables as all others: a device and its tokens.

mod browser_sessions;
mod budget;
mod clients;
mod codes;
mod device_grants;
mod error;
mod exchange;
mod grants;
mod metadata;
mod redirects;
mod rendezvous;
mod request;
mod scope;

pub(crate) use self::{
    browser_sessions::{
        BROWSER_SESSIONS, BROWSER_SESSIONS_OF_USERS, stage_end as stage_browser_session_end,
    },
    budget::Budget,
    clients::{OAUTH_CLIENTS, UNUSED_CLIENT_LIFETIME},
    codes::OAUTH_CODES,
    device_grants::{OAUTH_DEVICE_CODES, OAUTH_USER_CODES},
    rendezvous::RENDEZVOUS,
};
pub use self::{
    browser_sessions::{BrowserSession, BrowserSessions},
    clients::{Client, Clients},
    codes::{CODE_LIFETIME, CodeExchange},
    device_grants::{DEVICE_CODE_LIFETIME, POLL_INTERVAL, PendingDevice, StartedDeviceGrant},
    error::{OAuthErrorCode, OAuthProblem},
    grants::{GrantedTokens, Grants, GrantsParts},
    metadata::{AUTHORIZATION_CODE, ApplicationType, ClientMetadata, DEVICE_CODE, REFRESH_TOKEN},
    rendezvous::{
        MAX_RENDEZVOUS_BYTES, RENDEZVOUS_LIFETIME, Rendezvous, RendezvousContent, RendezvousState,
    },
    request::{AuthorisationRequest, CheckedRequest, Redirect, Refusal, ResponseMode},
    scope::Scope,
};
