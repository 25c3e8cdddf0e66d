use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

/// A push gateway in this process.
pub(super) struct Gateway {
    address: std::net::SocketAddr,
    inner: Arc<Inner>,
    told: Mutex<mpsc::UnboundedReceiver<Value>>,
}

struct Inner {
    told: mpsc::UnboundedSender<Value>,
    fails: AtomicBool,
    rejected: std::sync::Mutex<Vec<String>>,
}

impl Gateway {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, told) = mpsc::unbounded_channel();
        let inner = Arc::new(Inner {
            told: sender,
            fails: AtomicBool::new(false),
            rejected: std::sync::Mutex::default(),
        });
        let routes = Router::new()
            .route("/_matrix/push/v1/notify", post(notify))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { address, inner, told: Mutex::new(told) }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/_matrix/push/v1/notify", self.address)
    }

    /// The next notification that arrives, taken or not.
    pub(super) async fn next(&self) -> Value {
        let next = async { self.told.lock().await.recv().await.unwrap() };
        tokio::time::timeout(std::time::Duration::from_secs(30), next).await.unwrap()
    }

    /// From now on it takes nothing, or takes everything again.
    pub(super) fn fail(&self, fails: bool) {
        self.inner.fails.store(fails, Ordering::SeqCst);
    }

    /// From now on this push key is no good.
    pub(super) fn reject(&self, pushkey: &str) {
        self.inner.rejected.lock().unwrap().push(pushkey.to_owned());
    }
}

async fn notify(
    State(inner): State<Arc<Inner>>,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let notification = body["notification"].clone();
    let key = notification["devices"][0]["pushkey"].as_str().unwrap().to_owned();
    let is_rejected = inner.rejected.lock().unwrap().contains(&key);
    let fails = inner.fails.load(Ordering::SeqCst);
    inner.told.send(notification).unwrap();
    if fails {
        return (StatusCode::BAD_GATEWAY, Json(json!({})));
    }
    let rejected = if is_rejected { vec![key] } else { Vec::new() };
    (StatusCode::OK, Json(json!({ "rejected": rejected })))
}
