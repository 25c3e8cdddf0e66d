use pli_store::{Batch, Expect, Position, Store};
use ruma::OwnedUserId;

use super::{CROSS_SIGNING_RESETS, UIA_SESSIONS};
use crate::{AccountsError, validation::ValidatedEmail};

/// The proof that an operation may go on. Add it to the operation's own batch, so that it is good for
/// one time only.
#[derive(Debug)]
#[must_use = "stage the permit in the operation's batch, or it can be used again"]
pub struct Permit {
    pub(super) session: Option<(String, Position)>,
    pub(super) email: Option<ValidatedEmail>,
    /// Whose approval was given in the browser.
    pub(super) approval: Option<(OwnedUserId, Position)>,
}

impl Permit {
    /// The permit of who needs no stages: an operator, or an owner on the account's own page.
    pub(crate) const fn unconditional() -> Self {
        Self { session: None, email: None, approval: None }
    }

    /// The address that was confirmed, if that was a stage.
    #[must_use]
    pub fn email(&self) -> Option<&ValidatedEmail> {
        self.email.as_ref()
    }

    /// Uses the permit up, in the operation's batch.
    pub fn stage(&self, batch: &mut Batch) {
        if let Some((session_id, version)) = &self.session {
            batch
                .require(&UIA_SESSIONS, session_id, Expect::Version(*version))
                .delete(&UIA_SESSIONS, session_id);
        }
        if let Some(email) = &self.email {
            email.stage_use(batch);
        }
        if let Some((user_id, version)) = &self.approval {
            batch
                .require(&CROSS_SIGNING_RESETS, user_id, Expect::Version(*version))
                .delete(&CROSS_SIGNING_RESETS, user_id);
        }
    }

    /// Uses the permit up before the operation, for operations that another crate commits.
    ///
    /// # Errors
    /// [`AccountsError::Forbidden`] if it has been used already; when the store fails.
    pub async fn spend(self, store: &Store) -> Result<(), AccountsError> {
        let mut batch = Batch::new();
        self.stage(&mut batch);
        if batch.is_empty() {
            return Ok(());
        }
        match store.commit(batch).await.map_err(AccountsError::from) {
            Err(error) if error.is_conflict() => Err(AccountsError::forbidden(
                "this confirmation has been used already: start again",
            )),
            outcome => outcome.map(drop),
        }
    }
}
