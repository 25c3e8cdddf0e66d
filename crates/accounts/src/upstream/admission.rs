use pli_store::{Batch, Direction, Expect, Position, Snapshot};
use ruma::{OwnedUserId, UserId};

use super::{
    Upstream, UpstreamOrigin, UpstreamProblem,
    claims::Identity,
    links::{
        LinkRecord, UPSTREAM_LINKS, UPSTREAM_LINKS_OF_USERS, UPSTREAM_SESSIONS,
        UpstreamSessionRecord,
    },
    provider::Provider,
};
use crate::{
    Accounts, AccountsError,
    accounts::{Email, USERS},
    naming,
    profiles::{DISPLAY_NAME, Profile, Profiles},
};

impl Upstream {
    /// The account of somebody for whom a provider vouches.
    pub(super) async fn admit(
        &self,
        provider: &Provider,
        identity: &Identity,
    ) -> Result<(OwnedUserId, UpstreamOrigin), AccountsError> {
        retry_on_conflict!(self.try_admit(provider, identity).await)
    }

    async fn try_admit(
        &self,
        provider: &Provider,
        identity: &Identity,
    ) -> Result<(OwnedUserId, UpstreamOrigin), AccountsError> {
        // Whoever loses the address loses the way in: so do those who leave their organisation.
        let email = match &identity.email {
            Ok(email) => email,
            Err(problem) => return Err(provider.report(problem.clone())),
        };
        let snapshot = self.store.snapshot().await?;
        let mut batch = Batch::new();
        let key = (provider.issuer().as_str(), identity.subject.as_str());
        let link = match snapshot.get_versioned(&UPSTREAM_LINKS, key).await? {
            Some((link, version)) => {
                let staged = (&mut batch, version);
                self.stage_return(&snapshot, staged, provider, key, link, email).await?
            }
            None => self.stage_arrival(&snapshot, &mut batch, provider, identity, email).await?,
        };
        let origin = self.stage_session(&snapshot, &mut batch, key, &link, identity).await?;
        drop(snapshot);
        if !batch.is_empty() {
            self.store.commit(batch).await?;
        }
        Ok((link.user_id, origin))
    }

    /// Somebody comes again: their addresses follow the provider's.
    async fn stage_return(
        &self,
        snapshot: &Snapshot,
        (batch, version): (&mut Batch, Position),
        provider: &Provider,
        key: (&str, &str),
        mut link: LinkRecord,
        email: &Email,
    ) -> Result<LinkRecord, AccountsError> {
        check_open(snapshot, batch, &link.user_id).await?;
        if link.email.as_deref() == Some(email.as_str()) {
            return Ok(link);
        }
        let owner = Accounts::owner_of_email_at(snapshot, email).await?;
        if owner.as_ref().is_some_and(|owner| *owner != link.user_id) {
            // The person is who they are; the address stays with whom it is.
            let user_id = &link.user_id;
            tracing::warn!(%user_id, "a new address at the sign-in service is another account's");
            return Ok(link);
        }
        let old = link.email.as_deref().filter(|_| provider.config.email_locked);
        let user_id = &link.user_id;
        self.emails.stage_replacement(snapshot, batch, user_id, old, email).await?;
        link.email = Some(email.as_str().to_owned());
        batch.require(&UPSTREAM_LINKS, key, Expect::Version(version)).put(
            &UPSTREAM_LINKS,
            key,
            &link,
        );
        Ok(link)
    }

    /// Somebody comes for the first time.
    async fn stage_arrival(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        provider: &Provider,
        identity: &Identity,
        email: &Email,
    ) -> Result<LinkRecord, AccountsError> {
        let user_id = match Accounts::owner_of_email_at(snapshot, email).await? {
            Some(owner) => {
                let is_free = provider.config.link_existing
                    // The address passed from one person at the provider to another: the account
                    // doesn't.
                    && !has_link_at(snapshot, &owner, provider.issuer().as_str()).await?;
                if !is_free {
                    let address = email.as_str().to_owned();
                    return Err(provider.report(UpstreamProblem::EmailTaken(address)));
                }
                check_open(snapshot, batch, &owner).await?;
                owner
            }
            None if provider.config.sign_up => {
                self.stage_account(snapshot, batch, identity, email).await?
            }
            None => return Err(provider.report(UpstreamProblem::NoAccount)),
        };
        let link = LinkRecord {
            user_id,
            linked_ms: self.ambient.now_ms(),
            email: Some(email.as_str().to_owned()),
            generation: 0,
        };
        let (issuer, subject) = (provider.issuer().as_str(), identity.subject.as_str());
        batch
            .require(&UPSTREAM_LINKS, (issuer, subject), Expect::Absent)
            .put(&UPSTREAM_LINKS, (issuer, subject), &link)
            .put(&UPSTREAM_LINKS_OF_USERS, (&link.user_id, issuer, subject), &());
        Ok(link)
    }

    /// An account without a password for somebody new.
    async fn stage_account(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        identity: &Identity,
        email: &Email,
    ) -> Result<OwnedUserId, AccountsError> {
        let user_id = self.registration.free_user_id(snapshot, email).await?;
        let display_name = identity
            .display_name
            .clone()
            .unwrap_or_else(|| naming::display_name_from_email(email, &self.registration_config));
        self.accounts.stage_account(batch, &user_id, false);
        self.accounts.stage_email(batch, &user_id, email, self.ambient.now_ms());
        let mut profile = Profile::default();
        profile.fields.insert(DISPLAY_NAME.to_owned(), display_name.clone().into());
        Profiles::stage_new(batch, &user_id, &profile);
        let emails = std::iter::once(email.as_str());
        self.directory.stage_entry(snapshot, batch, &user_id, Some(&display_name), emails).await?;
        Ok(user_id)
    }

    /// Notes the session at the provider, so that its end is understood.
    async fn stage_session(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        (issuer, subject): (&str, &str),
        link: &LinkRecord,
        identity: &Identity,
    ) -> Result<UpstreamOrigin, AccountsError> {
        let mut sid_generation = 0;
        if let Some(sid) = identity.sid.as_deref() {
            let key = (issuer, sid);
            let known = snapshot.get_versioned(&UPSTREAM_SESSIONS, key).await?;
            let version = known.as_ref().map(|(_, version)| *version);
            // The same session once more, unless it ended, or is another person's.
            let before = known.as_ref().map(|(session, _)| session);
            let is_same = before.is_some_and(|session| {
                !session.ended && session.subject == subject && session.user_id == link.user_id
            });
            let generation = before.map_or(0, |session| session.generation);
            sid_generation = if is_same { generation } else { generation.saturating_add(1) };
            let session = UpstreamSessionRecord {
                user_id: link.user_id.clone(),
                subject: subject.to_owned(),
                opened_ms: self.ambient.now_ms(),
                generation: sid_generation,
                ended: false,
            };
            batch.require(&UPSTREAM_SESSIONS, key, Expect::unchanged(version)).put(
                &UPSTREAM_SESSIONS,
                key,
                &session,
            );
        }
        Ok(UpstreamOrigin {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            sid: identity.sid.clone(),
            generation: link.generation,
            sid_generation,
        })
    }
}

/// Refuses whoever's account is deactivated or locked.
async fn check_open(
    snapshot: &Snapshot,
    batch: &mut Batch,
    user_id: &UserId,
) -> Result<(), AccountsError> {
    let user = snapshot.get_versioned(&USERS, user_id).await?;
    let (user, version) = user.ok_or(AccountsError::UserDeactivated)?;
    if user.deactivated_ms.is_some() {
        return Err(AccountsError::UserDeactivated);
    }
    if user.standing.locked {
        return Err(AccountsError::UserLocked);
    }
    batch.require(&USERS, user_id, Expect::Version(version));
    Ok(())
}

async fn has_link_at(
    snapshot: &Snapshot,
    user_id: &UserId,
    issuer: &str,
) -> Result<bool, AccountsError> {
    let range = UPSTREAM_LINKS_OF_USERS.prefix((user_id, issuer));
    let rows = snapshot.scan(&UPSTREAM_LINKS_OF_USERS, range, 1, Direction::Forward).await?;
    Ok(!rows.is_empty())
}
