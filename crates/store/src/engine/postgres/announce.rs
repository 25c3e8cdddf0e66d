//! What nodes tell each other of their commits.
//!
//! Every node announces its commits with `NOTIFY`, in the transactions that make them, and listens
//! to the others'. What a node committed itself it knows at once. Subscribers get all of them in the
//! order of their positions, which have no gaps: a commit waits for those before it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use tokio::{
    sync::mpsc,
    task::JoinHandle,
    time::{MissedTickBehavior, timeout},
};

use super::connect::{Connection, Database, READ_POSITION, the_position};
use crate::{Position, batch::Touch, engine::Commits, error::StoreError, store::Committed};

/// Announces; the parameter is an array of what [`announcement`] makes.
pub(super) const ANNOUNCE: &str =
    "SELECT pg_notify('pli', said) FROM unnest($1::text[]) AS parts(said)";
const LISTEN: &str = "LISTEN pli";

/// PostgreSQL takes fewer than 8,000 bytes at once.
const MAX_ANNOUNCED_BYTES: usize = 7_500;
/// After how long a commit that is waited for counts as missed, and how long to wait before
/// listening again on a new connection.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the listener's connection is tried, in ticks of [`PATIENCE`]: who only listens doesn't
/// notice that the other end is gone.
const TICKS_BETWEEN_TRIALS: u32 = 5;
/// How long the database may take to answer the listener.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// A commit as other nodes hear of it: one text, or several if it touches much.
pub(super) fn announcement(
    position: Position,
    touched: &[Touch],
) -> Result<Vec<String>, StoreError> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    for touch in touched {
        let touch = serde_json::to_string(touch)
            .map_err(|error| StoreError::Engine(format!("a touch can't be announced: {error}")))?;
        if !part.is_empty() && part.len() + touch.len() > MAX_ANNOUNCED_BYTES {
            parts.push(std::mem::take(&mut part));
        }
        if !part.is_empty() {
            part.push(',');
        }
        part.push_str(&touch);
    }
    parts.push(part);
    let last = parts.len() - 1;
    // `+`: more of the same commit follows.
    let said = |(number, part): (usize, String)| {
        format!("{position} {} [{part}]", if number < last { '+' } else { '.' })
    };
    Ok(parts.into_iter().enumerate().map(said).collect())
}

fn heard(said: &str) -> Option<(Position, bool, &str)> {
    let (position, rest) = said.split_once(' ')?;
    let (end, touched) = rest.split_once(' ')?;
    Some((Position(position.parse().ok()?), end == ".", touched))
}

/// Puts commits into their order and tells subscribers of them.
pub(super) struct Announcer {
    commits: Commits,
    order: Mutex<Order>,
}

struct Order {
    /// The next commit to tell of.
    next: Position,
    /// Those that came before it did.
    waiting: BTreeMap<Position, Arc<Committed>>,
    /// What was heard so far of a commit that touches much.
    beginning: Vec<Touch>,
}

impl Announcer {
    /// `position` is that of the last commit before the first to tell of.
    pub(super) fn new(commits: Commits, position: Position) -> Self {
        let order =
            Order { next: position.next(), waiting: BTreeMap::new(), beginning: Vec::new() };
        Self { commits, order: Mutex::new(order) }
    }

    /// Tells of a commit once everything before it has been told.
    pub(super) fn tell(&self, committed: Arc<Committed>) {
        let mut order = self.order.lock();
        if committed.position >= order.next {
            order.waiting.entry(committed.position).or_insert(committed);
            order.flush(&self.commits);
        }
    }

    fn hear(&self, said: &str) {
        let Some((position, is_whole, touched)) = heard(said) else {
            tracing::warn!("another node said what this version doesn't understand");
            return;
        };
        // Nearly everything on a single node: what it committed itself.
        if position < self.order.lock().next {
            return;
        }
        // What a newer version says may be anything.
        let touched: Vec<Touch> =
            serde_json::from_str(touched).unwrap_or_else(|_| vec![Touch::Everything]);
        let mut order = self.order.lock();
        order.beginning.extend(touched);
        if !is_whole {
            return;
        }
        let touched = std::mem::take(&mut order.beginning);
        drop(order);
        self.tell(Arc::new(Committed { position, touched }));
    }

    /// Goes on after `position`: of some commits up to it nothing was heard, or may not have been.
    fn skip_to(&self, position: Position) {
        let mut order = self.order.lock();
        let position = position.max(Position(order.next.0 - 1));
        order.beginning.clear();
        order.waiting = order.waiting.split_off(&position.next());
        order.next = position.next();
        let missed = Committed { position, touched: vec![Touch::Everything] };
        // No subscriber is no error.
        let _ = self.commits.send(Arc::new(missed));
        order.flush(&self.commits);
    }

    /// The commit that others wait for, if any do.
    fn waited_for(&self) -> Option<Position> {
        let order = self.order.lock();
        (!order.waiting.is_empty()).then_some(order.next)
    }
}

impl Order {
    fn flush(&mut self, commits: &Commits) {
        while let Some(committed) = self.waiting.remove(&self.next) {
            self.next = self.next.next();
            // No subscriber is no error.
            let _ = commits.send(committed);
        }
    }
}

/// Hears what other nodes say, on a connection of its own.
pub(super) struct Listener {
    database: Database,
    connection: Connection,
    said: mpsc::UnboundedReceiver<String>,
}

impl Listener {
    /// Begins to listen. Returns the position of the last commit of which nothing is heard.
    pub(super) async fn begin(database: Database) -> Result<(Self, Position), StoreError> {
        let (connection, said) = database.connect_listener().await?;
        let position = in_time(async {
            connection.execute_batch(LISTEN).await?;
            the_position(&connection.query(READ_POSITION, &[]).await?)
        })
        .await?;
        Ok((Self { database, connection, said }, position))
    }

    /// Listens in a task of its own, until the announcer is gone.
    pub(super) fn spawn(self, announcer: &Arc<Announcer>) -> JoinHandle<()> {
        tokio::spawn(self.run(Arc::downgrade(announcer)))
    }

    async fn run(mut self, announcer: Weak<Announcer>) {
        let mut tick = tokio::time::interval(PATIENCE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_waited_for = None;
        let mut ticks_to_trial = TICKS_BETWEEN_TRIALS;
        loop {
            tokio::select! {
                said = self.said.recv() => {
                    let Some(announcer) = announcer.upgrade() else { return };
                    match said {
                        Some(said) => announcer.hear(&said),
                        None => self.begin_again(&announcer).await,
                    }
                }
                _ = tick.tick() => {
                    let Some(announcer) = announcer.upgrade() else { return };
                    let waited_for = announcer.waited_for();
                    let misses_some = waited_for.is_some() && waited_for == was_waited_for;
                    ticks_to_trial = ticks_to_trial.saturating_sub(1);
                    if misses_some || ticks_to_trial == 0 {
                        // After a failure the next tick tries again.
                        let answers = self.try_connection(&announcer, misses_some).await;
                        ticks_to_trial = if answers { TICKS_BETWEEN_TRIALS } else { 1 };
                    }
                    was_waited_for = waited_for;
                }
            }
        }
    }

    /// After the connection was lost.
    async fn begin_again(&mut self, announcer: &Announcer) {
        match Self::begin(self.database.clone()).await {
            Ok((listener, position)) => {
                *self = listener;
                announcer.skip_to(position);
            }
            Err(error) => {
                tracing::warn!(%error, "other nodes' commits are not heard of");
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }

    /// Makes sure that the connection still lives, or takes a new one; says whether it did live.
    ///
    /// With `misses_some` a commit was never announced: somebody writes who doesn't announce.
    async fn try_connection(&mut self, announcer: &Announcer, misses_some: bool) -> bool {
        let position =
            in_time(async { the_position(&self.connection.query(READ_POSITION, &[]).await?) });
        match position.await {
            Ok(position) if misses_some => {
                tracing::warn!(%position, "commits were not announced: what is remembered is forgotten");
                announcer.skip_to(position);
                true
            }
            Ok(_) => true,
            Err(error) => {
                tracing::warn!(%error, "the connection on which other nodes are heard is lost");
                self.begin_again(announcer).await;
                false
            }
        }
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::Engine("the database does not answer in time".to_owned()));
    timeout(ANSWER_TIME, answer).await.unwrap_or_else(late)
}

#[cfg(test)]
mod tests {
    use ruma::owned_user_id;
    use tokio::sync::broadcast;

    use super::*;

    fn user(number: usize) -> Touch {
        let user_id = format!("@user{number:0>240}:pli.test").try_into();
        Touch::User(user_id.unwrap_or_else(|_| owned_user_id!("@user:pli.test")))
    }

    #[test]
    fn what_is_announced_in_any_order_is_told_in_order_and_whole() {
        let (commits, mut told) = broadcast::channel(16);
        let announcer = Announcer::new(commits, Position(4));
        let many: Vec<Touch> = (0..100).map(user).collect();
        announcer.tell(Arc::new(Committed { position: Position(6), touched: vec![user(6)] }));
        assert!(told.try_recv().is_err());
        let said = announcement(Position(5), &many).unwrap_or_default();
        assert!(said.len() > 1 && said.iter().all(|part| part.len() < 8_000));
        for part in said.iter().chain(&said) {
            announcer.hear(part);
        }
        let first = told.try_recv().map(|told| (told.position, told.touched.clone()));
        assert_eq!(first, Ok((Position(5), many)));
        assert_eq!(told.try_recv().map(|told| told.position), Ok(Position(6)));
        assert!(told.try_recv().is_err());

        // After a gap everything may be different, and nothing is told twice.
        announcer.tell(Arc::new(Committed { position: Position(9), touched: vec![] }));
        assert_eq!(announcer.waited_for(), Some(Position(7)));
        announcer.skip_to(Position(8));
        let missed = told.try_recv().map(|told| (told.position, told.touched.clone()));
        assert_eq!(missed, Ok((Position(8), vec![Touch::Everything])));
        assert_eq!(told.try_recv().map(|told| told.position), Ok(Position(9)));
        announcer.hear("7 . []");
        assert!(told.try_recv().is_err());
        assert_eq!(announcer.waited_for(), None);
    }
}
