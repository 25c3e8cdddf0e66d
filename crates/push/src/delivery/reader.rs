//! Reading the log for what notifies.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    convert::Infallible,
    sync::Arc,
};

use pli_rooms::{MembershipKind, RoomEvent, TimelineRange};
use pli_store::{Batch, Committed, Direction, Expect, Position, Snapshot, Stamp, Touch};
use ruma::{
    OwnedRoomId, OwnedUserId, RoomId, UserId,
    push::{Action, Tweak},
};
use tokio::sync::{
    broadcast::{
        self,
        error::{RecvError, TryRecvError},
    },
    mpsc,
};

use super::{
    Shared,
    audience::{Audience, Invited},
    pending::{PENDING, PendingPush, PusherKey, READER, READER_KEY, ReaderRow},
};
use crate::{
    PushError,
    pushers::{PUSHER, PusherRow, pushers_of},
    unread::NotifiedOf,
};

/// How many commits are taken together.
const COMMITS_AT_ONCE: usize = 256;
/// How many events of a room are read at once.
const EVENTS_AT_ONCE: usize = 256;
/// How many receipts of a room are read at once.
const RECEIPTS_AT_ONCE: usize = 256;
/// How many notifications are noted in one batch.
const NOTED_AT_ONCE: usize = 500;
/// How many rooms are looked up at once after a start.
const ROOMS_AT_ONCE: usize = 500;
/// After how many positions without notifications the reader's place is written down anyway.
const WRITTEN_EVERY: u64 = 4_096;

/// Reads the log and notes what each pusher is to be told.
pub(crate) struct Reader {
    pub(crate) shared: Arc<Shared>,
}

/// The reader's row as this one wrote it: as long as it is so, nobody else reads.
struct Lease {
    row: ReaderRow,
    version: Position,
    /// The position in the row.
    written: Position,
}

/// What is to be noted, by pusher and place in the log.
type Notes = BTreeMap<(PusherKey, Stamp), PendingPush>;

/// A part of the log that is being read.
struct Window {
    since: Position,
    up_to: Position,
    notes: Notes,
}

impl Reader {
    /// Works until something fails.
    pub(crate) async fn work(
        &self,
        arrivals: &mut mpsc::UnboundedReceiver<OwnedUserId>,
    ) -> Result<Infallible, PushError> {
        let Shared { store, rooms, .. } = &*self.shared;
        let mut commits = store.subscribe();
        let mut lease = self.take_over().await?;
        let snapshot = store.snapshot().await?;
        let mut audience = Audience::load(&snapshot, rooms).await?;
        drop(snapshot);
        self.catch_up(&mut lease, &mut audience).await?;
        loop {
            tokio::select! {
                commit = commits.recv() => {
                    // Who got their first pusher before the commit counts.
                    while let Ok(user_id) = arrivals.try_recv() {
                        self.welcome(&mut audience, &user_id).await?;
                    }
                    let (together, missed_some) = match commit {
                        Ok(first) => {
                            let (together, missed_some) = gather(first, &mut commits);
                            let missed_some =
                                missed_some || together.iter().any(|commit| commit.missed_some());
                            (together, missed_some)
                        }
                        Err(RecvError::Lagged(_)) => (Vec::new(), true),
                        Err(RecvError::Closed) => std::future::pending().await,
                    };
                    for user_id in with_new_pushers(&together) {
                        self.welcome(&mut audience, &user_id).await?;
                    }
                    if missed_some {
                        let snapshot = store.snapshot().await?;
                        audience = Audience::load(&snapshot, rooms).await?;
                        drop(snapshot);
                        self.catch_up(&mut lease, &mut audience).await?;
                    } else {
                        self.read(&mut lease, &mut audience, &together).await?;
                    }
                },
                Some(user_id) = arrivals.recv() => self.welcome(&mut audience, &user_id).await?,
            }
        }
    }

    async fn welcome(&self, audience: &mut Audience, user_id: &UserId) -> Result<(), PushError> {
        if audience.has(user_id) {
            return Ok(());
        }
        let snapshot = self.shared.store.snapshot().await?;
        audience.add(&snapshot, &self.shared.rooms, user_id).await?;
        // The pusher is younger than these.
        audience.take_invited();
        Ok(())
    }

    /// Begins a new epoch: whatever another node still does comes to nothing.
    async fn take_over(&self) -> Result<Lease, PushError> {
        let key = READER_KEY.to_owned();
        let snapshot = self.shared.store.snapshot().await?;
        let found = snapshot.get_versioned(&READER, &key).await?;
        let now = snapshot.position();
        drop(snapshot);
        let (mut row, version) = match found {
            Some((row, version)) => (row, Some(version)),
            None => (ReaderRow { position: now, ..ReaderRow::default() }, None),
        };
        row.epoch += 1;
        let mut batch = Batch::new();
        batch.require(&READER, &key, Expect::unchanged(version)).put(&READER, &key, &row);
        let version = self.shared.store.commit(batch).await?;
        let written = row.position;
        Ok(Lease { row, version, written })
    }

    /// Reads everything that was committed since the place in the row.
    async fn catch_up(&self, lease: &mut Lease, audience: &mut Audience) -> Result<(), PushError> {
        let Shared { store, rooms, .. } = &*self.shared;
        let since = lease.row.position;
        let mut window = Window { since, up_to: store.position().await?, notes: Notes::new() };
        for some in audience.rooms().chunks(ROOMS_AT_ONCE) {
            let snapshot = store.snapshot().await?;
            let heads = rooms.heads(&snapshot, some).await?;
            drop(snapshot);
            for (room_id, head) in some.iter().zip(heads) {
                if head.is_some_and(|(_, changed)| changed > since) {
                    self.read_room(lease, audience, &mut window, room_id, &[]).await?;
                }
            }
        }
        for Invited { user_id, room_id, at } in audience.take_invited() {
            if at > since {
                self.read_room(lease, audience, &mut window, &room_id, &[user_id]).await?;
            }
        }
        self.finish(lease, window, true).await
    }

    /// Reads what some commits, one after the other, did.
    async fn read(
        &self,
        lease: &mut Lease,
        audience: &mut Audience,
        commits: &[Arc<Committed>],
    ) -> Result<(), PushError> {
        let since = lease.row.position;
        let new = || commits.iter().filter(|commit| commit.position > since);
        let Some(last) = new().next_back() else { return Ok(()) };
        let mut window = Window { since, up_to: last.position, notes: Notes::new() };
        let mut touched: BTreeSet<&OwnedRoomId> = BTreeSet::new();
        let mut met: BTreeMap<&OwnedRoomId, Vec<OwnedUserId>> = BTreeMap::new();
        for commit in new() {
            for touch in &commit.touched {
                match touch {
                    Touch::Room(room_id) => drop(touched.insert(room_id)),
                    Touch::Member { room_id, user_id, joined } if audience.has(user_id) => {
                        audience.note_member(room_id, user_id, *joined, commit.position);
                        // Who is invited isn't in the room yet.
                        met.entry(room_id).or_default().push(user_id.clone());
                        touched.insert(room_id);
                    }
                    _ => {}
                }
            }
        }
        for room_id in touched {
            let met = met.get(room_id).map(Vec::as_slice).unwrap_or_default();
            if audience.listens_in(room_id) || !met.is_empty() {
                self.read_room(lease, audience, &mut window, room_id, met).await?;
            }
        }
        self.finish(lease, window, false).await
    }

    /// Reads what happened in a room. `met` may have been invited to it.
    async fn read_room(
        &self,
        lease: &Lease,
        audience: &mut Audience,
        window: &mut Window,
        room_id: &RoomId,
        met: &[OwnedUserId],
    ) -> Result<(), PushError> {
        let Shared { store, rooms, .. } = &*self.shared;
        let mut users = audience.listeners(room_id);
        for user_id in met {
            if !users.contains(user_id) {
                users.push(user_id.clone());
            }
        }
        let mut range = TimelineRange::between(window.since, window.up_to);
        loop {
            let snapshot = store.snapshot().await?;
            let forward = Direction::Forward;
            let events = rooms.timeline(&snapshot, room_id, range, EVENTS_AT_ONCE, forward).await?;
            for event in &events {
                self.note_event(&snapshot, &mut window.notes, audience, &users, event).await?;
            }
            let more = events.last().filter(|_| events.len() == EVENTS_AT_ONCE);
            let Some(last) = more.and_then(|event| event.stamp) else {
                return self.note_receipts(&snapshot, window, audience, room_id).await;
            };
            range.after = last;
            drop(snapshot);
            while window.notes.len() > NOTED_AT_ONCE {
                self.write_some(lease, &mut window.notes).await?;
            }
        }
    }

    /// Notes whom an event notifies.
    async fn note_event(
        &self,
        snapshot: &Snapshot,
        notes: &mut Notes,
        audience: &mut Audience,
        users: &[OwnedUserId],
        event: &RoomEvent,
    ) -> Result<(), PushError> {
        let Shared { rooms, unread, ambient, .. } = &*self.shared;
        let (Some(stamp), false) = (event.stamp, event.is_hidden()) else { return Ok(()) };
        if super::is_over(event.pdu.origin_server_ts().get().into(), ambient) {
            return Ok(());
        }
        let room_id = event.pdu.room_id();
        let Some((summary, _)) = rooms.summary(snapshot, room_id).await? else { return Ok(()) };
        let mut judged = 0_usize;
        for user_id in users.iter().filter(|user_id| *user_id != event.pdu.sender()) {
            judged += 1;
            if judged.is_multiple_of(64) {
                tokio::task::yield_now().await;
            }
            let Some(user_room) = rooms.user_room(snapshot, user_id, room_id).await? else {
                continue;
            };
            // Who came in later isn't told of what was said before; who is invited is told of that.
            let concerned = match user_room.membership {
                MembershipKind::Join => user_room.since <= stamp,
                MembershipKind::Invite => user_room.event_id == event.event_id(),
                _ => false,
            };
            if !concerned {
                continue;
            }
            let rules = unread.rules(snapshot, user_id).await?;
            let of = NotifiedOf {
                user_id,
                rules: &rules,
                member_event_id: &user_room.event_id,
                room_id,
                joined: summary.joined,
            };
            let Some(actions) = unread.notifies(snapshot, of, event).await? else { continue };
            // Nothing of whom they ignore notifies (section "Ignoring Users").
            let ignored = rooms.ignored_users(snapshot, user_id).await?;
            if ignored.contains(event.pdu.sender()) {
                continue;
            }
            if user_room.membership == MembershipKind::Invite
                && rooms.is_unwanted_invite(snapshot, user_id, &ignored, &user_room).await?
            {
                continue;
            }
            let tweaks = tweaks(actions);
            for (key, _) in self.pushers(snapshot, audience, user_id, stamp).await? {
                let event_id = event.event_id().to_owned();
                let now_ms = ambient.now_ms();
                let push = PendingPush::of_event(event_id, room_id.to_owned(), &tweaks, now_ms);
                notes.insert((key, stamp), push);
            }
        }
        Ok(())
    }

    /// Notes whose number of unread messages changed because they read.
    async fn note_receipts(
        &self,
        snapshot: &Snapshot,
        window: &mut Window,
        audience: &mut Audience,
        room_id: &RoomId,
    ) -> Result<(), PushError> {
        let Shared { rooms, badges, ambient, .. } = &*self.shared;
        let Window { since, up_to, notes } = window;
        let receipts =
            rooms.receipts_between(snapshot, room_id, *since, *up_to, RECEIPTS_AT_ONCE).await?;
        let readers: HashSet<OwnedUserId> = receipts
            .into_iter()
            .map(|receipt| receipt.user_id)
            .filter(|user_id| audience.has(user_id))
            .collect();
        for user_id in readers {
            let (count, before) = badges.after_news(snapshot, &user_id, room_id).await?;
            // What it was before is not known after a start: then it is told once more.
            if before == Some(count) {
                continue;
            }
            let stamp = Stamp::last_at(*up_to);
            for (key, row) in self.pushers(snapshot, audience, &user_id, stamp).await? {
                if !super::message::counts_unread(&row)? {
                    continue;
                }
                let push = PendingPush::of_count(room_id.to_owned(), ambient.now_ms());
                notes.insert((key, stamp), push);
            }
        }
        Ok(())
    }

    /// The pushers of a user that were there at a place in the log.
    async fn pushers(
        &self,
        snapshot: &Snapshot,
        audience: &mut Audience,
        user_id: &UserId,
        stamp: Stamp,
    ) -> Result<Vec<(PusherKey, PusherRow)>, PushError> {
        let mut rows = pushers_of(snapshot, user_id).await?;
        rows.retain(|row| !row.value.silent);
        if rows.is_empty() {
            audience.remove(user_id);
        }
        let later = rows.into_iter().filter(|row| row.value.since < stamp.position());
        Ok(later.map(|row| (row.key, row.value)).collect())
    }

    /// Writes some of what is to be told down, and sets about telling it.
    async fn write_some(&self, lease: &Lease, notes: &mut Notes) -> Result<(), PushError> {
        let key = READER_KEY.to_owned();
        let mut batch = Batch::new();
        batch.require(&READER, &key, Expect::Version(lease.version));
        let pushers = stage_some(&mut batch, notes);
        self.shared.store.commit(batch).await?;
        pushers.into_iter().for_each(|pusher| self.shared.deliver(pusher));
        Ok(())
    }

    /// Writes what is to be told and the new place in the log down, and sets about telling it.
    /// Where nothing is to be told, the place is written now and then only, or if it `must` be.
    async fn finish(&self, lease: &mut Lease, window: Window, must: bool) -> Result<(), PushError> {
        let Window { up_to, mut notes, .. } = window;
        while notes.len() > NOTED_AT_ONCE {
            self.write_some(lease, &mut notes).await?;
        }
        lease.row.position = up_to;
        let is_due = up_to.0 >= lease.written.0 + WRITTEN_EVERY;
        if notes.is_empty() && !is_due && !must {
            return Ok(());
        }
        let key = READER_KEY.to_owned();
        let mut batch = Batch::new();
        batch.require(&READER, &key, Expect::Version(lease.version)).put(&READER, &key, &lease.row);
        let pushers = stage_some(&mut batch, &mut notes);
        lease.version = self.shared.store.commit(batch).await?;
        lease.written = up_to;
        pushers.into_iter().for_each(|pusher| self.shared.deliver(pusher));
        Ok(())
    }
}

/// Takes some notes out and adds them to a batch. Returns whom they are for.
fn stage_some(batch: &mut Batch, notes: &mut Notes) -> BTreeSet<PusherKey> {
    let mut pushers = BTreeSet::new();
    for _ in 0..NOTED_AT_ONCE {
        let Some(((pusher, stamp), push)) = notes.pop_first() else { break };
        let (user_id, app_id, pushkey) = &pusher;
        batch.put(&PENDING, (user_id, app_id, pushkey, stamp), &push);
        pushers.insert(pusher);
    }
    pushers
}

/// A commit and those that wait behind it, and whether some were missed.
fn gather(
    first: Arc<Committed>,
    commits: &mut broadcast::Receiver<Arc<Committed>>,
) -> (Vec<Arc<Committed>>, bool) {
    let mut together = vec![first];
    while together.len() < COMMITS_AT_ONCE {
        match commits.try_recv() {
            Ok(commit) => together.push(commit),
            Err(TryRecvError::Lagged(_)) => return (together, true),
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
        }
    }
    (together, false)
}

/// Whose pushers were set, on whatever node.
fn with_new_pushers(commits: &[Arc<Committed>]) -> Vec<OwnedUserId> {
    let touched = commits.iter().flat_map(|commit| &commit.touched);
    touched.filter_map(|touch| touch.key_of(&PUSHER)).map(|(user_id, ..)| user_id).collect()
}

fn tweaks(actions: Vec<Action>) -> Vec<Tweak> {
    let tweak = |action| match action {
        Action::SetTweak(tweak) => Some(tweak),
        _ => None,
    };
    actions.into_iter().filter_map(tweak).collect()
}
