use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use crate::AccountsError;

/// How many rows strangers can make this server keep: at most so many in each window of time, from
/// all of them together. In memory: a restart forgives.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    limit: u32,
    window_ms: u64,
    spent: Arc<Mutex<Spent>>,
}

#[derive(Debug, Default)]
struct Spent {
    since_ms: u64,
    count: u32,
}

impl Budget {
    pub(crate) fn new(limit: u32, window: Duration) -> Self {
        let window_ms = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        Self { limit, window_ms, spent: Arc::default() }
    }

    /// Takes one out of what is left.
    pub(crate) fn take(&self, now_ms: u64) -> Result<(), AccountsError> {
        let mut spent = self.spent.lock();
        let ends_ms = spent.since_ms.saturating_add(self.window_ms);
        if now_ms >= ends_ms {
            *spent = Spent { since_ms: now_ms, count: 0 };
        }
        if spent.count >= self.limit {
            let wait_ms = ends_ms.saturating_sub(now_ms);
            return Err(AccountsError::LimitExceeded {
                retry_after: Duration::from_millis(wait_ms),
            });
        }
        spent.count += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_ends_with_its_window() {
        let budget = Budget::new(2, Duration::from_secs(60));
        budget.take(1_000_000).unwrap();
        budget.take(1_000_001).unwrap();
        let error = budget.take(1_010_000).unwrap_err();
        assert!(matches!(
            error,
            AccountsError::LimitExceeded { retry_after } if retry_after == Duration::from_secs(50)
        ));
        budget.take(1_060_000).unwrap();
    }
}
