//! Appending to rooms.
//!
//! Whoever wants something appended hands an [`Operation`] to the room's queue. One task at a time
//! takes what waits, at most [`MOST_PER_BATCH`], carries the operations out one after the other on a
//! [`RoomTransaction`] in memory, commits a single batch for all of them and answers each. The
//! batch requires the room's head as it was read: if another node was faster, everything is built
//! again on the new head. The task is its own: a caller that goes away stops nothing.

mod effects;
mod operation;
mod receive;
mod redaction;
mod relations;
mod resolve;
mod sticky;
mod summary;
mod trailing;
mod transaction;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use pli_store::{CommitError, Position};
use quick_cache::sync::Cache;
use ruma::{OwnedEventId, OwnedRoomId, RoomId};
use tokio::sync::oneshot;

pub(crate) use self::{
    operation::{ClientTransaction, Operation},
    trailing::Trailing,
    transaction::{NewEvent, RoomTransaction},
};
use crate::{
    Rooms,
    error::RoomError,
    keyspaces::{ROOM_HEAD, ROOM_SUMMARY, TRANSACTION},
    lazy_snapshot::LazySnapshot,
    rows::{RoomHead, RoomSummary},
};

/// How many operations one batch carries at most.
const MOST_PER_BATCH: usize = 64;

/// How often a batch is built again after other nodes were faster.
const MOST_ATTEMPTS: usize = 16;

/// How many rooms' heads are kept in memory.
const CACHED_ROOMS: usize = 4096;

/// A room as the log last saw it.
pub(crate) struct KnownRoom {
    pub(crate) head: RoomHead,
    pub(crate) head_version: Position,
    pub(crate) summary: RoomSummary,
    /// The events whose rows are not all written yet.
    pub(crate) trailing: Vec<Trailing>,
}

struct Job {
    operation: Arc<dyn Operation>,
    answer: oneshot::Sender<Result<OwnedEventId, RoomError>>,
}

/// The queues of the rooms.
pub(crate) struct RoomLog {
    /// What waits, for each room; a room is in here while a task works on it.
    queues: Mutex<HashMap<OwnedRoomId, VecDeque<Job>>>,
    known: Cache<OwnedRoomId, Arc<KnownRoom>>,
}

impl RoomLog {
    pub(crate) fn new() -> Self {
        Self { queues: Mutex::default(), known: Cache::new(CACHED_ROOMS) }
    }

    pub(crate) fn know(&self, room_id: &RoomId, room: KnownRoom) {
        self.known.insert(room_id.to_owned(), Arc::new(room));
    }

    /// Adds a job; says whether the caller has to start the room's task.
    fn enqueue(&self, room_id: &RoomId, job: Job) -> bool {
        let mut queues = self.queues.lock();
        if let Some(queue) = queues.get_mut(room_id) {
            queue.push_back(job);
            return false;
        }
        queues.insert(room_id.to_owned(), VecDeque::from([job]));
        true
    }

    /// What waits for a room; `None`, and the task has to end, if nothing does.
    fn take(&self, room_id: &RoomId) -> Option<Vec<Job>> {
        let mut queues = self.queues.lock();
        let queue = queues.get_mut(room_id)?;
        if queue.is_empty() {
            queues.remove(room_id);
            return None;
        }
        let count = queue.len().min(MOST_PER_BATCH);
        Some(queue.drain(..count).collect())
    }
}

impl Rooms {
    /// Carries out an operation on a room and waits until it is durable. It goes through even if the
    /// caller stops waiting.
    pub(crate) async fn submit(
        &self,
        room_id: &RoomId,
        operation: impl Operation + 'static,
    ) -> Result<OwnedEventId, RoomError> {
        let (answer, answered) = oneshot::channel();
        let job = Job { operation: Arc::new(operation), answer };
        if self.inner.log.enqueue(room_id, job) {
            let rooms = self.clone();
            let room_id = room_id.to_owned();
            tokio::spawn(async move {
                while let Some(jobs) = rooms.inner.log.take(&room_id) {
                    rooms.work_off(&room_id, jobs).await;
                }
            });
        }
        // The task answers every job, unless the process is going down.
        answered.await.unwrap_or(Err(RoomError::Interrupted))
    }

    async fn work_off(&self, room_id: &RoomId, mut jobs: Vec<Job>) {
        let mut attempts = 0;
        while !jobs.is_empty() {
            match self.try_work_off(room_id, &mut jobs).await {
                Ok(()) => attempts = 0,
                Err(Setback::Conflict) if attempts < MOST_ATTEMPTS => {
                    attempts += 1;
                    self.inner.log.known.remove(room_id);
                }
                Err(Setback::Conflict) => answer_all(std::mem::take(&mut jobs), &RoomError::Busy),
                Err(Setback::Failed(error)) => {
                    self.inner.log.known.remove(room_id);
                    answer_all(std::mem::take(&mut jobs), &error);
                }
            }
        }
    }

    /// Carries out the jobs in one batch. Those that are left in `jobs` have no answer yet.
    async fn try_work_off(&self, room_id: &RoomId, jobs: &mut Vec<Job>) -> Result<(), Setback> {
        let source = LazySnapshot::of(&self.inner.store);
        let Some(known) = self.known_room(&source, room_id).await? else {
            answer_all(std::mem::take(jobs), &RoomError::UnknownRoom(room_id.to_owned()));
            return Ok(());
        };
        let mut transaction = RoomTransaction::open(self, source, room_id, &known)?;
        let mut done: Vec<(Job, OwnedEventId)> = Vec::new();
        let mut refused: Vec<(Job, RoomError)> = Vec::new();
        let mut later = Vec::new();
        let mut waiting = std::mem::take(jobs).into_iter();
        while let Some(job) = waiting.next() {
            let appended_before = transaction.appended.len();
            match transaction.run(&*job.operation).await {
                Ok(event_id) => done.push((job, event_id)),
                // It builds on something that this batch is about to write: the next one does it.
                Err(RoomError::AfterCommit) => {
                    later.push(job);
                    later.extend(waiting.by_ref());
                }
                // It stopped half-way: nothing of this batch may be written.
                Err(error) if transaction.appended.len() > appended_before => {
                    let others = done.into_iter().map(|(job, _)| job);
                    let others = others.chain(refused.into_iter().map(|(job, _)| job));
                    jobs.extend(others.chain([job]).chain(later).chain(waiting));
                    return Err(Setback::Failed(error));
                }
                Err(error) => refused.push((job, error)),
            }
            // Nobody's message waits until those of others are looked at as well.
            if transaction.has_policy_server() {
                later.extend(waiting.by_ref());
            }
        }
        // What is refused must be refused by the room as it is, not as this process remembers it.
        if !refused.is_empty() && !transaction.is_up_to_date().await? {
            let others = done.into_iter().map(|(job, _)| job);
            jobs.extend(others.chain(refused.into_iter().map(|(job, _)| job)).chain(later));
            return Err(Setback::Conflict);
        }
        for (job, error) in refused {
            answer(job, Err(error));
        }

        if !transaction.is_empty() {
            let outcome = match transaction.settle().await {
                Ok(()) => transaction.commit().await.map_err(Unwritten::Refused),
                Err(error) => Err(Unwritten::Failed(error)),
            };
            if let Err(error) = outcome {
                jobs.extend(done.into_iter().map(|(job, _)| job));
                jobs.append(&mut later);
                return Err(match error {
                    Unwritten::Refused(error) => self.set_back(error, jobs).await,
                    Unwritten::Failed(error) => Setback::Failed(error),
                });
            }
        }
        for (job, event_id) in done {
            answer(job, Ok(event_id));
        }
        *jobs = later;
        Ok(())
    }

    /// After a commit that didn't happen: answers the repetitions of transactions that are done
    /// already, and says how to go on.
    async fn set_back(&self, error: CommitError, jobs: &mut Vec<Job>) -> Setback {
        let conflict = match error {
            CommitError::Conflict(conflict) => conflict,
            CommitError::Store(error) => return Setback::Failed(error.into()),
        };
        if conflict.keyspace == TRANSACTION.name()
            && let Err(error) = self.answer_repetitions(jobs).await
        {
            return Setback::Failed(error);
        }
        Setback::Conflict
    }

    async fn answer_repetitions(&self, jobs: &mut Vec<Job>) -> Result<(), RoomError> {
        let snapshot = self.inner.store.snapshot().await?;
        for job in std::mem::take(jobs) {
            let known = match job.operation.client_transaction() {
                Some(transaction) => snapshot.get(&TRANSACTION, transaction.key()).await?,
                None => None,
            };
            match known {
                Some(row) => answer(job, Ok(row.event_id)),
                None => jobs.push(job),
            }
        }
        Ok(())
    }

    pub(crate) async fn known_room(
        &self,
        source: &LazySnapshot<'_>,
        room_id: &RoomId,
    ) -> Result<Option<Arc<KnownRoom>>, RoomError> {
        if let Some(known) = self.inner.log.known.get(room_id) {
            return Ok(Some(known));
        }
        let snapshot = source.get().await?;
        let head = snapshot.get_versioned(&ROOM_HEAD, room_id).await?;
        let Some((head, head_version)) = head else { return Ok(None) };
        let summary = snapshot.get(&ROOM_SUMMARY, room_id).await?;
        let summary = summary.unwrap_or_else(|| RoomSummary::new(head.room_version.clone()));
        let trailing = self.trailing(snapshot, room_id, &head).await?;
        let known = Arc::new(KnownRoom { head, head_version, summary, trailing });
        self.inner.log.known.insert(room_id.to_owned(), Arc::clone(&known));
        Ok(Some(known))
    }
}

/// Why a batch was not written.
enum Unwritten {
    /// The store said so.
    Refused(CommitError),
    /// It could not be completed.
    Failed(RoomError),
}

enum Setback {
    /// Another node was faster: build again.
    Conflict,
    Failed(RoomError),
}

impl From<RoomError> for Setback {
    fn from(error: RoomError) -> Self {
        Self::Failed(error)
    }
}

fn answer(job: Job, outcome: Result<OwnedEventId, RoomError>) {
    // The caller may have gone away.
    let _ = job.answer.send(outcome);
}

fn answer_all(jobs: Vec<Job>, error: &RoomError) {
    for job in jobs {
        answer(job, Err(error.clone()));
    }
}
