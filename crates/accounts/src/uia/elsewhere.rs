//! Confirming by signing in again at a provider (client-server API, section "Single Sign-On"), for
//! accounts that a provider vouches for.

use std::borrow::Cow;

use pli_store::{Batch, Expect};
use ruma::{UserId, api::client::uiaa::AuthType};

use super::{
    Fingerprint, Operation, StageProof, UIA_SESSIONS, UserInteractive, complete, no_such_session,
    stage_session,
};
use crate::{AccountsError, accounts::PASSWORDS};

impl UserInteractive {
    /// What confirms an operation, given how its user signs in: where the password would, also the
    /// provider, if the account is linked to one; and only the provider, if no password opens the
    /// account.
    pub(super) async fn adapted<'a>(
        &self,
        operation: &'a Operation,
    ) -> Result<Cow<'a, Operation>, AccountsError> {
        let by_password = [AuthType::Password];
        let asks_password = operation.flows.iter().any(|stages| **stages == by_password);
        let Some(user_id) = operation.user_id.as_ref().filter(|_| asks_password) else {
            return Ok(Cow::Borrowed(operation));
        };
        let snapshot = self.store.snapshot().await?;
        let ties = self.upstream.ties_at(&snapshot, user_id).await?;
        if !ties.is_linked {
            return Ok(Cow::Borrowed(operation));
        }
        let has_password =
            !ties.is_without_password && snapshot.get(&PASSWORDS, user_id).await?.is_some();
        let mut operation = operation.clone();
        operation.flows.retain(|stages| has_password || **stages != by_password);
        operation.flows.push(vec![AuthType::Sso]);
        Ok(Cow::Owned(operation))
    }

    /// Completes the stage `m.login.sso`: its user has just signed in at a provider, and confirmed
    /// on the page that says what for. It counts for the request that started the session.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`] if there is no such session or it doesn't offer this stage,
    /// [`AccountsError::Forbidden`] if it is another user's; when the store fails.
    pub async fn complete_elsewhere(
        &self,
        session_id: &str,
        user_id: &UserId,
    ) -> Result<(), AccountsError> {
        retry_on_conflict!(self.try_complete_elsewhere(session_id, user_id).await)
    }

    async fn try_complete_elsewhere(
        &self,
        session_id: &str,
        user_id: &UserId,
    ) -> Result<(), AccountsError> {
        let (mut session, version) = self.find(session_id).await?.ok_or_else(no_such_session)?;
        let stage = AuthType::Sso;
        if !session.flows.iter().flatten().any(|offered| offered == stage.as_str()) {
            return Err(no_such_session());
        }
        if session.user_id.as_deref() != Some(user_id) {
            return Err(AccountsError::forbidden("sign in with the account that asks for this"));
        }
        let fingerprint = Fingerprint(session.first_fingerprint);
        complete(&mut session, &stage, StageProof::Nothing, fingerprint);
        let mut batch = Batch::new();
        batch.require(&UIA_SESSIONS, session_id, Expect::Version(version));
        stage_session(&mut batch, session_id, &session);
        self.store.commit(batch).await?;
        Ok(())
    }
}
