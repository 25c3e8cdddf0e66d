//! Search rooms that are not encrypted for a word that hardly any message has, for one that all
//! have, and for several.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Context;
use crate::{
    error::BenchError,
    matrix::{Account, Matrix},
    measure::{self, prepare},
    report::Row,
};

const PATH: &str = "/_matrix/client/v3/search";
/// How many rooms the messages are in.
const ROOMS: usize = 4;
/// One of so many messages has the rare word.
const RARE: usize = 1_000;
/// What a search may cost, in ms of the server's CPU.
const MOST_CPU_MS: f64 = 5.0;
/// How long a server may take to make what was written findable, and how often it is asked.
const FINDABLE_WITHIN: Duration = Duration::from_secs(120);
const ASK_EVERY: Duration = Duration::from_millis(200);

const WORDS: [&str; 24] = [
    "arrêté",
    "budget",
    "circulaire",
    "décret",
    "élection",
    "formulaire",
    "greffe",
    "hôpital",
    "impôt",
    "jury",
    "lycée",
    "mairie",
    "notaire",
    "ordonnance",
    "préfecture",
    "quai",
    "recours",
    "séance",
    "tribunal",
    "urbanisme",
    "voirie",
    "wagon",
    "xérès",
    "zone",
];

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let (pid, scale) = (context.pid, context.scale);
    let person = context.accounts.one().await?;
    let rooms = prepare(0..ROOMS, async |_| matrix.create_clear_room(&person).await).await?;
    let count = scale.searched_messages;
    prepare(0..count, async |number| {
        let content = json!({ "msgtype": "m.text", "body": body(number) });
        let (room, transaction) = (&rooms[number % ROOMS], format!("searched-{number}"));
        matrix.send_event(&person, room, "m.room.message", &transaction, &content).await
    })
    .await?;
    wait_until_findable(&matrix, &person, count.div_ceil(RARE)).await?;

    let wanted = [
        ("a rare word", "Parchemin", "rank"),
        ("a common word", "réunion", "rank"),
        ("a common word, newest first", "réunion", "recent"),
        ("three words", "réunion budget décret", "rank"),
    ];
    for (what, term, order) in wanted {
        let search = async |_, _| find(&matrix, &person, term, order).await.map(drop);
        let sample = measure::measure(pid, 1, scale.searches, search).await?;
        let name = format!("search {count} messages for {what}");
        context.add(Row::of(name, &sample).cpu_goal(MOST_CPU_MS), 1).await?;
    }
    Ok(())
}

/// About twelve words, the rare one among them now and then.
fn body(number: usize) -> String {
    let mut body = "Compte rendu de la réunion".to_owned();
    for place in 0..6 {
        body.push(' ');
        body.push_str(WORDS[(number / 7 + place * (5 + number % 11)) % WORDS.len()]);
    }
    if number.is_multiple_of(RARE) {
        body.push_str(" parchemin");
    }
    format!("{body} {number}")
}

async fn find(
    matrix: &Matrix,
    person: &Account,
    term: &str,
    order: &str,
) -> Result<Value, BenchError> {
    let criteria = json!({ "search_term": term, "order_by": order, "filter": { "limit": 10 } });
    let body = json!({ "search_categories": { "room_events": criteria } });
    matrix.request(Some(person), Method::POST, PATH, Some(&body)).await
}

/// Servers may write words down after they answered.
async fn wait_until_findable(
    matrix: &Matrix,
    person: &Account,
    expected: usize,
) -> Result<(), BenchError> {
    let started = Instant::now();
    loop {
        let found = find(matrix, person, "parchemin", "recent").await?;
        let count = found.pointer("/search_categories/room_events/count").and_then(Value::as_u64);
        if count.is_some_and(|count| usize::try_from(count).is_ok_and(|count| count >= expected)) {
            return Ok(());
        }
        if started.elapsed() > FINDABLE_WITHIN {
            return Err(BenchError::TimedOut("what was written", FINDABLE_WITHIN.as_secs()));
        }
        sleep(ASK_EVERY).await;
    }
}
