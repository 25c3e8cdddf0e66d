use std::{io::Write as _, path::Path};

use humantime_serde::re::humantime;
use pli_accounts::reports::{Report, Reported, Reports};
use pli_store::{Store, ambient::Ambient};

use super::{CommandError, runtime};
use crate::config::Config;

/// How many reports are shown.
const MOST: usize = 1_000;

/// Lists what people reported, the newest first: when, who, what, why. Also while the server runs.
pub(super) fn run(config: &Path) -> Result<(), CommandError> {
    let config = Config::load(config)?;
    runtime()?.block_on(async {
        let store = Store::open_read_only(&config.store_url()).await?;
        let reports = Reports::new(store.clone(), Ambient::system()).latest(MOST).await?;
        let mut out = std::io::stdout().lock();
        for (time_ms, report) in reports {
            if writeln!(out, "{}", line(time_ms, &report)).is_err() {
                // Whoever reads has seen enough.
                break;
            }
        }
        store.close().await;
        Ok(())
    })
}

fn line(time_ms: u64, report: &Report) -> String {
    let time = std::time::UNIX_EPOCH + std::time::Duration::from_millis(time_ms);
    let time = humantime::format_rfc3339_seconds(time);
    let what = match &report.reported {
        Reported::Event { room_id, event_id, sender } => {
            format!("event {event_id} of {sender} in {room_id}")
        }
        Reported::Room { room_id } => format!("room {room_id}"),
        Reported::User { user_id } => format!("user {user_id}"),
    };
    // A reason is text from people: it must not begin another line.
    let reason = report.reason.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{time}\t{}\t{what}\t{reason}", report.by)
}
