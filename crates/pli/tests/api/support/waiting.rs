//! Waiting for what happens in the background.

use std::time::Duration;

use super::TestServer;

impl TestServer {
    /// Asks again and again until it is so; panics if it isn't after half a minute.
    pub(crate) async fn until(&self, is_so: impl AsyncFnMut() -> bool) {
        until(is_so).await;
    }
}

/// Asks again and again until it is so; panics if it isn't after half a minute.
pub(crate) async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let asking = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !is_so().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), asking).await.expect("it never came to be so");
}
