use std::sync::Arc;

use pli_store::{Direction, Snapshot};
use ruma::UserId;

use super::{UpstreamConfig, links::UPSTREAM_LINKS_OF_USERS};
use crate::AccountsError;

/// How many links of an account are looked at: more than there are providers.
const MAX_LINKS: usize = 100;

/// What the owner of an account that is linked to a provider may not do here. Costs nothing where no
/// provider is configured.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamRules(Arc<[Rule]>);

#[derive(Debug)]
struct Rule {
    issuer: String,
    email_locked: bool,
    password_login: bool,
}

/// How the links of an account change what its owner can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ties {
    /// Some provider vouches for the owner.
    pub(crate) is_linked: bool,
    /// The addresses are the provider's business.
    pub(crate) is_email_locked: bool,
    /// No password opens the account.
    pub(crate) is_without_password: bool,
}

impl UpstreamRules {
    pub(crate) fn new(providers: &[UpstreamConfig]) -> Self {
        let rules = providers.iter().map(|provider| Rule {
            issuer: provider.issuer.as_str().to_owned(),
            email_locked: provider.email_locked,
            password_login: provider.password_login,
        });
        Self(rules.collect())
    }

    /// What the configured providers among those that an account is linked to make of it.
    pub(crate) async fn ties_at(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<Ties, AccountsError> {
        if self.0.is_empty() {
            return Ok(Ties::default());
        }
        let range = UPSTREAM_LINKS_OF_USERS.prefix((user_id,));
        let rows =
            snapshot.scan(&UPSTREAM_LINKS_OF_USERS, range, MAX_LINKS, Direction::Forward).await?;
        let linked =
            || rows.iter().filter_map(|row| self.0.iter().find(|rule| rule.issuer == row.key.1));
        Ok(Ties {
            is_linked: linked().next().is_some(),
            is_email_locked: linked().any(|rule| rule.email_locked),
            is_without_password: linked().any(|rule| !rule.password_login),
        })
    }

    /// Refuses to change the addresses of an account if they are a provider's business.
    pub(crate) async fn check_email_unlocked_at(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<(), AccountsError> {
        if self.ties_at(snapshot, user_id).await?.is_email_locked {
            return Err(AccountsError::forbidden(
                "the e-mail address of this account comes from your organisation's sign-in service: \
                 have it changed there",
            ));
        }
        Ok(())
    }

    /// Refuses a password to an account that only a provider opens.
    pub(crate) async fn check_password_at(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
    ) -> Result<(), AccountsError> {
        if self.ties_at(snapshot, user_id).await?.is_without_password {
            return Err(AccountsError::forbidden(
                "this account has no password: sign in with your organisation's sign-in service",
            ));
        }
        Ok(())
    }
}
