//! Create a room with its first message.

use super::Context;
use crate::{error::BenchError, measure, report::Row};

/// How many create rooms at the same time.
const WRITERS: usize = 4;

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let people = context.accounts.many(WRITERS).await?;
    let create = async |writer: usize, number: usize| {
        let creator = &people[writer];
        let room = matrix.create_room(creator, false).await?;
        matrix.send(creator, &room, &format!("first-{number}"), number).await
    };
    let sample =
        measure::measure(context.pid, WRITERS, context.scale.created_rooms, create).await?;
    let row = Row::of("create room with first message", &sample).cpu_goal(2.5).peers("4.7; 159");
    context.add(row, WRITERS).await
}
