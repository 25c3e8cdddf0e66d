//! First answers of sliding sync: a window of 20 rooms of somebody in few rooms and in many.

use reqwest::Method;
use serde_json::{Value, json};

use super::Context;
use crate::{
    error::BenchError,
    matrix::{Account, Matrix},
    measure::{self, prepare},
    report::{Goal, Row},
};

const PATH: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";

/// How much more a window of many rooms may cost than one of few, as a factor.
const MAX_RATIO: f64 = 1.3;

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let (pid, scale) = (context.pid, context.scale);
    let people = context.accounts.many(2).await?;
    let mut costs = Vec::new();
    for (person, rooms) in people.iter().zip(scale.sliding_rooms) {
        prepare(0..rooms, async |number| {
            let room = matrix.create_room(person, false).await?;
            matrix.send(person, &room, &format!("sliding-{number}"), number).await
        })
        .await?;
        // Who opens the app for the first time since the server started.
        let first = async |_, _| window(&matrix, person).await;
        let sample = measure::measure(pid, 1, 1, first).await?;
        context
            .add(Row::of(format!("sliding sync, cold, 20 of {rooms} rooms"), &sample), 1)
            .await?;

        let again = async |_, _| window(&matrix, person).await;
        let sample = measure::measure(pid, 1, scale.sliding_syncs, again).await?;
        let cost = sample.cpu_ms();
        let mut row = Row::of(format!("sliding sync, first answer, 20 of {rooms} rooms"), &sample);
        if let (Some(Some(few)), Some(many)) = (costs.first(), cost) {
            let ratio: f64 = many / *few;
            row = row.goal(Goal::at_most("× of few rooms", MAX_RATIO, Some(ratio)));
        }
        costs.push(cost);
        context.add(row, 1).await?;
    }
    Ok(())
}

/// The first answer of a connection, as Element X asks for it.
async fn window(matrix: &Matrix, person: &Account) -> Result<(), BenchError> {
    let body: Value = json!({
        "conn_id": "room-list",
        "lists": { "all_rooms": {
            "ranges": [[0, 19]],
            "timeline_limit": 1,
            "required_state": [
                ["m.room.name", ""],
                ["m.room.encryption", ""],
                ["m.room.member", "$LAZY"],
                ["m.room.member", "$ME"],
                ["m.room.topic", ""],
                ["m.room.canonical_alias", ""],
                ["m.room.power_levels", ""],
                ["org.matrix.msc3401.call.member", "*"],
                ["m.room.join_rules", ""],
                ["m.room.tombstone", ""],
                ["m.room.create", ""],
                ["m.room.history_visibility", ""],
                ["io.element.functional_members", ""],
                ["m.space.parent", "*"],
                ["m.space.child", "*"],
            ],
            "filters": { "not_room_types": ["m.space"] },
        } },
        "extensions": {
            "account_data": { "enabled": true },
            "receipts": { "enabled": true, "rooms": ["*"] },
            "typing": { "enabled": true },
        },
    });
    matrix.request_bytes(Some(person), Method::POST, PATH, Some(&body)).await.map(drop)
}
