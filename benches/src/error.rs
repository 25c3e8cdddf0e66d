/// Why a server could not be measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    /// A request failed on the way.
    #[error("request failed: {0}; is the server running and reachable?")]
    Http(#[from] reqwest::Error),
    /// The server answered with an error.
    #[error("{path} was refused with {status}: {body}")]
    Refused { path: String, status: reqwest::StatusCode, body: String },
    /// The server's answer lacks something.
    #[error("the answer of {path} lacks `{field}`")]
    Missing { path: String, field: &'static str },
    /// A file or process could not be used.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// JSON of the wrong form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The floor's store failed.
    #[error(transparent)]
    Store(#[from] pli_store::StoreError),
    /// A server did not start.
    #[error("{0} did not start: run it by hand to see why")]
    NotStarted(String),
    /// A process can't be measured.
    #[error("process {0} can't be measured: is it running on this machine?")]
    NoSuchProcess(u32),
    /// A delivery did not arrive.
    #[error("{0} did not arrive within {1} seconds")]
    TimedOut(&'static str, u64),
    /// Options that don't go together.
    #[error("{0}")]
    Options(String),
}
