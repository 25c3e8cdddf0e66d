//! Signing in at somebody else's (OpenID Connect): the way there, the way back, and the ends of
//! sessions that providers announce.

pub(super) mod backchannel;
pub(super) mod callback;
mod failure;
pub(super) mod start;

use std::sync::Arc;

/// A place elsewhere where people can sign in, as a button on the sign-in page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamProvider {
    /// Its id in the configuration.
    pub id: String,
    /// What people call it: "ProConnect".
    pub name: String,
}

impl UpstreamProvider {
    /// The path that starts a sign-in there. It gets the query parameters `next` (where to go on
    /// afterwards: a path of this server, see `oauth::next`) and, if the app or the person named
    /// somebody, `login_hint`.
    #[must_use]
    pub fn start_path(&self) -> String {
        format!("/oauth2/upstream/{}", self.id)
    }
}

/// The places elsewhere where people can sign in, in the order of their buttons.
#[derive(Clone, Debug, Default)]
pub struct UpstreamProviders(Arc<[UpstreamProvider]>);

impl UpstreamProviders {
    /// These places.
    #[must_use]
    pub fn new(providers: Vec<UpstreamProvider>) -> Self {
        Self(providers.into())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The places.
    pub fn iter(&self) -> impl Iterator<Item = &UpstreamProvider> {
        self.0.iter()
    }
}
