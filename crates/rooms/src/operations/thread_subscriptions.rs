//! Which threads a user follows
//! ([MSC4306](https://github.com/matrix-org/matrix-spec-proposals/pull/4306),
//! [MSC4308](https://github.com/matrix-org/matrix-spec-proposals/pull/4308)).

use std::{fmt, str::FromStr};

use pli_store::{
    Batch, Direction, Expect, Keyspace, Position, Record, Snapshot, Stamp, StoreError, Touch,
};
use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use crate::{Rooms, error::RoomError, relation::Relation};

/// What a user last said of a thread: user, room, event that the thread grew from.
pub(crate) const THREAD_SUBSCRIPTION: Keyspace<
    (OwnedUserId, OwnedRoomId, OwnedEventId),
    ThreadSubscriptionRow,
> = Keyspace::new("thread_subscription");
/// The same in the order in which users said it; only the last of each thread.
pub(crate) const THREAD_SUBSCRIPTION_CHANGE: Keyspace<
    (OwnedUserId, Stamp),
    ThreadSubscriptionChangeRow,
> = Keyspace::new("thread_subscription_change");

/// How many rows are read at once.
const PAGE: usize = 100;
/// How often a change is tried when another one comes in between.
const MOST_ATTEMPTS: usize = 8;

/// What a user last said of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ThreadSubscriptionRow {
    /// Whether they follow it, and if so, whether their client decided that.
    automatic: Option<bool>,
    /// The index of the row's entry among the changes; its position is the row's version.
    index: u16,
}

impl Record for ThreadSubscriptionRow {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ThreadSubscriptionChangeRow {
    room_id: OwnedRoomId,
    root: OwnedEventId,
    automatic: Option<bool>,
}

impl Record for ThreadSubscriptionChangeRow {}

/// A thread that a user began or ceased to follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadSubscriptionChange {
    /// The room.
    pub room_id: OwnedRoomId,
    /// The event that the thread grew from.
    pub root: OwnedEventId,
    /// `None`: they don't follow it any more. Else whether their client decided that they do.
    pub automatic: Option<bool>,
    /// When: grows with each change.
    pub bump_stamp: Position,
}

/// Some of the latest changes of a user's thread subscriptions.
#[derive(Clone, Debug, Default)]
pub struct ThreadSubscriptionChanges {
    /// The changes, the latest first.
    pub changes: Vec<ThreadSubscriptionChange>,
    /// When there are earlier ones: where to go on.
    pub earlier: Option<ThreadSubscriptionsToken>,
}

/// Which changes of a user's thread subscriptions are asked for; as clients get it, `before_after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ThreadSubscriptionsToken {
    /// Those before this position; `None`: up to now.
    pub before: Option<Position>,
    /// Those after this position.
    pub after: Position,
}

/// A text is no [`ThreadSubscriptionsToken`].
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not a token of this server's: leave it out to begin with the latest")]
pub struct InvalidThreadSubscriptionsToken;

impl fmt::Display for ThreadSubscriptionsToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}_{}", self.before.map_or(u64::MAX, |before| before.0), self.after.0)
    }
}

impl FromStr for ThreadSubscriptionsToken {
    type Err = InvalidThreadSubscriptionsToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = |text: &str| text.parse().map(Position).ok();
        let (before, after) = text.split_once('_').ok_or(InvalidThreadSubscriptionsToken)?;
        let before = parse(before).ok_or(InvalidThreadSubscriptionsToken)?;
        let after = parse(after).ok_or(InvalidThreadSubscriptionsToken)?;
        Ok(Self { before: Some(before), after })
    }
}

impl Rooms {
    /// Makes a user follow a thread. A client that decides so by itself names the event in the thread
    /// that made it do it (`cause`).
    ///
    /// # Errors
    /// [`RoomError::UnknownEvent`] if the user can't see the event that the thread grew from;
    /// [`RoomError::NotInThread`]; [`RoomError::UnsubscribedSince`] if the user ceased to follow the
    /// thread after the cause; when the store fails.
    pub async fn subscribe_to_thread(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        root: &EventId,
        cause: Option<&EventId>,
    ) -> Result<(), RoomError> {
        let mut attempts = 1;
        loop {
            match self.try_subscribe(user_id, room_id, root, cause).await {
                Err(RoomError::Busy) if attempts < MOST_ATTEMPTS => attempts += 1,
                outcome => return outcome,
            }
        }
    }

    async fn try_subscribe(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        root: &EventId,
        cause: Option<&EventId>,
    ) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        self.event_for(&snapshot, user_id, room_id, root).await?;
        let known = subscription(&snapshot, user_id, room_id, root).await?;
        let Some(cause) = cause else {
            drop(snapshot);
            return self.write_subscription(user_id, room_id, root, known, Some(false)).await;
        };
        let cause = match self.event_for(&snapshot, user_id, room_id, cause).await {
            Err(RoomError::UnknownEvent(_)) => return Err(RoomError::NotInThread),
            cause => cause?,
        };
        let is_in_thread = Relation::of(&cause)
            .is_some_and(|relation| relation.rel_type == "m.thread" && relation.parent == root);
        if !is_in_thread {
            return Err(RoomError::NotInThread);
        }
        drop(snapshot);
        match known {
            // A client can't know better than the user why they follow a thread.
            Some((ThreadSubscriptionRow { automatic: Some(_), .. }, _)) => Ok(()),
            // The user had seen the cause and ceased to follow the thread all the same.
            Some((ThreadSubscriptionRow { automatic: None, .. }, unsubscribed))
                if cause.stamp.is_some_and(|stamp| stamp.position() <= unsubscribed) =>
            {
                Err(RoomError::UnsubscribedSince)
            }
            known => self.write_subscription(user_id, room_id, root, known, Some(true)).await,
        }
    }

    /// Makes a user cease to follow a thread, which they may have done already.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unsubscribe_from_thread(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        root: &EventId,
    ) -> Result<(), RoomError> {
        let mut attempts = 1;
        loop {
            let snapshot = self.inner.store.snapshot().await?;
            let known = subscription(&snapshot, user_id, room_id, root).await?;
            drop(snapshot);
            let follows = known.is_some_and(|(row, _)| row.automatic.is_some());
            if !follows {
                return Ok(());
            }
            match self.write_subscription(user_id, room_id, root, known, None).await {
                Err(RoomError::Busy) if attempts < MOST_ATTEMPTS => attempts += 1,
                outcome => return outcome,
            }
        }
    }

    /// Whether a user follows a thread, and if so, whether their client decided that.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn thread_subscription(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        room_id: &RoomId,
        root: &EventId,
    ) -> Result<Option<bool>, RoomError> {
        let known = subscription(snapshot, user_id, room_id, root).await?;
        Ok(known.and_then(|(row, _)| row.automatic))
    }

    /// The latest changes of a user's subscriptions that a token asks for, at most `limit`. Nobody who knows nothing yet (position zero) has to learn of threads that the
    /// user doesn't follow.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn thread_subscription_changes(
        &self,
        snapshot: &Snapshot,
        user_id: &UserId,
        token: ThreadSubscriptionsToken,
        limit: usize,
    ) -> Result<ThreadSubscriptionChanges, RoomError> {
        let mut page = ThreadSubscriptionChanges::default();
        let ThreadSubscriptionsToken { before, after: since } = token;
        let mut end = before.map_or(Stamp::MAX, Stamp::first_at);
        loop {
            let range = THREAD_SUBSCRIPTION_CHANGE
                .prefix((user_id,))
                .after((user_id, Stamp::last_at(since)))
                .before((user_id, end));
            let rows = snapshot
                .scan(&THREAD_SUBSCRIPTION_CHANGE, range, PAGE, Direction::Backward)
                .await?;
            let is_last = rows.len() < PAGE;
            for row in rows {
                end = row.key.1;
                let ThreadSubscriptionChangeRow { room_id, root, automatic } = row.value;
                if automatic.is_none() && since == Position::ZERO {
                    continue;
                }
                if page.changes.len() >= limit {
                    // A batch changes one subscription, so that positions tell them apart.
                    let before = Some(end.position().next());
                    page.earlier = Some(ThreadSubscriptionsToken { before, after: since });
                    return Ok(page);
                }
                let bump_stamp = end.position();
                page.changes.push(ThreadSubscriptionChange {
                    room_id,
                    root,
                    automatic,
                    bump_stamp,
                });
            }
            if is_last {
                return Ok(page);
            }
        }
    }

    async fn write_subscription(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        root: &EventId,
        known: Option<(ThreadSubscriptionRow, Position)>,
        automatic: Option<bool>,
    ) -> Result<(), RoomError> {
        if known.is_some_and(|(row, _)| row.automatic == automatic) {
            return Ok(());
        }
        let key = (user_id, room_id, root);
        let mut batch = Batch::new();
        let version = known.map(|(_, version)| version);
        batch.require(&THREAD_SUBSCRIPTION, key, Expect::unchanged(version));
        if let Some((ThreadSubscriptionRow { index, .. }, version)) = known {
            let stamp = Stamp { index, ..Stamp::first_at(version) };
            batch.delete(&THREAD_SUBSCRIPTION_CHANGE, (user_id, stamp));
        }
        let change = ThreadSubscriptionChangeRow {
            room_id: room_id.to_owned(),
            root: root.to_owned(),
            automatic,
        };
        let index = batch.append(&THREAD_SUBSCRIPTION_CHANGE, (user_id,), &change);
        batch
            .put(&THREAD_SUBSCRIPTION, key, &ThreadSubscriptionRow { automatic, index })
            .touch(Touch::User(user_id.to_owned()));
        self.inner.store.commit(batch).await?;
        Ok(())
    }
}

async fn subscription(
    snapshot: &Snapshot,
    user_id: &UserId,
    room_id: &RoomId,
    root: &EventId,
) -> Result<Option<(ThreadSubscriptionRow, Position)>, StoreError> {
    snapshot.get_versioned(&THREAD_SUBSCRIPTION, (user_id, room_id, root)).await
}
