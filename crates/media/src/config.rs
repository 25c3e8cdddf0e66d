use std::time::Duration;

/// Where files are kept and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaConfig {
    /// The blob store: `file:PATH`, `s3://BUCKET/PREFIX` (credentials from the `AWS_…` environment)
    /// or `memory:` (gone with the process).
    pub store: String,
    /// The greatest size of a file in bytes.
    pub max_upload: u64,
    /// How many bytes one user may keep on the server; `None`: no limit.
    pub quota_per_user: Option<u64>,
    /// How many announced files (`POST /media/v1/create`) a user may have without their content.
    pub max_pending: usize,
    /// How long an announced file waits for its content.
    pub pending_lifetime: Duration,
    /// The longest that a download waits for content that isn't there yet.
    pub max_wait: Duration,
    /// How many pixels an image may have for a thumbnail to be made of it. The images that are
    /// decoded at the same time have no more together; each takes 4 to 12 bytes of memory a pixel.
    pub max_thumbnail_pixels: u64,
    /// How many images are decoded at the same time at most.
    pub thumbnail_workers: usize,
    /// How long an unfinished upload may take before [`Media::sweep`](crate::Media::sweep) removes it.
    pub upload_timeout: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl MediaConfig {
    /// The defaults for a blob store.
    #[must_use]
    pub fn new(store: impl Into<String>) -> Self {
        Self {
            store: store.into(),
            max_upload: 100 * 1024 * 1024,
            quota_per_user: None,
            max_pending: 100,
            pending_lifetime: DAY,
            max_wait: Duration::from_secs(60),
            max_thumbnail_pixels: 50_000_000,
            thumbnail_workers: 2,
            upload_timeout: DAY,
        }
    }
}
