use std::{
    cell::Cell,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::JoinHandle,
};

use rusqlite::Connection;

use super::connection::{Database, engine_error};
use crate::error::StoreError;

/// After so many pages (8 MiB) in the WAL, they are copied into the file in the background.
const BACKGROUND_PAGES: u32 = 1024;
/// At so many (128 MiB), the writer itself copies what is left: the WAL starts anew only when a
/// moment comes at which nothing in it is still to be copied.
const FOREGROUND_PAGES: u32 = 16 * 1024;

thread_local! {
    /// How many pages the WAL has, as the last commit on this thread left it. SQLite's hook takes no
    /// state of its own, and each writer has a thread of its own.
    static WAL_PAGES: Cell<u32> = const { Cell::new(0) };
}

/// Keeps the WAL short without making commits wait.
pub(super) struct Checkpoints {
    /// Wakes the background thread, which ends when this is dropped.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    next_background: u32,
    next_foreground: u32,
}

impl Checkpoints {
    pub(super) fn start(database: &Database) -> Result<Self, StoreError> {
        let (wake, woken) = sync_channel(1);
        let connection = database.open_checkpointer()?;
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || run(&connection, &woken))
            .map_err(|error| StoreError::Engine(format!("no checkpoint thread: {error}")))?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
            next_background: BACKGROUND_PAGES,
            next_foreground: FOREGROUND_PAGES,
        })
    }

    /// Has the writer's connection count pages instead of copying them during a commit.
    pub(super) fn watch(writer: &Connection) {
        writer.wal_hook(Some(|_, pages| {
            WAL_PAGES.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
    }

    /// Called by the writer between two groups.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = WAL_PAGES.get();
        if pages < self.next_background - BACKGROUND_PAGES {
            // The WAL started anew.
            self.next_background = BACKGROUND_PAGES;
            self.next_foreground = FOREGROUND_PAGES;
        }
        if pages >= self.next_background {
            self.next_background = pages + BACKGROUND_PAGES;
            // If it is full, the thread is at work already and another wake-up waits for it.
            let _ = self.wake.as_ref().map(|wake| wake.try_send(()));
        }
        if pages >= self.next_foreground {
            // Should a long-lived snapshot stand in the way, it is tried again after as much more.
            self.next_foreground = pages + FOREGROUND_PAGES;
            checkpoint(writer);
        }
    }

    /// Called by the writer after it could not write.
    pub(super) fn after_failure(&mut self, writer: &Connection) {
        self.next_foreground = FOREGROUND_PAGES;
        checkpoint(writer);
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.wake.take();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's checkpoint thread ended early");
        }
    }
}

fn run(connection: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        checkpoint(connection);
    }
}

/// Copies what no snapshot still reads out of the WAL into the file.
fn checkpoint(connection: &Connection) {
    let copied = connection
        .prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")
        .and_then(|mut statement| statement.query_row([], |_| Ok(())));
    if let Err(error) = copied {
        // Nothing is lost: the pages stay in the WAL, and the next one copies them.
        tracing::warn!(error = %engine_error(error), "the store's log can't be copied into its file");
    }
}
