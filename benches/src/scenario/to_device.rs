//! Messages to many devices: queued, delivered and acknowledged.

use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::Context;
use crate::{
    error::BenchError,
    matrix::encrypted_content,
    measure::{Stretch, prepare},
    report::Row,
};

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let scale = context.scale;
    let sender = context.accounts.one().await?;
    let people = context.accounts.many(scale.target_devices).await?;
    let mut tokens = prepare(&people, async |person| matrix.sync(person, None).await).await?;

    let stretch = Stretch::start(context.pid)?;
    let mut latencies = Vec::new();
    for round in 0..scale.to_device_rounds {
        let started = Instant::now();
        let messages: Map<String, Value> = people
            .iter()
            .map(|person| {
                (person.user_id.clone(), json!({ &person.device_id: encrypted_content(round) }))
            })
            .collect();
        let path = format!("/_matrix/client/v3/sendToDevice/m.room.encrypted/round-{round}");
        let body = json!({ "messages": messages });
        matrix.do_request(&sender, Method::PUT, &path, Some(&body)).await?;
        // Each device gets it and, with the token of the sync before, acknowledges the last one.
        let syncs = people.iter().zip(&tokens).map(async |(person, token)| {
            let next = matrix.sync(person, Some(token)).await?;
            Ok::<_, BenchError>((next, started.elapsed()))
        });
        let (next, took): (Vec<_>, Vec<_>) = try_join_all(syncs).await?.into_iter().unzip();
        tokens = next;
        latencies.extend(took);
    }
    let sample = stretch.end(latencies.len(), latencies)?;
    let row = Row::of(format!("to-device to {} devices, per delivery", people.len()), &sample)
        .cpu_goal(0.2)
        .peers("0.86; 4.6");
    context.add(row, 1).await
}
