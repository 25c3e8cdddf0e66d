//! Events that are sent later, unless somebody says otherwise before
//! ([MSC4140](https://github.com/matrix-org/matrix-spec-proposals/pull/4140)).
//!
//! What waits is a row of the store, found by the time at which it is due, so a stop of the server
//! forgets nothing. Sending it appends the event and changes the row in one batch that requires the
//! row as it was read: however many nodes look for what is due, each event is sent once.

mod rows;
mod send;
mod sender;

use std::{sync::Arc, time::Duration};

use pli_store::{Batch, Direction, Expect, Position, Snapshot};
use ruma::{
    OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedTransactionId, OwnedUserId, UserId,
    events::{TimelineEventType, sticky::StickyDurationMs},
};
use serde_json::value::RawValue;
use tokio::sync::Notify;

pub(crate) use self::rows::{
    DELAYED_EVENT, DELAYED_EVENT_DUE, DELAYED_EVENT_OF_USER, DELAYED_EVENT_TRANSACTION,
};
pub use self::rows::{DelayedEventRow, DelayedOutcome};
use self::{rows::milliseconds, send::SendDelayed};
use crate::{Rooms, error::RoomError};

/// The largest content that can wait, in bytes: no event is larger.
const MAX_CONTENT_BYTES: usize = 65_536;

/// How often a change is tried when somebody else changes the same at the same time.
const MOST_ATTEMPTS: usize = 8;

/// The length of a delayed event's id: who knows it can send, restart and cancel the event, so it is
/// a secret.
const ID_CHARACTERS: usize = 32;

/// How much may wait, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct DelayedEventLimits {
    /// The longest delay.
    pub max_delay: Duration,
    /// How many events of one user can wait at a time.
    pub max_per_user: usize,
}

/// An event to be sent later.
#[derive(Clone, Debug)]
pub struct ScheduleEvent {
    /// Who sends it.
    pub sender: OwnedUserId,
    /// From which device.
    pub device_id: OwnedDeviceId,
    /// Where.
    pub room_id: OwnedRoomId,
    /// Its type.
    pub event_type: TimelineEventType,
    /// Its state key, if it is a state event.
    pub state_key: Option<String>,
    /// Its content: a JSON object.
    pub content: Box<RawValue>,
    /// For how long it sticks once it is sent, if it does (MSC4354).
    pub sticky: Option<StickyDurationMs>,
    /// How long it waits.
    pub delay: Duration,
    /// The device's transaction id: scheduling the same again gives the same delayed event.
    pub transaction_id: Option<OwnedTransactionId>,
}

/// What somebody wants to happen to a delayed event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelayedEventAction {
    /// Never send it.
    Cancel,
    /// Let the whole delay begin again.
    Restart,
    /// Send it now.
    Send,
}

/// A delayed event.
#[derive(Clone, Debug)]
pub struct DelayedEvent {
    /// Its id.
    pub delay_id: String,
    /// What it is, and what became of it.
    pub row: DelayedEventRow,
}

/// The events of this server's users that are sent later. Cheap to clone.
#[derive(Clone)]
pub struct DelayedEvents {
    rooms: Rooms,
    limits: DelayedEventLimits,
    /// Something may be due earlier than the sender knows.
    changed: Arc<Notify>,
}

impl DelayedEvents {
    /// The delayed events of these rooms. They are sent while [`Self::run`] runs.
    #[must_use]
    pub fn new(rooms: Rooms, limits: DelayedEventLimits) -> Self {
        Self { rooms, limits, changed: Arc::default() }
    }

    /// Schedules an event and returns its delay id. Whether its sender may send it is decided when
    /// it is sent.
    ///
    /// # Errors
    /// [`RoomError::DelayTooLong`], [`RoomError::TooManyDelayedEvents`], [`RoomError::TooLarge`];
    /// [`RoomError::Forbidden`] if the sender is not in the room; when the store fails.
    pub async fn schedule(&self, event: ScheduleEvent) -> Result<String, RoomError> {
        let mut attempts = 1;
        loop {
            match self.try_schedule(&event).await {
                Err(RoomError::Busy) if attempts < MOST_ATTEMPTS => attempts += 1,
                outcome => return outcome,
            }
        }
    }

    async fn try_schedule(&self, event: &ScheduleEvent) -> Result<String, RoomError> {
        let inner = &self.rooms.inner;
        let snapshot = inner.store.snapshot().await?;
        let scope = match &event.state_key {
            Some(state_key) => format!("{} {} {state_key}", event.room_id, event.event_type),
            None => format!("{} {}", event.room_id, event.event_type),
        };
        let transaction = event
            .transaction_id
            .as_ref()
            .map(|id| (&event.sender, &event.device_id, scope, id.as_str()));
        if let Some(transaction) = &transaction
            && let Some(delay_id) = snapshot.get(&DELAYED_EVENT_TRANSACTION, transaction).await?
        {
            return Ok(delay_id);
        }
        self.check(&snapshot, event).await?;
        let seen = snapshot.position();
        drop(snapshot);

        let delay_id = inner.ambient.random_string(ID_CHARACTERS);
        let row = DelayedEventRow {
            user_id: event.sender.clone(),
            device_id: event.device_id.clone(),
            room_id: event.room_id.clone(),
            event_type: event.event_type.clone(),
            state_key: event.state_key.clone(),
            content: event.content.get().to_owned(),
            sticky_ms: event.sticky.map(StickyDurationMs::get),
            delay_ms: milliseconds(event.delay),
            running_since_ms: inner.ambient.now_ms(),
            transaction: transaction
                .as_ref()
                .map(|(_, _, scope, id)| (scope.clone(), (*id).to_owned())),
            seen,
            attempts: 0,
            retry_ms: None,
            outcome: None,
            finalised_ms: None,
        };
        let mut batch = Batch::new();
        if let Some(transaction) = &transaction {
            batch.require(&DELAYED_EVENT_TRANSACTION, transaction, Expect::Absent).put(
                &DELAYED_EVENT_TRANSACTION,
                transaction,
                &delay_id,
            );
        }
        batch.put(&DELAYED_EVENT, &delay_id, &row);
        batch.put(&DELAYED_EVENT_OF_USER, (&row.user_id, &delay_id), &());
        batch.put(&DELAYED_EVENT_DUE, (row.due_ms(), &delay_id), &());
        inner.store.commit(batch).await?;
        self.changed.notify_one();
        Ok(delay_id)
    }

    async fn check(&self, snapshot: &Snapshot, event: &ScheduleEvent) -> Result<(), RoomError> {
        let ScheduleEvent { sender, room_id, content, delay, .. } = event;
        if *delay > self.limits.max_delay {
            return Err(RoomError::DelayTooLong(self.limits.max_delay));
        }
        if content.get().len() > MAX_CONTENT_BYTES {
            return Err(RoomError::TooLarge("its content alone is over 64 KiB".to_owned()));
        }
        if !self.rooms.is_joined(snapshot, sender, room_id).await? {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        let most = self.limits.max_per_user;
        let range = DELAYED_EVENT_OF_USER.prefix((sender,));
        let waiting =
            snapshot.scan(&DELAYED_EVENT_OF_USER, range, most, Direction::Forward).await?;
        if waiting.len() >= most {
            return Err(RoomError::TooManyDelayedEvents(most));
        }
        Ok(())
    }

    /// The events of a user that wait to be sent, the next one first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn scheduled(&self, user_id: &UserId) -> Result<Vec<DelayedEvent>, RoomError> {
        let snapshot = self.rooms.inner.store.snapshot().await?;
        let range = DELAYED_EVENT_OF_USER.prefix((user_id,));
        let most = self.limits.max_per_user.saturating_mul(2);
        let ids = snapshot.scan(&DELAYED_EVENT_OF_USER, range, most, Direction::Forward).await?;
        let ids: Vec<String> = ids.into_iter().map(|row| row.key.1).collect();
        let rows = snapshot.get_many(&DELAYED_EVENT, &ids).await?;
        let found = ids.into_iter().zip(rows);
        let mut events: Vec<_> = found
            .filter_map(|(delay_id, row)| row.map(|(row, _)| DelayedEvent { delay_id, row }))
            .collect();
        events.sort_by_key(|event| event.row.due_ms());
        Ok(events)
    }

    /// One delayed event of a user: one that waits, or one that was sent or cancelled not long ago.
    ///
    /// # Errors
    /// [`RoomError::UnknownDelayedEvent`], also for those of others; when the store fails.
    pub async fn get(&self, user_id: &UserId, delay_id: &str) -> Result<DelayedEvent, RoomError> {
        let (row, _) = self.row(delay_id).await?;
        if row.user_id != user_id {
            return Err(RoomError::UnknownDelayedEvent);
        }
        Ok(DelayedEvent { delay_id: delay_id.to_owned(), row })
    }

    /// Sends, restarts or cancels a delayed event: whoever knows its id may.
    ///
    /// # Errors
    /// [`RoomError::UnknownDelayedEvent`]; [`RoomError::DelayedEventIsOver`] if something else became
    /// of it before; whatever keeps the event from being sent; when the store fails.
    pub async fn update(
        &self,
        delay_id: &str,
        action: DelayedEventAction,
    ) -> Result<(), RoomError> {
        let mut attempts = 1;
        loop {
            match self.try_update(delay_id, action).await {
                Err(RoomError::Busy) if attempts < MOST_ATTEMPTS => attempts += 1,
                outcome => return outcome,
            }
        }
    }

    async fn try_update(
        &self,
        delay_id: &str,
        action: DelayedEventAction,
    ) -> Result<(), RoomError> {
        let (row, version) = self.row(delay_id).await?;
        if let Some(outcome) = &row.outcome {
            // Asking again for what happened is no mistake.
            return match (action, outcome) {
                (DelayedEventAction::Cancel, DelayedOutcome::Cancelled)
                | (DelayedEventAction::Send, DelayedOutcome::Sent(_)) => Ok(()),
                _ => Err(RoomError::DelayedEventIsOver),
            };
        }
        match action {
            DelayedEventAction::Send => self.send_now(delay_id, &row).await.map(|_| ()),
            DelayedEventAction::Cancel => {
                self.finish(delay_id, row, version, DelayedOutcome::Cancelled).await
            }
            DelayedEventAction::Restart => {
                let now_ms = self.rooms.inner.ambient.now_ms();
                let restarted = DelayedEventRow {
                    running_since_ms: now_ms,
                    attempts: 0,
                    retry_ms: None,
                    ..row.clone()
                };
                self.replace(delay_id, &row, version, &restarted).await
            }
        }
    }

    async fn row(&self, delay_id: &str) -> Result<(DelayedEventRow, Position), RoomError> {
        let snapshot = self.rooms.inner.store.snapshot().await?;
        let found = snapshot.get_versioned(&DELAYED_EVENT, delay_id).await?;
        found.ok_or(RoomError::UnknownDelayedEvent)
    }

    /// Sends an event, due or not. One that can never be sent is over.
    async fn send_now(
        &self,
        delay_id: &str,
        row: &DelayedEventRow,
    ) -> Result<OwnedEventId, RoomError> {
        let sent = self.submit(delay_id, row).await;
        if let Err(error) = &sent
            && let Some((errcode, text)) = send::refusal(error)
        {
            let (row, version) = self.row(delay_id).await?;
            if row.outcome.is_none() {
                let outcome = DelayedOutcome::Failed { errcode: errcode.to_owned(), error: text };
                self.finish(delay_id, row, version, outcome).await?;
            }
        }
        sent
    }

    async fn submit(
        &self,
        delay_id: &str,
        row: &DelayedEventRow,
    ) -> Result<OwnedEventId, RoomError> {
        if let (TimelineEventType::RoomMember, Some(state_key)) = (&row.event_type, &row.state_key)
        {
            let content = send::content(row)?;
            self.rooms.check_set_invite(&row.user_id, state_key, &content).await?;
        }
        let operation = SendDelayed { delay_id: delay_id.to_owned() };
        self.rooms.submit(&row.room_id, operation).await
    }

    async fn finish(
        &self,
        delay_id: &str,
        row: DelayedEventRow,
        version: Position,
        outcome: DelayedOutcome,
    ) -> Result<(), RoomError> {
        let mut batch = Batch::new();
        let now_ms = self.rooms.inner.ambient.now_ms();
        rows::stage_outcome(&mut batch, delay_id, row, version, outcome, now_ms);
        self.rooms.inner.store.commit(batch).await?;
        Ok(())
    }

    /// Writes a delayed event that still waits, perhaps for another moment.
    async fn replace(
        &self,
        delay_id: &str,
        former: &DelayedEventRow,
        version: Position,
        row: &DelayedEventRow,
    ) -> Result<(), RoomError> {
        let mut batch = Batch::new();
        batch
            .require(&DELAYED_EVENT, delay_id, Expect::Version(version))
            .put(&DELAYED_EVENT, delay_id, row)
            .delete(&DELAYED_EVENT_DUE, (former.due_ms(), delay_id))
            .put(&DELAYED_EVENT_DUE, (row.due_ms(), delay_id), &());
        self.rooms.inner.store.commit(batch).await?;
        self.changed.notify_one();
        Ok(())
    }
}
