//! Batches on their way to an engine's one writer, which commits them in groups.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Position,
    batch::Batch,
    error::{CommitError, StoreError},
    store::Committed,
};

/// What a batch came to.
pub(crate) type Outcome = Result<Position, CommitError>;

/// How much memory waiting batches may take, before further ones are refused.
const MAX_QUEUED_BYTES: usize = 256 * 1024 * 1024;
/// How many batches are committed together at most.
const MAX_GROUP_BATCHES: usize = 512;
/// How large a group may grow before it takes no further batch.
const MAX_GROUP_BYTES: usize = 8 * 1024 * 1024;

/// The share of [`MAX_QUEUED_BYTES`] that a waiting batch takes, given back when it is answered.
struct Room {
    taken: usize,
    queued_bytes: Arc<AtomicUsize>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.queued_bytes.fetch_sub(self.taken, Ordering::Relaxed);
    }
}

/// A batch that waits to be committed.
pub(crate) struct Job {
    pub(crate) batch: Batch,
    answer: oneshot::Sender<Outcome>,
    room: Room,
}

/// The sending side: one per store.
pub(crate) struct CommitQueue {
    /// Gone once the store is closed.
    sender: Mutex<Option<mpsc::UnboundedSender<Job>>>,
    queued_bytes: Arc<AtomicUsize>,
}

/// The receiving side: the writer's.
pub(crate) struct Jobs(mpsc::UnboundedReceiver<Job>);

/// A commit under way. It goes through whether or not anybody waits for it.
pub(crate) enum Pending {
    Done(Outcome),
    Waiting(oneshot::Receiver<Outcome>),
}

impl Pending {
    pub(crate) async fn outcome(self) -> Outcome {
        match self {
            Self::Done(outcome) => outcome,
            Self::Waiting(answer) => answer.await.unwrap_or(Err(StoreError::Closed.into())),
        }
    }
}

/// A queue that takes no batch: the store is open for reading only.
pub(crate) fn refusing_queue() -> CommitQueue {
    let queue = commit_queue().0;
    queue.close();
    queue
}

pub(crate) fn commit_queue() -> (CommitQueue, Jobs) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let queue = CommitQueue { sender: Mutex::new(Some(sender)), queued_bytes: Arc::default() };
    (queue, Jobs(receiver))
}

impl CommitQueue {
    /// Puts a batch into the queue. Batches are committed in the order of these calls.
    pub(crate) fn submit(&self, batch: Batch) -> Pending {
        let taken = batch.size();
        let queued = self.queued_bytes.fetch_add(taken, Ordering::Relaxed);
        let room = Room { taken, queued_bytes: Arc::clone(&self.queued_bytes) };
        if queued > 0 && queued + taken > MAX_QUEUED_BYTES {
            return Pending::Done(Err(StoreError::Overloaded.into()));
        }

        let (answer, receiver) = oneshot::channel();
        let job = Job { batch, answer, room };
        let is_open = self.sender.lock().as_ref().is_some_and(|sender| sender.send(job).is_ok());
        if is_open {
            Pending::Waiting(receiver)
        } else {
            Pending::Done(Err(StoreError::Closed.into()))
        }
    }

    /// Takes no further batch. The writer ends when it has committed those that wait.
    pub(crate) fn close(&self) {
        self.sender.lock().take();
    }
}

impl Jobs {
    /// Waits for a batch and takes those that wait behind it; `None` once the queue is closed and
    /// empty.
    pub(crate) async fn next_group(&mut self) -> Option<Vec<Job>> {
        let first = self.0.recv().await?;
        Some(self.fill(first))
    }

    /// The same on a thread of its own.
    pub(crate) fn next_group_blocking(&mut self) -> Option<Vec<Job>> {
        let first = self.0.blocking_recv()?;
        Some(self.fill(first))
    }

    fn fill(&mut self, first: Job) -> Vec<Job> {
        let mut bytes = first.room.taken;
        let mut group = vec![first];
        while group.len() < MAX_GROUP_BATCHES && bytes < MAX_GROUP_BYTES {
            let Ok(job) = self.0.try_recv() else { break };
            bytes += job.room.taken;
            group.push(job);
        }
        group
    }
}

/// Tells subscribers, in order, of every batch that was committed, then those who wait for them.
pub(crate) fn publish(group: Vec<Job>, outcomes: Vec<Outcome>, tell: impl Fn(Arc<Committed>)) {
    let mut answers = Vec::with_capacity(group.len());
    for (job, outcome) in group.into_iter().zip(outcomes) {
        if let Ok(position) = outcome
            && job.batch.restore.is_none()
        {
            tell(Arc::new(Committed { position, touched: job.batch.touched }));
        }
        answers.push((job.answer, outcome));
    }
    for (answer, outcome) in answers {
        // Nobody may be waiting any more: the batch is committed all the same.
        let _ = answer.send(outcome);
    }
}

/// Answers every batch of a group with the same error.
pub(crate) fn refuse(group: Vec<Job>, error: &StoreError) {
    for job in group {
        let _ = job.answer.send(Err(error.clone().into()));
    }
}
