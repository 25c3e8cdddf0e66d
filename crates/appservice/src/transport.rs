//! Requests to services.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use pli_outbound::Outbound;
use serde::de::DeserializeOwned;

use crate::{AppServiceError, Registration};

/// How long a service may take over a question that somebody waits for the answer to.
const QUESTION_TIME: Duration = Duration::from_secs(10);
/// How much of an error's body is passed on, in bytes.
const MAX_ERROR_BODY: usize = 2_048;

/// Speaks to services.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    client: Outbound,
}

impl Transport {
    pub(crate) fn new(client: Outbound) -> Self {
        Self { client }
    }

    /// Brings a transaction. An error means: try again.
    pub(crate) async fn bring(
        &self,
        service: &Registration,
        transaction_id: &str,
        body: String,
    ) -> Result<(), AppServiceError> {
        let path = ["transactions", transaction_id];
        self.call(service, Method::PUT, &path, &[], body).await.map(drop)
    }

    /// Asks whether the service is there.
    pub(crate) async fn ping(
        &self,
        service: &Registration,
        body: String,
    ) -> Result<(), AppServiceError> {
        self.call(service, Method::POST, &["ping"], &[], body).await.map(drop)
    }

    /// Asks whether a user or a room exists.
    pub(crate) async fn exists(
        &self,
        service: &Registration,
        path: &[&str],
    ) -> Result<bool, AppServiceError> {
        match self.question(service, path, &[]).await {
            Ok(_) => Ok(true),
            Err(AppServiceError::BadStatus { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks for JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        service: &Registration,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, AppServiceError> {
        let answer = self.question(service, path, query).await?;
        serde_json::from_slice(&answer)
            .map_err(|error| AppServiceError::BadAnswer(error.to_string()))
    }

    async fn question(
        &self,
        service: &Registration,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Bytes, AppServiceError> {
        let answer = self.call(service, Method::GET, path, query, String::new());
        tokio::time::timeout(QUESTION_TIME, answer)
            .await
            .unwrap_or(Err(AppServiceError::ConnectionTimeout))
    }

    async fn call(
        &self,
        service: &Registration,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: String,
    ) -> Result<Bytes, AppServiceError> {
        let mut url = service.url.clone().ok_or(AppServiceError::UrlNotSet)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["_matrix", "app", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", service.hs_token));
        if !body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Bytes::from(body))
            .map_err(|error| AppServiceError::ConnectionFailed(error.to_string()))?;
        let answer = self.client.send(request).await?;
        match answer.status() {
            status if status.is_success() => Ok(answer.into_body()),
            status => Err(bad_status(status, &answer.into_body())),
        }
    }
}

fn bad_status(status: StatusCode, body: &[u8]) -> AppServiceError {
    let beginning = &body[..body.len().min(MAX_ERROR_BODY)];
    AppServiceError::BadStatus {
        status: status.as_u16(),
        body: String::from_utf8_lossy(beginning).into_owned(),
    }
}
