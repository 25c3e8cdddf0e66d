//! Syncs of somebody in many rooms.

use super::Context;
use crate::{
    error::BenchError,
    measure::{self, prepare},
    report::Row,
};

/// How many messages each room has.
const MESSAGES: usize = 10;

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let (pid, scale) = (context.pid, context.scale);
    let [reader, writer]: [_; 2] = context
        .accounts
        .many(2)
        .await?
        .try_into()
        .map_err(|_| BenchError::Options("two people are needed".to_owned()))?;
    prepare(0..scale.rooms_to_sync, async |_| {
        let room = matrix.create_room(&writer, true).await?;
        matrix.join(&reader, &room).await?;
        for number in 0..MESSAGES {
            matrix.send(&writer, &room, &format!("{room}-{number}"), number).await?;
        }
        Ok(())
    })
    .await?;

    let rooms = scale.rooms_to_sync;
    let since = matrix.sync(&reader, None).await?;
    let initial = async |_, _| matrix.sync_bytes(&reader, None, 0).await.map(drop);
    let sample = measure::measure(pid, 1, scale.initial_syncs, initial).await?;
    let row = Row::of(format!("initial sync of {rooms} rooms"), &sample)
        .cpu_goal(6.0)
        .peers("8.3; 1,135");
    context.add(row, 1).await?;

    let empty = async |_, _| matrix.sync_bytes(&reader, Some(&since), 0).await.map(drop);
    let sample = measure::measure(pid, 4, scale.empty_syncs, empty).await?;
    let row = Row::of(format!("empty incremental sync with {rooms} rooms"), &sample)
        .cpu_goal(0.2)
        .peers("5.7; 5.0");
    context.add(row, 1).await
}
