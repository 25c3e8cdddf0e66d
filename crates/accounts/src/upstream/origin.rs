use pli_store::{Batch, Expect, Snapshot};
use serde::{Deserialize, Serialize};

use super::links::{LinkRecord, UPSTREAM_LINKS, UPSTREAM_SESSIONS, UpstreamSessionRecord};
use crate::AccountsError;

/// The session at a provider that a session here came of. It goes along with everything that follows
/// from a sign-in: the browser's session, codes and login tokens, and the sessions of apps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamOrigin {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// The provider's id of the session, if it tells one.
    pub(super) sid: Option<String>,
    /// How often all sessions of the person had ended at the provider when this one began.
    pub(super) generation: u32,
    /// How often sessions with this `sid` had begun.
    pub(super) sid_generation: u32,
}

impl UpstreamOrigin {
    /// Whether the provider hasn't ended the session.
    pub(crate) async fn is_current_at(&self, snapshot: &Snapshot) -> Result<bool, AccountsError> {
        let link = snapshot.get(&UPSTREAM_LINKS, (&self.issuer, &self.subject)).await?;
        let session = match &self.sid {
            Some(sid) => snapshot.get(&UPSTREAM_SESSIONS, (&self.issuer, sid)).await?,
            None => None,
        };
        Ok(self.is_current(link.as_ref(), session.as_ref()))
    }

    /// The same as [`Self::is_current_at`] for a batch that opens something which must not outlive
    /// the session: it fails if the session ends meanwhile.
    pub(crate) async fn stage_check(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
    ) -> Result<bool, AccountsError> {
        let key = (&self.issuer, &self.subject);
        let link = snapshot.get_versioned(&UPSTREAM_LINKS, key).await?;
        let version = link.as_ref().map(|(_, version)| *version);
        batch.require(&UPSTREAM_LINKS, key, Expect::unchanged(version));
        let session = match &self.sid {
            Some(sid) => {
                let key = (&self.issuer, sid);
                let session = snapshot.get_versioned(&UPSTREAM_SESSIONS, key).await?;
                let version = session.as_ref().map(|(_, version)| *version);
                batch.require(&UPSTREAM_SESSIONS, key, Expect::unchanged(version));
                session
            }
            None => None,
        };
        let session = session.as_ref().map(|(session, _)| session);
        Ok(self.is_current(link.as_ref().map(|(link, _)| link), session))
    }

    fn is_current(
        &self,
        link: Option<&LinkRecord>,
        session: Option<&UpstreamSessionRecord>,
    ) -> bool {
        let is_linked = link.is_some_and(|link| link.generation == self.generation);
        // A session that was forgotten after months did not end.
        let is_open = session
            .is_none_or(|session| session.generation == self.sid_generation && !session.ended);
        is_linked && is_open
    }
}
