//! Refreshing and revoking an app's tokens (client-server API, sections "Token refresh flow" and
//! "Token revocation").

use super::{GrantedTokens, Grants, OAuthErrorCode, clients::client_at};
use crate::AccountsError;

impl Grants {
    /// Exchanges a refresh token for a new pair, with the rules of [`crate::Sessions::refresh`].
    ///
    /// # Errors
    /// `invalid_client`, `invalid_grant`; when the store fails.
    pub async fn refresh(
        &self,
        client_id: &str,
        refresh_token: &str,
    ) -> Result<GrantedTokens, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        client_at(&snapshot, client_id).await?;
        drop(snapshot);
        match self.sessions.refresh_for(refresh_token, Some(client_id)).await {
            Ok(tokens) => Ok(GrantedTokens { tokens, scope: None }),
            Err(AccountsError::UnknownToken { .. }) => Err(AccountsError::oauth(
                OAuthErrorCode::InvalidGrant,
                "the refresh token is not valid, or not any more: sign in again",
            )),
            Err(error) => Err(error),
        }
    }

    /// Signs out the device that an access or refresh token belongs to. Whoever holds the token may
    /// do so: whoever finds a leaked one should. One that is not known is as good as revoked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn revoke(&self, token: &str) -> Result<(), AccountsError> {
        let Some(owner) = self.sessions.owner_of(token).await? else { return Ok(()) };
        self.devices.remove(&owner.user_id, &[owner.device_id]).await
    }
}
