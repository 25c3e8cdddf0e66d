//! Many people join a room one after the other.

use super::Context;
use crate::{
    error::BenchError,
    matrix::Account,
    measure::{self, Sample},
    report::{Goal, Row},
};

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let creator = context.accounts.one().await?;
    let people = context.accounts.many(context.scale.joins).await?;
    let room = context.matrix.create_room(&creator, true).await?;

    let tenth = (people.len() / 10).max(1);
    let first = join(context, &people[..tenth], &room).await?;
    let middle = join(context, &people[tenth..people.len() - tenth], &room).await?;
    let last = join(context, &people[people.len() - tenth..], &room).await?;

    let all = Sample {
        operations: first.operations + middle.operations + last.operations,
        wall: first.wall + middle.wall + last.wall,
        cpu: (first.cpu.zip(middle.cpu).zip(last.cpu))
            .map(|((first, middle), last)| first + middle + last),
        latencies: sorted([&first, &middle, &last]),
    };
    let name = format!("join of {}, one after the other", people.len());
    let row = Row::of(name, &all).cpu_goal(1.0).peers("3.5 growing to 21 over 200; 43 to 50");
    context.add(row, 1).await?;

    let ratio = last.cpu_ms().zip(first.cpu_ms()).map(|(last, first)| last / first.max(1e-3));
    let row =
        Row::of("join, the last tenth", &last).goal(Goal::at_most("× the first tenth", 1.2, ratio));
    context.add(row, 1).await
}

async fn join(context: &Context, people: &[Account], room: &str) -> Result<Sample, BenchError> {
    let join = async |_, number: usize| context.matrix.join(&people[number], room).await;
    measure::measure(context.pid, 1, people.len(), join).await
}

fn sorted(samples: [&Sample; 3]) -> Vec<std::time::Duration> {
    let mut latencies = samples.map(|sample| sample.latencies.as_slice()).concat();
    latencies.sort_unstable();
    latencies
}
