//! Page back through a conversation.

use reqwest::Method;

use super::Context;
use crate::{
    error::BenchError,
    matrix::encode,
    measure::{self, prepare},
    report::Row,
};

/// How many messages a page has.
const PAGE: usize = 50;

pub(super) async fn measure(context: &mut Context) -> Result<(), BenchError> {
    let matrix = context.matrix.clone();
    let (pid, scale) = (context.pid, context.scale);
    let person = context.accounts.one().await?;
    let room = matrix.create_room(&person, false).await?;
    prepare(0..scale.history_messages, async |number| {
        matrix.send(&person, &room, &format!("history-{number}"), number).await
    })
    .await?;

    // The pages of the whole conversation, each as often as the others.
    let path = format!("/_matrix/client/v3/rooms/{}/messages?dir=b&limit={PAGE}", encode(&room));
    let mut pages = vec![path.clone()];
    while pages.len() < scale.history_messages / PAGE {
        let last = &pages[pages.len() - 1];
        let answer = matrix.request(Some(&person), Method::GET, last, None).await?;
        let Some(end) = answer["end"].as_str() else { break };
        pages.push(format!("{path}&from={}", encode(end)));
    }
    let page_back = async |_, number: usize| {
        let path = &pages[number % pages.len()];
        matrix.do_request(&person, Method::GET, path, None).await
    };
    let sample = measure::measure(pid, 1, scale.history_pages, page_back).await?;
    let row = Row::of(format!("{PAGE} messages back"), &sample).cpu_goal(0.8).peers("1.25; 16.5");
    context.add(row, 1).await
}
