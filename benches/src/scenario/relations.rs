//! Page through what refers to a message: reactions, a room's threads, a thread's replies.

use reqwest::Method;
use serde_json::{Value, json};

use super::Context;
use crate::{
    error::BenchError,
    matrix::{Account, Matrix, encode},
    measure::{self, prepare},
    report::Row,
};

/// How many relations a page has.
const RELATIONS_PAGE: usize = 50;
/// How many threads a page has.
const THREADS_PAGE: usize = 20;
/// What any of these may cost, in ms of the server's CPU.
const MOST_CPU_MS: f64 = 5.0;

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    reactions(context).await?;
    threads(context).await?;
    replies(context).await
}

/// A message with very many reactions.
async fn reactions(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let person = context.accounts.one().await?;
    let room = matrix.create_clear_room(&person).await?;
    let message = write(&matrix, &person, &room, "reactions", None).await?;
    let count = context.scale.relations;
    prepare(0..count, async |number| {
        let relation = json!({
            "rel_type": "m.annotation",
            "event_id": message,
            // Nobody reacts twice in the same way.
            "key": format!("👍 {number}"),
        });
        let content = json!({ "m.relates_to": relation });
        let transaction = format!("reaction-{number}");
        matrix.send_event(&person, &room, "m.reaction", &transaction, &content).await
    })
    .await?;
    let path = format!("{}/m.annotation?dir=b&limit={RELATIONS_PAGE}", relations(&room, &message));
    let name = format!("{RELATIONS_PAGE} of {count} reactions");
    pages(context, &person, &path, "next_batch", name).await
}

/// A room with very many threads.
async fn threads(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let person = context.accounts.one().await?;
    let room = matrix.create_clear_room(&person).await?;
    let count = context.scale.relations;
    prepare(0..count, async |number| {
        let root = write(&matrix, &person, &room, &format!("root-{number}"), None).await?;
        write(&matrix, &person, &room, &format!("reply-{number}"), Some(&root)).await
    })
    .await?;
    let path = format!("/_matrix/client/v1/rooms/{}/threads?limit={THREADS_PAGE}", encode(&room));
    let name = format!("{THREADS_PAGE} of {count} threads");
    pages(context, &person, &path, "next_batch", name).await
}

/// A thread with very many replies.
async fn replies(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let person = context.accounts.one().await?;
    let room = matrix.create_clear_room(&person).await?;
    let root = write(&matrix, &person, &room, "root", None).await?;
    let count = context.scale.relations;
    prepare(0..count, async |number| {
        write(&matrix, &person, &room, &format!("reply-{number}"), Some(&root)).await
    })
    .await?;
    let path = format!("{}/m.thread?dir=b&limit={RELATIONS_PAGE}", relations(&room, &root));
    let name = format!("{RELATIONS_PAGE} of {count} replies in a thread");
    pages(context, &person, &path, "next_batch", name).await
}

fn relations(room: &str, event: &str) -> String {
    format!("/_matrix/client/v1/rooms/{}/relations/{}", encode(room), encode(event))
}

/// Writes a message, in a thread if one is given; returns its id.
async fn write(
    matrix: &Matrix,
    person: &Account,
    room: &str,
    transaction: &str,
    thread: Option<&str>,
) -> Result<String, BenchError> {
    let mut content: Value = json!({
        "msgtype": "m.text",
        "body": format!("Bonjour à tous, voici le compte rendu de la réunion : {transaction}"),
    });
    if let Some(root) = thread {
        content["m.relates_to"] = json!({ "rel_type": "m.thread", "event_id": root });
    }
    matrix.send_event(person, room, "m.room.message", transaction, &content).await
}

/// Measures all pages of a list, each as often as the others.
async fn pages(
    context: &mut Context,
    person: &Account,
    path: &str,
    next: &str,
    name: String,
) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let mut pages = vec![path.to_owned()];
    loop {
        let last = &pages[pages.len() - 1];
        let answer = matrix.request(Some(person), Method::GET, last, None).await?;
        let Some(token) = answer[next].as_str() else { break };
        pages.push(format!("{path}&from={}", encode(token)));
    }
    let page = async |_, number: usize| {
        let path = &pages[number % pages.len()];
        matrix.do_request(person, Method::GET, path, None).await
    };
    let sample = measure::measure(context.pid, 1, context.scale.relation_pages, page).await?;
    context.add(Row::of(name, &sample).cpu_goal(MOST_CPU_MS), 1).await
}
