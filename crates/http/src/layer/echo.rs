//! What a client sent comes back to it by `/sync` after the answer to the request that sent it.
//!
//! Both are ready at the same moment and go over two connections. Clients match them by transaction
//! ids whichever comes first, but not everywhere: where matrix-js-sdk (as of version 43) starts a
//! thread, the message that comes back first makes it take the answer for a failure, and it holds back
//! everything that its person writes in the next half minute.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{body::Body, extract::FromRequestParts, response::Response};
use futures_util::future::join_all;
use http::request::Parts;
use http_body_util::BodyExt;
use tokio_util::sync::CancellationToken;

use crate::extract::access_token;

/// How long `/sync` waits for other answers at most: a client may have stopped reading one.
const PATIENCE: Duration = Duration::from_secs(1);

/// Requests under way that send something, by client.
#[derive(Clone, Debug, Default)]
pub struct Echoes {
    under_way: Arc<Mutex<HashMap<Client, HashMap<u64, CancellationToken>>>>,
    next: Arc<AtomicU64>,
}

/// A client, told from others by its access token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(Option<Arc<str>>);

impl Client {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self(access_token(parts).map(Arc::from))
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

impl Echoes {
    /// Notes that a client sends something, until its answer is on its way.
    pub(crate) fn begin(&self, client: Client) -> Sending {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let answered = CancellationToken::new();
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.entry(client.clone()).or_default().insert(id, answered.clone());
        drop(under_way);
        Sending { echoes: self.clone(), client, id, answered }
    }

    /// Waits for the answers to what a client is sending at this moment. What it begins to send
    /// meanwhile is not waited for: it can't be in what the client is about to be told.
    pub(crate) async fn after_answers(&self, client: &Client) {
        let answers: Vec<_> = {
            let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(answers) = under_way.get(client) else { return };
            answers.values().cloned().collect()
        };
        let all = join_all(answers.iter().map(CancellationToken::cancelled));
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::debug!("a client does not read the answer to what it sent");
        }
    }
}

/// Something that a client sends and that isn't answered yet.
#[derive(Debug)]
pub(crate) struct Sending {
    echoes: Echoes,
    client: Client,
    id: u64,
    answered: CancellationToken,
}

impl Sending {
    /// Lasts until the whole answer was taken from its body, to be written to the connection.
    pub(crate) fn until_answered(self, response: Response) -> Response {
        response.map(|body| {
            // What is done with errors is kept as long as the body.
            Body::new(body.map_err(move |error| {
                let _sending = &self;
                error
            }))
        })
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let mut under_way = self.echoes.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answers) = under_way.get_mut(&self.client) {
            answers.remove(&self.id);
            if answers.is_empty() {
                under_way.remove(&self.client);
            }
        }
        drop(under_way);
        self.answered.cancel();
    }
}

#[cfg(test)]
mod tests {
    use axum::{Json, response::IntoResponse};
    use futures_util::poll;
    use serde_json::json;

    use super::*;

    fn client(token: &str) -> Client {
        Client(Some(token.into()))
    }

    /// Whoever starts a thread in Element Web can write nothing for half a minute.
    #[tokio::test]
    async fn what_somebody_sent_comes_back_after_the_answer() {
        let echoes = Echoes::default();
        let sending = echoes.begin(client("phone"));
        let mut synced = Box::pin(async { echoes.after_answers(&client("phone")).await });
        assert!(poll!(&mut synced).is_pending(), "nothing is answered yet");

        let answer = sending.until_answered(Json(json!({ "event_id": "$one" })).into_response());
        assert!(poll!(&mut synced).is_pending(), "nobody has taken the answer");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(&body[..], br#"{"event_id":"$one"}"#);
        synced.await;
        assert!(echoes.under_way.lock().unwrap().is_empty(), "it is remembered for ever");
    }

    /// News would come late to everybody whose other devices, or colleagues, are writing.
    #[tokio::test]
    async fn nobody_waits_for_what_others_send_or_what_is_sent_later() {
        let echoes = Echoes::default();
        let _other = echoes.begin(client("computer"));
        let mut of_phone = Box::pin(async { echoes.after_answers(&client("phone")).await });
        assert!(poll!(&mut of_phone).is_ready());

        let first = echoes.begin(client("phone"));
        let mut synced = Box::pin(async { echoes.after_answers(&client("phone")).await });
        assert!(poll!(&mut synced).is_pending());
        let _later = echoes.begin(client("phone"));
        drop(first);
        assert!(poll!(&mut synced).is_ready());
    }

    /// A client that reads nothing any more would get no news either.
    #[tokio::test]
    async fn news_come_also_to_who_never_reads_an_answer() {
        let echoes = Echoes::default();
        let _stuck = echoes.begin(client("phone"));
        echoes.after_answers(&client("phone")).await;
    }
}
