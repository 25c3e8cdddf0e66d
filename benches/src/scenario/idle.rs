//! Memory: of a server that nobody uses, and of many clients that wait.

use std::time::Duration;

use futures_util::{StreamExt, stream::FuturesUnordered};

use super::Context;
use crate::{
    error::BenchError,
    measure::prepare,
    process::resident_kib,
    report::{Goal, Row},
};

/// How long polls wait at the server: longer than it takes to start them all.
const POLL_MS: u32 = 30_000;
/// How long after the last poll was started memory is looked at.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let Some(pid) = context.pid else {
        eprintln!("memory is not measured: say --pid");
        return Ok(());
    };
    let polls = context.scale.idle_polls;
    let fresh = resident_kib(pid)?;
    let mib = fresh as f64 / 1024.0;
    let row = Row::plain("memory of an idle server, MiB", 1)
        .goal(Goal::at_most("MiB", 60.0, Some(mib)))
        .peers("103 MiB; 130 MiB");
    context.rows.push(row);

    let matrix = &context.matrix;
    let people = context.accounts.many(polls).await?;
    let tokens = prepare(&people, async |person| matrix.sync(person, None).await).await?;
    let before = resident_kib(pid)?;
    let mut waiting: FuturesUnordered<_> = people
        .iter()
        .zip(&tokens)
        .map(|(person, token)| matrix.sync_bytes(person, Some(token), POLL_MS))
        .collect();
    tokio::select! {
        () = tokio::time::sleep(SETTLE) => {}
        Some(ended) = waiting.next() => {
            ended?;
            return Err(BenchError::Options("a long-poll ended at once: nothing was waiting".into()));
        }
    }
    let kib = resident_kib(pid)?.saturating_sub(before) as f64 / polls as f64;
    drop(waiting);
    let row = Row::plain(format!("memory of a waiting long-poll (of {polls}), KiB"), polls)
        .goal(Goal::at_most("KiB", 12.0, Some(kib)))
        .peers("18 KiB; 24 KiB");
    context.rows.push(row);
    Ok(())
}
