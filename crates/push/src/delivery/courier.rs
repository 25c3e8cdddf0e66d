//! Bringing one pusher what was noted for it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use pli_outbound::wait_after;
use pli_store::{Batch, CommitError, Row, Stamp};
use ruma::OwnedUserId;
use serde::Deserialize;
use url::Url;

use super::{
    Shared, is_over, message,
    pending::{self, PENDING, PendingPush, PusherKey, Waiting},
};
use crate::{
    PushError,
    pushers::{PUSHER, stage_end},
};

/// How long to wait when the store fails.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Brings one pusher what was noted for it.
pub(crate) struct Courier {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pusher: PusherKey,
}

/// What there is to do next.
enum Next {
    /// Nothing is left.
    Nothing,
    /// These need not be told.
    Forget(Vec<PendingKey>),
    /// This is to be told.
    Send { key: PendingKey, url: Url, body: Bytes },
}

type PendingKey = (OwnedUserId, String, String, Stamp);

/// Why the gateway did not take a notification.
enum Refusal {
    /// The gateway is not there, or not well.
    Down(String),
    /// It doesn't like this notification.
    Disliked(StatusCode),
}

impl Courier {
    /// Works until nothing is left.
    pub(crate) async fn run(self) {
        let mut failures = 0;
        loop {
            match self.step(&mut failures).await {
                Ok(true) => {}
                Ok(false) => {
                    if self.shared.is_done(&self.pusher) {
                        return;
                    }
                }
                // The pusher was changed meanwhile: look again.
                Err(PushError::Conflict) => {}
                Err(error) => {
                    tracing::error!(%error, "a notification could not be read");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
    }

    /// Does one thing. Returns whether there may be more to do.
    async fn step(&self, failures: &mut u32) -> Result<bool, PushError> {
        match Box::pin(self.next()).await? {
            Next::Nothing => return Ok(false),
            Next::Forget(keys) => self.forget(&keys).await?,
            Next::Send { key, url, body } => match self.send(&url, body).await {
                Ok(is_rejected) => {
                    *failures = 0;
                    if is_rejected {
                        self.end_pusher().await?;
                    } else {
                        self.forget(&[key]).await?;
                    }
                }
                Err(refusal) => {
                    *failures = failures.saturating_add(1);
                    let [random] = self.shared.ambient.random_bytes();
                    let wait = wait_after(*failures, random);
                    let gateway = url.host_str().unwrap_or_default();
                    match refusal {
                        Refusal::Down(reason) => tracing::warn!(
                            gateway,
                            reason,
                            ?wait,
                            "a push gateway can't be reached: trying again"
                        ),
                        Refusal::Disliked(status) => tracing::warn!(
                            gateway,
                            %status,
                            ?wait,
                            "a push gateway refused a notification: trying again"
                        ),
                    }
                    tokio::time::sleep(wait).await;
                }
            },
        }
        Ok(true)
    }

    /// Looks for the oldest note that is still worth telling.
    async fn next(&self) -> Result<Next, PushError> {
        let (user_id, app_id, pushkey) = &self.pusher;
        let snapshot = self.shared.store.snapshot().await?;
        let row = snapshot.get(&PUSHER, (user_id, app_id, pushkey)).await?;
        let Waiting { rows, surplus } = pending::waiting(&snapshot, &self.pusher).await?;
        let keys = |rows: Vec<Row<PendingKey, PendingPush>>| {
            rows.into_iter().map(|row| row.key).collect::<Vec<_>>()
        };
        let http = row.as_ref().map(super::super::pushers::PusherRow::http).transpose()?.flatten();
        let (Some(row), Some(http)) = (row, http) else {
            return Ok(if rows.is_empty() { Next::Nothing } else { Next::Forget(keys(rows)) });
        };
        if !surplus.is_empty() {
            return Ok(Next::Forget(keys(surplus)));
        }
        let Ok(url) = Url::parse(&http.url) else { return Ok(Next::Forget(keys(rows))) };
        let last = rows.last().map(|row| row.key.3);
        let mut useless = Vec::new();
        for Row { key, value: push, .. } in rows {
            // A number that is told again with what follows need not be told now.
            let is_superseded = push.event_id.is_none() && Some(key.3) != last;
            if is_superseded || is_over(push.noted_ms, &self.shared.ambient) {
                useless.push(key);
                continue;
            }
            if !useless.is_empty() {
                break;
            }
            let body =
                message::body(&self.shared, &snapshot, &self.pusher, &row, http.clone(), &push)
                    .await?;
            match body {
                Some(body) => return Ok(Next::Send { key, url, body }),
                None => useless.push(key),
            }
        }
        Ok(if useless.is_empty() { Next::Nothing } else { Next::Forget(useless) })
    }

    async fn forget(&self, keys: &[PendingKey]) -> Result<(), PushError> {
        let mut batch = Batch::new();
        for key in keys {
            batch.delete(&PENDING, key);
        }
        self.shared.store.commit(batch).await?;
        Ok(())
    }

    /// Sends a notification. Returns whether the gateway rejected the push key for good.
    async fn send(&self, url: &Url, body: Bytes) -> Result<bool, Refusal> {
        #[derive(Deserialize)]
        struct Answer {
            #[serde(default)]
            rejected: Vec<String>,
        }
        let gateway = self.shared.gateways.at(url);
        let _turn = gateway.turn().await;
        let request = Request::post(url.as_str())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| Refusal::Down(error.to_string()))?;
        let answer = match self.shared.outbound.send(request).await {
            Ok(answer) => answer,
            Err(error) => {
                gateway.failed(&self.shared.ambient);
                return Err(Refusal::Down(error.to_string()));
            }
        };
        let status = answer.status();
        if status.is_success() {
            gateway.answered();
            let answer: Option<Answer> = serde_json::from_slice(answer.body()).ok();
            let (_, _, pushkey) = &self.pusher;
            return Ok(answer.is_some_and(|answer| answer.rejected.contains(pushkey)));
        }
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            gateway.failed(&self.shared.ambient);
            return Err(Refusal::Down(format!("it answers {status}")));
        }
        gateway.answered();
        Err(Refusal::Disliked(status))
    }

    /// The gateway says that the push key is not valid any more: the app is gone.
    async fn end_pusher(&self) -> Result<(), PushError> {
        let (user_id, app_id, pushkey) = &self.pusher;
        tracing::info!(%user_id, app_id, "a push gateway rejected a push key: its pusher ends");
        let snapshot = self.shared.store.snapshot().await?;
        let mut batch = Batch::new();
        stage_end(&snapshot, &mut batch, user_id, app_id, pushkey).await?;
        drop(snapshot);
        match self.shared.store.commit(batch).await {
            Err(CommitError::Conflict(_)) => Err(PushError::Conflict),
            done => Ok(done.map(drop)?),
        }
    }
}
