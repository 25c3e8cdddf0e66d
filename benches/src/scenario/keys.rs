//! Upload, claim and query end-to-end keys.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Context;
use crate::{
    error::BenchError,
    matrix::Account,
    measure::{self, prepare},
    report::Row,
};

const UPLOAD: &str = "/_matrix/client/v3/keys/upload";
const CLAIM: &str = "/_matrix/client/v3/keys/claim";
const QUERY: &str = "/_matrix/client/v3/keys/query";

/// How many ask at the same time.
const WRITERS: usize = 4;

/// A signature of the usual length; servers don't check it.
const SIGNATURE: &str =
    "dSO80A01XiigH3uBiDVx/EjzaoycHcjq9lfQX0uWsqxl2giMIiSPR8a4d291W1ihKJL/a+myXS367WT6NAIcBA";
const PUBLIC_KEY: &str = "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI";

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let (pid, scale) = (context.pid, context.scale);
    let people = context.accounts.many(scale.key_users).await?;
    prepare(&people, async |person| {
        let body = json!({ "device_keys": device_keys(person) });
        matrix.do_request(person, Method::POST, UPLOAD, Some(&body)).await
    })
    .await?;

    let upload = async |writer: usize, number: usize| {
        // Writers take turns with different people, so that none has too many keys.
        let person = &people[(writer + number * WRITERS) % people.len()];
        let first = (number * WRITERS + writer) * scale.one_time_keys;
        let keys = one_time_keys(person, first..first + scale.one_time_keys);
        let body = json!({ "one_time_keys": keys });
        matrix.do_request(person, Method::POST, UPLOAD, Some(&body)).await
    };
    let uploads = people.len() * scale.key_uploads_each;
    let sample = measure::measure(pid, WRITERS, uploads, upload).await?;
    let row = Row::of(format!("keys/upload of {} one-time keys", scale.one_time_keys), &sample)
        .cpu_goal(1.0)
        .peers("1.5; 24");
    context.add(row, WRITERS).await?;

    let claim = async |writer: usize, number: usize| {
        let person = &people[(writer + number * WRITERS) % people.len()];
        let wanted = json!({ &person.user_id: { &person.device_id: "signed_curve25519" } });
        let body = json!({ "one_time_keys": wanted });
        matrix.do_request(&people[writer], Method::POST, CLAIM, Some(&body)).await
    };
    let sample = measure::measure(pid, WRITERS, scale.key_claims, claim).await?;
    context.add(Row::of("keys/claim", &sample).cpu_goal(0.2).peers("0.24; 3.8"), WRITERS).await?;

    let everybody: Map<String, Value> =
        people.iter().map(|person| (person.user_id.clone(), json!([]))).collect();
    let body = json!({ "device_keys": everybody });
    let query = async |writer: usize, _| {
        matrix.do_request(&people[writer], Method::POST, QUERY, Some(&body)).await
    };
    let sample = measure::measure(pid, 1, scale.key_queries, query).await?;
    let row = Row::of(format!("keys/query of {} people", people.len()), &sample)
        .cpu_goal(0.8)
        .peers("1.3; 10");
    context.add(row, 1).await
}

fn device_keys(person: &Account) -> Value {
    let Account { user_id, device_id, .. } = person;
    json!({
        "user_id": user_id,
        "device_id": device_id,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            format!("curve25519:{device_id}"): PUBLIC_KEY,
            format!("ed25519:{device_id}"): PUBLIC_KEY,
        },
        "signatures": { user_id: { format!("ed25519:{device_id}"): SIGNATURE } },
    })
}

fn one_time_keys(person: &Account, numbers: std::ops::Range<usize>) -> Value {
    let Account { user_id, device_id, .. } = person;
    let key = |number| {
        let signatures = json!({ user_id: { format!("ed25519:{device_id}"): SIGNATURE } });
        let key = format!("{number:08}{}", &PUBLIC_KEY[8..]);
        let json = json!({ "key": key, "signatures": signatures });
        (format!("signed_curve25519:{number:08}"), json)
    };
    numbers.map(key).collect()
}
