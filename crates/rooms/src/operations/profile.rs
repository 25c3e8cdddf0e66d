//! A changed profile is written into the membership events of all rooms of its user, by a job that
//! survives restarts.

use futures_util::future::BoxFuture;
use pli_store::{Batch, Direction, Expect, Position};
use ruma::{
    OwnedEventId, OwnedMxcUri, OwnedUserId, UserId,
    events::{StateEventType, TimelineEventType},
};
use serde_json::Value;

use crate::{
    Rooms,
    error::RoomError,
    keyspaces::PROFILE_JOB,
    log::{NewEvent, Operation, RoomTransaction},
    rows::{MembershipKind, ProfileJob},
    visibility::membership_in,
};

/// How many jobs are read at once after a start.
const PAGE: usize = 500;

impl Rooms {
    /// Notes that a user's profile is about to change, so that the change reaches their rooms even
    /// if the server stops right after it. Call before the change; then [`Rooms::profile_changed`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn profile_will_change(&self, user_id: &UserId) -> Result<(), RoomError> {
        let mut batch = Batch::new();
        batch.put(&PROFILE_JOB, user_id, &ProfileJob::default());
        self.inner.store.commit(batch).await?;
        Ok(())
    }

    /// Writes a user's changed profile into their rooms, in the background.
    ///
    /// # Errors
    /// When the store fails before the work begins.
    pub async fn profile_changed(&self, user_id: &UserId) -> Result<(), RoomError> {
        self.profile_will_change(user_id).await?;
        let rooms = self.clone();
        let user_id = user_id.to_owned();
        tokio::spawn(async move { rooms.run_profile_job_or_log(&user_id).await });
        Ok(())
    }

    /// Does what a stop of the server left undone. To be called once after the start.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn resume_profile_jobs(&self) -> Result<(), RoomError> {
        let mut range = PROFILE_JOB.all();
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let rows = snapshot.scan(&PROFILE_JOB, range, PAGE, Direction::Forward).await?;
            drop(snapshot);
            let Some(last) = rows.last() else { return Ok(()) };
            range = PROFILE_JOB.all().after(&last.key);
            for row in &rows {
                self.run_profile_job_or_log(&row.key).await;
            }
        }
    }

    async fn run_profile_job_or_log(&self, user_id: &UserId) {
        if let Err(error) = self.run_profile_job(user_id).await {
            // The row stays: the next change or the next start tries again.
            tracing::warn!(%user_id, %error, "a changed profile didn't reach all rooms yet");
        }
    }

    /// Writes a user's profile into their rooms, from where an earlier run stopped.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_profile_job(&self, user_id: &UserId) -> Result<(), RoomError> {
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let job = snapshot.get_versioned(&PROFILE_JOB, user_id).await?;
            let Some((job, version)) = job else { return Ok(()) };
            let room_ids = self.joined_rooms(&snapshot, user_id).await?;
            drop(snapshot);
            let is_open =
                |room_id: &ruma::OwnedRoomId| job.done.as_ref().is_none_or(|done| room_id > done);
            let mut room_ids: Vec<_> = room_ids.into_iter().filter(is_open).collect();
            room_ids.sort_unstable();
            for room_id in room_ids {
                let (display_name, avatar_url) = self.profile(user_id).await?;
                let user_id = user_id.to_owned();
                let write = WriteProfile { user_id, display_name, avatar_url };
                match self.submit(&room_id, write).await {
                    // A room that its user left or may not write to keeps what it has.
                    Ok(_) | Err(RoomError::Forbidden(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            if self.finish_profile_job(user_id, version).await? {
                return Ok(());
            }
        }
    }

    /// Says whether the job is done: not if the profile changed again meanwhile.
    async fn finish_profile_job(
        &self,
        user_id: &UserId,
        version: Position,
    ) -> Result<bool, RoomError> {
        let mut batch = Batch::new();
        batch
            .require(&PROFILE_JOB, user_id, Expect::Version(version))
            .delete(&PROFILE_JOB, user_id);
        match self.inner.store.commit(batch).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

struct WriteProfile {
    user_id: OwnedUserId,
    display_name: Option<String>,
    avatar_url: Option<OwnedMxcUri>,
}

impl Operation for WriteProfile {
    fn run<'a>(
        &'a self,
        transaction: &'a mut RoomTransaction<'_>,
    ) -> BoxFuture<'a, Result<OwnedEventId, RoomError>> {
        Box::pin(async move {
            let user_id = &self.user_id;
            let current =
                transaction.state_event(&StateEventType::RoomMember, user_id.as_str()).await?;
            let joined = current.filter(|current| {
                MembershipKind::of(&membership_in(current)) == MembershipKind::Join
            });
            let not_joined = || RoomError::Forbidden(format!("{user_id} is not in this room"));
            let current = joined.ok_or_else(not_joined)?;
            let mut content: Value = current.pdu.content_as()?;
            let former = content.clone();
            let avatar_url = self.avatar_url.as_ref().map(|url| url.as_str());
            for (field, value) in
                [("displayname", self.display_name.as_deref()), ("avatar_url", avatar_url)]
            {
                match (value, content.as_object_mut()) {
                    (Some(value), Some(fields)) => {
                        fields.insert(field.to_owned(), value.into());
                    }
                    (None, Some(fields)) => {
                        fields.remove(field);
                    }
                    (_, None) => {}
                }
            }
            if content == former {
                return Ok(current.event_id().to_owned());
            }
            // Why they joined is no reason for their new name.
            if let Some(fields) = content.as_object_mut() {
                fields.remove("reason");
                fields.remove("join_authorised_via_users_server");
            }
            let content = serde_json::value::to_raw_value(&content)
                .map_err(|error| RoomError::BadContent(error.to_string()))?;
            let event =
                NewEvent::state(user_id, TimelineEventType::RoomMember, user_id.as_str(), content);
            transaction.append(event).await
        })
    }
}
