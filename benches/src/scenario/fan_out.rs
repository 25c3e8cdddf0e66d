//! From a PUT to the answer of each member who waits.

use std::{collections::HashMap, time::Duration};

use futures_util::future::{try_join, try_join_all};
use serde::Deserialize;
use tokio::{sync::watch, time::Instant};

use super::{Context, send::room_with_members};
use crate::{
    error::BenchError,
    matrix::{Account, Matrix},
    measure::{Sample, Stretch, prepare},
    report::{Goal, Row},
};

/// How long a delivery may take before the run is given up, in seconds.
const GIVE_UP_AFTER: u64 = 60;

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    for (members, messages, per_second) in context.scale.fan_outs {
        let sample = deliver(context, members, messages, per_second).await?;
        let name = format!("deliver to {members} waiting members, {per_second} messages/s");
        let mut row = Row::of(name, &sample);
        if members == context.scale.fan_outs[0].0 {
            let p99 = sample.percentile_ms(0.99);
            row = row
                .cpu_goal(0.15)
                .goal(Goal::at_most("ms p99", 25.0, p99))
                .peers("0.71, p50 30 ms; 6.4");
        }
        context.add(row, 1).await?;
    }
    Ok(())
}

async fn deliver(
    context: &Context,
    members: usize,
    messages: usize,
    per_second: u32,
) -> Result<Sample, BenchError> {
    let (people, room) = room_with_members(context, members + 1).await?;
    let Some((sender, members)) = people.split_first() else {
        return Err(BenchError::Options("a room needs somebody in it".to_owned()));
    };
    let matrix = &context.matrix;
    let tokens = prepare(members, async |member| matrix.sync(member, None).await).await?;

    // When each message was sent: written before it is.
    let (sent, _) = watch::channel(HashMap::<usize, Instant>::new());
    let sending = async {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
        for number in 0..messages {
            ticks.tick().await;
            sent.send_modify(|sent| {
                sent.insert(number, Instant::now());
            });
            matrix.send(sender, &room, &format!("fan-out-{number}"), number).await?;
        }
        Ok(())
    };
    let waiting = members.iter().zip(tokens).map(|(member, token)| {
        let receiving = receive(matrix, member, token, &room, messages, sent.subscribe());
        tokio::time::timeout(deadline(messages, per_second), receiving)
    });
    let waiting = async {
        let received = try_join_all(waiting).await;
        let received = received.map_err(|_| BenchError::TimedOut("a message", GIVE_UP_AFTER))?;
        received.into_iter().collect::<Result<Vec<_>, _>>()
    };

    let stretch = Stretch::start(context.pid)?;
    let ((), latencies) = try_join(sending, waiting).await?;
    let latencies = latencies.concat();
    stretch.end(latencies.len(), latencies)
}

fn deadline(messages: usize, per_second: u32) -> Duration {
    let sending = messages as u64 / u64::from(per_second);
    Duration::from_secs(GIVE_UP_AFTER + sending)
}

/// Long-polls until all messages came; returns how long each took since it was sent.
async fn receive(
    matrix: &Matrix,
    member: &Account,
    mut token: String,
    room: &str,
    messages: usize,
    sent: watch::Receiver<HashMap<usize, Instant>>,
) -> Result<Vec<Duration>, BenchError> {
    let mut latencies = Vec::with_capacity(messages);
    while latencies.len() < messages {
        let bytes = matrix.sync_bytes(member, Some(&token), 30_000).await?;
        let arrived = Instant::now();
        let answer: Answer = serde_json::from_slice(&bytes)?;
        token = answer.next_batch;
        let Some(room) = answer.rooms.join.get(room) else { continue };
        for event in &room.timeline.events {
            if let Some(number) = event.content.number
                && let Some(at) = sent.borrow().get(&number)
            {
                latencies.push(arrived - *at);
            }
        }
    }
    Ok(latencies)
}

/// As much of a sync as is looked at.
#[derive(Deserialize)]
struct Answer {
    next_batch: String,
    #[serde(default)]
    rooms: Rooms,
}

#[derive(Default, Deserialize)]
struct Rooms {
    #[serde(default)]
    join: HashMap<String, Joined>,
}

#[derive(Deserialize)]
struct Joined {
    #[serde(default)]
    timeline: Timeline,
}

#[derive(Default, Deserialize)]
struct Timeline {
    #[serde(default)]
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    content: Content,
}

#[derive(Deserialize)]
struct Content {
    number: Option<usize>,
}
