//! Which of two backups of the same session is kept.

use super::StoredKey;

impl StoredKey {
    /// Whether this key replaces the one that is there (section "Server-side key backups"): a
    /// verified one goes before an unverified one, then the one that decrypts from an earlier
    /// message on, then the one that was forwarded less often; otherwise what is there stays.
    pub(super) fn replaces(&self, stored: &Self) -> bool {
        self.rank() < stored.rank()
    }

    /// Lower is better.
    fn rank(&self) -> (bool, u64, u64) {
        (!self.is_verified, self.first_message_index, self.forwarded_count)
    }
}
