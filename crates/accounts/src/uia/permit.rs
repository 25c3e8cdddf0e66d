use pli_store::{Batch, Expect, Position, Store};

use super::UIA_SESSIONS;
use crate::{AccountsError, validation::ValidatedEmail};

/// The proof that an operation may go on. Add it to the operation's own batch, so that it is good for
/// one time only.
#[derive(Debug)]
#[must_use = "stage the permit in the operation's batch, or it can be used again"]
pub struct Permit {
    pub(super) session: Option<(String, Position)>,
    pub(super) email: Option<ValidatedEmail>,
}

impl Permit {
    /// The permit of an operator, who needs no stages.
    pub(crate) const fn unconditional() -> Self {
        Self { session: None, email: None }
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
