use std::{collections::VecDeque, sync::Arc, time::Duration};

use parking_lot::Mutex;
use quick_cache::sync::Cache;
use ruma::{OwnedUserId, UserId};

use crate::AccountsError;

/// How many wrong passwords a user can give in [`FAILURE_WINDOW`], over all sessions: who found an
/// unlocked device must not find the password by trying.
const MAX_WRONG_PASSWORDS: usize = 20;
/// See [`MAX_WRONG_PASSWORDS`].
const FAILURE_WINDOW: Duration = Duration::from_secs(10 * 60);
/// How many users' wrong passwords are remembered.
const REMEMBERED_USERS: usize = 10_000;

/// When users gave wrong passwords lately. In memory: a restart forgives.
#[derive(Clone)]
pub(crate) struct Guesses(Arc<Cache<OwnedUserId, Arc<Mutex<VecDeque<u64>>>>>);

impl Guesses {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cache::new(REMEMBERED_USERS)))
    }

    /// Whether a user may try another password.
    pub(crate) fn check(&self, user_id: &UserId, now_ms: u64) -> Result<(), AccountsError> {
        let Some(history) = self.0.get(user_id) else { return Ok(()) };
        let window_ms = u64::try_from(FAILURE_WINDOW.as_millis()).unwrap_or(u64::MAX);
        let mut history = history.lock();
        while history.front().is_some_and(|first| first.saturating_add(window_ms) <= now_ms) {
            history.pop_front();
        }
        match history.front() {
            Some(first) if history.len() >= MAX_WRONG_PASSWORDS => {
                let wait_ms = first.saturating_add(window_ms).saturating_sub(now_ms);
                Err(AccountsError::LimitExceeded { retry_after: Duration::from_millis(wait_ms) })
            }
            _ => Ok(()),
        }
    }

    /// Counts a wrong password.
    pub(crate) fn count(&self, user_id: &UserId, now_ms: u64) {
        let known = self
            .0
            .get_or_insert_with(user_id, || Ok::<_, std::convert::Infallible>(Arc::default()));
        match known {
            Ok(history) => history.lock().push_back(now_ms),
            Err(never) => match never {},
        }
    }
}
