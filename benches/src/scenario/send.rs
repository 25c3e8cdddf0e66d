//! Send encrypted events of 1 KiB.

use super::Context;
use crate::{
    error::BenchError,
    matrix::{Account, Matrix},
    measure::{self, Sample, prepare},
    report::{Goal, Row},
};

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let [one, some, many] = context.scale.writers;
    own_rooms(context, one).await?;
    own_rooms(context, some).await?;
    own_rooms(context, many).await?;
    one_room(context, some).await?;
    rooms_of_sizes(context).await
}

/// Each writer in a room of their own.
async fn own_rooms(context: &mut Context, writers: usize) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let people = context.accounts.many(writers).await?;
    let rooms = prepare(&people, async |person| matrix.create_room(person, false).await).await?;
    // The floor right before, under the same conditions.
    let floor = context.floor.with_writers(writers).await?;
    let sample = send(context, &people, |writer| &rooms[writer]).await?;

    let mut row = Row::of(format!("send, writers in own rooms: {writers}"), &sample).floor(&floor);
    if writers == context.scale.writers[1] {
        let part = sample.rate() / floor.rate();
        row = row
            .cpu_goal(0.4)
            .goal(Goal::at_least("of the floor's rate", 0.4, Some(part)))
            .peers("0.56; 19.6");
    }
    context.rows.push(row);
    Ok(())
}

/// All writers in the same room.
async fn one_room(context: &mut Context, writers: usize) -> Result<(), BenchError> {
    let (people, room) = room_with_members(context, writers).await?;
    let sample = send(context, &people, |_| &room).await?;
    let row = Row::of(format!("send, writers in one room: {writers}"), &sample)
        .cpu_goal(0.5)
        .peers("2.9; 15");
    context.add(row, writers).await
}

/// One writer in rooms of different sizes.
async fn rooms_of_sizes(context: &mut Context) -> Result<(), BenchError> {
    let mut smallest = None;
    for members in [2].into_iter().chain(context.scale.members) {
        let (people, room) = room_with_members(context, members).await?;
        let sample = send(context, &people[..1], |_| &room).await?;
        let mut row = Row::of(format!("send into a room of {members}"), &sample);
        let cpu = sample.cpu_ms();
        match smallest {
            None => smallest = Some(cpu),
            Some(smallest) => {
                let ratio = cpu.zip(smallest).map(|(cpu, smallest)| cpu / smallest.max(1e-3));
                row = row.goal(Goal::at_most("× a room of 2", 1.5, ratio)).peers("40 ×; 3 ×");
            }
        }
        context.add(row, 1).await?;
    }
    Ok(())
}

async fn send<'a>(
    context: &Context,
    people: &[Account],
    room_of: impl Fn(usize) -> &'a String,
) -> Result<Sample, BenchError> {
    let Context { matrix, pid, scale, .. } = context;
    let warm_up = async |writer: usize, number: usize| {
        let transaction = format!("warm-up-{number}");
        matrix.send(&people[writer], room_of(writer), &transaction, number).await
    };
    measure::measure(None, people.len(), people.len() * 2, warm_up).await?;
    let send = async |writer: usize, number: usize| {
        let transaction = format!("send-{number}");
        matrix.send(&people[writer], room_of(writer), &transaction, number).await
    };
    // One writer is slow, as each commit waits for the disk.
    let operations = if people.len() == 1 { scale.sends / 4 } else { scale.sends };
    measure::measure(*pid, people.len(), operations, send).await
}

/// A room with that many members, and the members, its creator first.
pub(super) async fn room_with_members(
    context: &Context,
    members: usize,
) -> Result<(Vec<Account>, String), BenchError> {
    let matrix: &Matrix = &context.matrix;
    let people = context.accounts.many(members).await?;
    let Some((creator, others)) = people.split_first() else {
        return Err(BenchError::Options("a room needs somebody in it".to_owned()));
    };
    let room = matrix.create_room(creator, true).await?;
    prepare(others, async |person| matrix.join(person, &room).await).await?;
    Ok((people, room))
}
