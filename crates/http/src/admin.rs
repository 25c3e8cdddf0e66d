//! The admin listener: health and metrics. It is meant for the operator's network only.

mod process;

use axum::{Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, header};
use metrics_exporter_prometheus::PrometheusHandle;
use pli_store::Store;

use crate::layer::{self, measure::STORE_COMMITS};

#[derive(Clone)]
struct AdminState {
    store: Store,
    metrics: PrometheusHandle,
}

/// The routes of the admin listener.
pub fn routes(store: Store, metrics: PrometheusHandle) -> Router {
    let routes = Router::new()
        .route("/health", get(health))
        .route("/metrics", get(render_metrics))
        .with_state(AdminState { store, metrics });
    layer::secure(routes)
}

/// 200 `OK` when the store answers.
async fn health(State(state): State<AdminState>) -> (StatusCode, &'static str) {
    match state.store.snapshot().await {
        Ok(_) => (StatusCode::OK, "OK\n"),
        Err(error) => {
            tracing::error!(%error, "health: the store does not answer");
            (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer: see the log\n")
        }
    }
}

/// The metrics, in Prometheus' text form. Of a store that doesn't answer, the rest is still told.
async fn render_metrics(State(state): State<AdminState>) -> impl IntoResponse {
    match state.store.position().await {
        Ok(position) => metrics::counter!(STORE_COMMITS).absolute(position.0),
        Err(error) => tracing::error!(%error, "metrics: the store does not answer"),
    }
    process::measure().await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], state.metrics.render())
}
