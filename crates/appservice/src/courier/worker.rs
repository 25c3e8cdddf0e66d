//! One service's worker.

use std::{
    collections::BTreeSet,
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use pli_accounts::to_device::ToDevice;
use pli_outbound::wait_after;
use pli_rooms::NewsKind;
use pli_store::{Batch, Expect, Position, Snapshot, ambient::Ambient};

use super::{
    draft::Draft,
    encryption::{self, Movements, ToldCounts},
    ephemeral, events,
    inbox::Notes,
    interest::Interest,
};
use crate::{
    AppServiceError, AppServices,
    services::Service,
    state::{PendingTransaction, SERVICE_STATE, ServiceState},
};

/// How many things that happened are looked at for one transaction.
const NEWS_AT_ONCE: usize = 500;
/// After how many positions without anything for the service its place is written down anyway.
const WRITTEN_EVERY: u64 = 4_096;
/// How long to wait when the store fails.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Brings one service what it is interested in.
pub(crate) struct Worker {
    services: AppServices,
    service: Arc<Service>,
    ambient: Ambient,
    interest: Interest,
    told_counts: ToldCounts,
}

/// The service's row as this worker wrote it: as long as it is so, nobody else serves the service.
struct Lease {
    state: ServiceState,
    version: Position,
    /// The position in the row.
    written: Position,
}

impl Worker {
    pub(crate) fn new(services: AppServices, service: Arc<Service>, ambient: Ambient) -> Self {
        let told_counts = encryption::nothing_told();
        Self { services, service, ambient, interest: Interest::new(), told_counts }
    }

    pub(crate) async fn run(self) {
        let id = &self.service.registration.id;
        loop {
            let Err(error) = self.work_in_turn().await;
            // What was taken out of the inbox for a transaction that came to nothing.
            self.service.inbox.look_everywhere();
            match error {
                AppServiceError::Conflict => {
                    tracing::info!(service = id, "another node serves this application service");
                    tokio::time::sleep(STORE_RETRY).await;
                }
                error => {
                    tracing::error!(service = id, %error, "nothing can be read for this application service");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
    }

    /// Of several nodes one serves the service; another one goes on when it is gone.
    async fn work_in_turn(&self) -> Result<Infallible, AppServiceError> {
        let turn = format!("appservice {}", self.service.registration.id);
        let _turn = self.services.inner.store.turn(&turn).await?;
        self.work().await
    }

    async fn work(&self) -> Result<Infallible, AppServiceError> {
        let mut lease = self.take_over().await?;
        loop {
            if let Some(pending) = &lease.state.pending {
                self.bring(pending).await;
                lease.state.pending = None;
                self.write(&mut lease, Batch::new()).await?;
            }
            if !self.compose(&mut lease).await? {
                self.service.inbox.wait().await;
            }
        }
    }

    /// Begins a new epoch: whatever another node still does for the service comes to nothing.
    async fn take_over(&self) -> Result<Lease, AppServiceError> {
        let id = &self.service.registration.id;
        let snapshot = self.services.inner.store.snapshot().await?;
        let found = snapshot.get_versioned(&SERVICE_STATE, id).await?;
        let now = snapshot.position();
        drop(snapshot);
        let (mut state, version) = match found {
            Some((state, version)) => (state, Some(version)),
            None => (ServiceState { position: now, ..ServiceState::default() }, None),
        };
        state.epoch += 1;
        let mut batch = Batch::new();
        batch.require(&SERVICE_STATE, id, Expect::unchanged(version)).put(
            &SERVICE_STATE,
            id,
            &state,
        );
        let version = self.services.inner.store.commit(batch).await?;
        let written = state.position;
        Ok(Lease { state, version, written })
    }

    /// Writes the service's row, with whatever else is in the batch, if it is still ours.
    async fn write(&self, lease: &mut Lease, mut batch: Batch) -> Result<(), AppServiceError> {
        let id = &self.service.registration.id;
        batch.require(&SERVICE_STATE, id, Expect::Version(lease.version)).put(
            &SERVICE_STATE,
            id,
            &lease.state,
        );
        let before = self.services.told();
        lease.version = self.services.inner.store.commit(batch).await?;
        lease.written = lease.state.position;
        self.service.told.store(lease.written.0, Ordering::Relaxed);
        // What every service has been told is needed no longer.
        let told = self.services.told();
        if told.0 / WRITTEN_EVERY > before.0 / WRITTEN_EVERY {
            self.services.inner.rooms.forget_news(told).await?;
        }
        Ok(())
    }

    /// Sends a transaction until the service has taken it.
    async fn bring(&self, pending: &PendingTransaction) {
        let Service { registration, is_back, .. } = &*self.service;
        let transport = &self.services.inner.transport;
        let mut failures = 0;
        loop {
            let sent = transport.bring(registration, &pending.id, pending.body.clone());
            let Err(error) = sent.await else { return };
            failures += 1;
            let [random] = self.ambient.random_bytes();
            let wait = wait_after(failures, random);
            tracing::warn!(
                service = registration.id,
                transaction = pending.id,
                %error,
                ?wait,
                "an application service did not take a transaction: it will be sent again"
            );
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = is_back.notified() => {}
            }
        }
    }

    /// Makes a transaction of what happened since the last one. Returns whether there may be more to
    /// do at once.
    async fn compose(&self, lease: &mut Lease) -> Result<bool, AppServiceError> {
        let inner = &self.services.inner;
        let registration = &self.service.registration;
        let notes = self.service.inbox.take();
        let snapshot = inner.store.snapshot().await?;
        let since = lease.state.position;
        let mut draft = Draft::default();
        let Read { reached, is_all, receipts, movements } =
            self.read_rooms(&mut draft, &snapshot, since).await?;
        self.add_notes(&mut draft, &snapshot, notes).await?;
        if registration.receives_ephemeral {
            ephemeral::add_receipts(
                &mut draft,
                &snapshot,
                &inner.rooms,
                registration,
                &self.interest,
                &receipts,
                (since, reached),
            )
            .await?;
        }
        if registration.receives_encryption {
            encryption::add_device_lists(
                &mut draft,
                &snapshot,
                &inner.rooms,
                registration,
                &self.interest,
                movements,
                since,
            )
            .await?;
        }
        lease.state.position = reached;
        if draft.is_empty() {
            drop(snapshot);
            if reached.0 >= lease.written.0 + WRITTEN_EVERY {
                self.write(lease, Batch::new()).await?;
            }
            return Ok(!is_all);
        }

        let mut batch = Batch::new();
        for (user_id, device_id, up_to) in std::mem::take(&mut draft.delivered) {
            ToDevice::stage_acknowledgement(&snapshot, &mut batch, &user_id, &device_id, up_to)
                .await?;
        }
        drop(snapshot);
        let body = draft
            .into_body(registration)
            .map_err(|error| AppServiceError::BadAnswer(error.to_string()))?;
        // Never the same again, not even after the store was set back to a copy of before.
        let id = format!("{reached}-{}", self.ambient.random_string(8));
        lease.state.pending = Some(PendingTransaction { id, body });
        self.write(lease, batch).await?;
        Ok(true)
    }

    /// Reads what happened in rooms after a position, as much as fits into a transaction.
    async fn read_rooms(
        &self,
        draft: &mut Draft,
        snapshot: &Snapshot,
        since: Position,
    ) -> Result<Read, AppServiceError> {
        let rooms = &self.services.inner.rooms;
        let registration = &self.service.registration;
        let news = rooms.news_after(snapshot, since, NEWS_AT_ONCE).await?;
        let mut is_all = news.len() < NEWS_AT_ONCE;
        let mut reached = since;
        let mut receipts = BTreeSet::new();
        let mut movements = Movements::default();
        for (position, news) in news {
            if draft.is_full() {
                is_all = false;
                break;
            }
            match news.kind {
                NewsKind::Receipt => drop(receipts.insert(news.room_id)),
                NewsKind::Events => {
                    let room_id = &news.room_id;
                    let appended = events::appended_at(snapshot, rooms, room_id, position).await?;
                    let interest = &self.interest;
                    let wanted =
                        events::add(draft, snapshot, rooms, registration, interest, appended)
                            .await?;
                    if registration.receives_encryption {
                        movements.note(snapshot, rooms, registration, &wanted).await?;
                    }
                }
            }
            reached = position;
        }
        if is_all {
            reached = snapshot.position();
        }
        Ok(Read { reached, is_all, receipts, movements })
    }

    /// Adds what the notes in the inbox lead to.
    async fn add_notes(
        &self,
        draft: &mut Draft,
        snapshot: &Snapshot,
        notes: Notes,
    ) -> Result<(), AppServiceError> {
        let Service { registration, inbox, .. } = &*self.service;
        let rooms = &self.services.inner.rooms;
        let Notes { mut users, typing, presence, everywhere } = notes;
        let interest = &self.interest;
        ephemeral::add_typing(draft, snapshot, rooms, registration, interest, typing).await?;
        ephemeral::add_presence(draft, snapshot, rooms, registration, interest, presence).await?;
        if !registration.receives_encryption {
            return Ok(());
        }
        if everywhere {
            users.extend(encryption::users_with_messages(snapshot, registration).await?);
        }
        encryption::add_for_devices(draft, snapshot, inbox, &users, &self.told_counts).await
    }
}

/// What was read of the rooms.
struct Read {
    /// Everything up to here is in the transaction.
    reached: Position,
    /// There was no more.
    is_all: bool,
    /// Where receipts moved.
    receipts: BTreeSet<ruma::OwnedRoomId>,
    movements: Movements,
}
