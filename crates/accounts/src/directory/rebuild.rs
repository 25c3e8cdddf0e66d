use pli_store::{
    Batch, Direction, Expect,
    derived::{Derived, Made},
};
use ruma::{OwnedUserId, UserId};

use super::UserDirectory;
use crate::{AccountsError, Profiles, accounts::USERS};

/// How many people are put into the index at once.
const PAGE: usize = 100;

/// The index of words, in stores whose people were put into another one or into none.
impl Derived for UserDirectory {
    type Place = OwnedUserId;
    type Error = AccountsError;
    const NAME: &'static str = "directory";
    /// 2: what is written with hyphens and apostrophes is also one word.
    const VERSION: u32 = 2;

    async fn make_some(
        &self,
        after: Option<OwnedUserId>,
    ) -> Result<Option<Made<OwnedUserId>>, AccountsError> {
        retry_on_conflict!(self.index_some(after.as_deref()).await)
    }
}

impl UserDirectory {
    async fn index_some(
        &self,
        after: Option<&UserId>,
    ) -> Result<Option<Made<OwnedUserId>>, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let range = match after {
            Some(after) => USERS.all().after(after),
            None => USERS.all(),
        };
        let users = snapshot.scan(&USERS, range, PAGE, Direction::Forward).await?;
        let Some(last) = users.last() else { return Ok(None) };
        let place = last.key.clone();
        let mut count = 0;
        let mut batch = Batch::new();
        for user in users.into_iter().filter(|user| user.value.deactivated_ms.is_none()) {
            let profile = Profiles::get_at(&snapshot, &user.key).await?.unwrap_or_default();
            // Whoever leaves meanwhile must not come back into the index.
            batch.require(&USERS, &user.key, Expect::Version(user.version));
            self.stage_update(&snapshot, &mut batch, &user.key, profile.display_name()).await?;
            count += 1;
        }
        drop(snapshot);
        self.store.commit(batch).await?;
        Ok(Some(Made { place, count }))
    }
}
