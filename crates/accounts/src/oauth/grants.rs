use pli_store::{Batch, Snapshot, Store, ambient::Ambient};
use ruma::UserId;

use super::{OAuthErrorCode, Scope, budget::Budget, device_grants::Polls};
use crate::{
    AccountsError, Devices, Sessions,
    accounts::USERS,
    devices::SessionRequest,
    sessions::{IssuedTokens, SessionSource},
    uia::guesses::Guesses,
};

/// Turns what people allow into tokens.
#[derive(Clone)]
pub struct Grants {
    pub(super) store: Store,
    pub(super) ambient: Ambient,
    pub(super) devices: Devices,
    pub(super) sessions: Sessions,
    pub(super) device_grants: Budget,
    pub(super) polls: Polls,
    pub(super) guesses: Guesses,
}

/// The services that [`Grants`] works with.
pub struct GrantsParts {
    /// The store.
    pub store: Store,
    /// The clock and randomness.
    pub ambient: Ambient,
    /// Where sessions are opened.
    pub devices: Devices,
    /// Where their tokens are.
    pub sessions: Sessions,
}

/// Tokens that an app was given.
#[derive(Clone, Debug)]
pub struct GrantedTokens {
    /// The tokens.
    pub tokens: IssuedTokens,
    /// What they are good for; `None` if that hasn't changed.
    pub scope: Option<String>,
}

impl Grants {
    /// Grants what people allow, with these services.
    #[must_use]
    pub fn new(parts: GrantsParts) -> Self {
        let GrantsParts { store, ambient, devices, sessions } = parts;
        Self {
            store,
            ambient,
            devices,
            sessions,
            device_grants: super::device_grants::budget(),
            polls: super::device_grants::polls(),
            guesses: Guesses::new(),
        }
    }

    /// Opens the session that a grant to a client stands for, in the batch that uses the grant up.
    pub(super) async fn open(
        &self,
        snapshot: Snapshot,
        mut batch: Batch,
        user_id: &UserId,
        source: SessionSource<'_>,
        device_name: String,
        scope: Scope,
    ) -> Result<GrantedTokens, AccountsError> {
        // Nobody gets into an account that is being deactivated.
        let user = snapshot.get_versioned(&USERS, user_id).await?;
        let refused = |description| AccountsError::oauth(OAuthErrorCode::InvalidGrant, description);
        let (user, version) = user
            .filter(|(user, _)| user.deactivated_ms.is_none())
            .ok_or_else(|| refused("the account is not there any more"))?;
        if user.standing.locked {
            return Err(refused("the account is locked: ask your administrator"));
        }
        batch.require(&USERS, user_id, pli_store::Expect::Version(version));
        if let Some(origin) = source.origin
            && !origin.stage_check(&snapshot, &mut batch).await?
        {
            let description = "the session at the sign-in service has ended: sign in again";
            return Err(AccountsError::oauth(OAuthErrorCode::InvalidGrant, description));
        }
        let request = SessionRequest {
            device_id: Some(scope.device_id),
            initial_device_display_name: Some(device_name),
            refresh_token: true,
        };
        let (session, revoked) = self
            .devices
            .stage_session_from(&snapshot, &mut batch, user_id, &request, source)
            .await?;
        drop(snapshot);
        self.store.commit(batch).await?;
        self.sessions.forget(revoked);
        Ok(GrantedTokens { tokens: session.tokens, scope: Some(scope.granted) })
    }
}
