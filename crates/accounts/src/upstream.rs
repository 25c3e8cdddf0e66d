//! Signing in at somebody else's: an OpenID Connect provider (ProConnect, Keycloak and the like)
//! vouches for people, and this server gives them an account here.
//!
//! - [`Upstream`]: the providers, sign-ins there from beginning to end, and the ends of sessions that
//!   providers announce (OpenID Connect Back-Channel Logout 1.0);
//! - [`UpstreamOrigin`]: the session at a provider that a session here came of;
//! - `links`: which person at which provider is which account here;
//! - `rules`: what that forbids an account's owner.
//!
//! Who somebody is, is the pair of the provider's issuer and its `sub`: never the e-mail address,
//! which moves from person to person.

mod admission;
mod backchannel;
mod claims;
mod config;
mod finish;
mod jwt;
mod links;
mod origin;
mod problem;
mod provider;
mod rules;
mod service;
mod start;
mod transport;

pub use self::{
    config::{ClaimNames, TokenEndpointAuthMethod, UpstreamConfig},
    finish::{Callback, FailedSignIn, SignedIn, Vouched},
    origin::UpstreamOrigin,
    problem::UpstreamProblem,
    service::{Upstream, UpstreamParts},
    start::StartRequest,
};
pub(crate) use self::{
    links::{
        UPSTREAM_LINKS, UPSTREAM_LINKS_OF_USERS, UPSTREAM_LOGOUTS, UPSTREAM_SESSION_MEMORY,
        UPSTREAM_SESSIONS, UPSTREAM_STATES,
    },
    rules::UpstreamRules,
};
