//! Ending gracefully: what waits for news stops waiting.

use tokio_util::sync::CancellationToken;

/// Says when the server is about to stop. Long-polls end at once, so that clients reconnect (to
/// another node, or to the next process) without having lost anything.
#[derive(Clone, Debug, Default)]
pub struct Drain(CancellationToken);

impl Drain {
    /// Begins to drain.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Waits until draining begins.
    pub async fn begun(&self) {
        self.0.cancelled().await;
    }
}
