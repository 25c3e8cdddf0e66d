use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use pli_store::{Committed, Touch};
use ruma::{OwnedUserId, ServerName, http_headers::ContentDisposition};
use tokio::{
    sync::broadcast::{Receiver, error::RecvError},
    time::{Instant, timeout_at},
};

use crate::{
    Media, MediaError,
    records::{FILES, FileRecord, PENDING},
    serving::{OCTET_STREAM, content_disposition},
};

/// A file on its way to a reader.
pub struct Download {
    /// The `Content-Type`.
    pub content_type: String,
    /// The `Content-Disposition`: inline only for what browsers show without harm.
    pub content_disposition: ContentDisposition,
    /// The size in bytes.
    pub content_length: u64,
    /// The bytes.
    pub body: BoxStream<'static, Result<Bytes, MediaError>>,
}

impl Media {
    /// A file's content. If the file was announced and its content isn't there, waits for it up to
    /// `timeout` (at most [`MediaConfig::max_wait`](crate::MediaConfig::max_wait)).
    ///
    /// # Errors
    /// [`MediaError::NotFound`], also for every file of another server;
    /// [`MediaError::NotYetUploaded`]; or the stores failed.
    pub async fn download(
        &self,
        server_name: &ServerName,
        media_id: &str,
        timeout: Duration,
    ) -> Result<Download, MediaError> {
        let file = self.find(server_name, media_id, timeout).await?;
        self.serve_original(file).await
    }

    pub(crate) async fn serve_original(&self, file: FileRecord) -> Result<Download, MediaError> {
        let (content_length, body) = self.0.blobs.read(&file.blob).await?;
        let content_type = file.content_type.unwrap_or_else(|| OCTET_STREAM.to_owned());
        let content_disposition = content_disposition(&content_type, file.filename);
        Ok(Download { content_type, content_disposition, content_length, body })
    }

    /// A file's record, waiting for its content if it was announced.
    pub(crate) async fn find(
        &self,
        server_name: &ServerName,
        media_id: &str,
        timeout: Duration,
    ) -> Result<FileRecord, MediaError> {
        let deadline = Instant::now() + timeout.min(self.0.config.max_wait);
        match self.look_up(server_name, media_id).await? {
            Found::File(file) => return Ok(file),
            Found::Nothing => return Err(MediaError::NotFound),
            Found::Announced { .. } => {}
        }
        // Subscribed before the next look, so that no commit falls between the two.
        let mut commits = self.0.store.subscribe();
        loop {
            let uploader = match self.look_up(server_name, media_id).await? {
                Found::File(file) => return Ok(file),
                Found::Nothing => return Err(MediaError::NotFound),
                Found::Announced { by } => by,
            };
            match timeout_at(deadline, touched(&mut commits, &uploader)).await {
                Ok(true) => {}
                // The time is up, or the server is about to stop.
                Ok(false) | Err(_) => return Err(MediaError::NotYetUploaded),
            }
        }
    }

    async fn look_up(&self, server_name: &ServerName, media_id: &str) -> Result<Found, MediaError> {
        let snapshot = self.0.store.snapshot().await?;
        if let Some(file) = snapshot.get(&FILES, (server_name, media_id)).await? {
            return Ok(Found::File(file));
        }
        if !self.is_local(server_name) {
            return Ok(Found::Nothing);
        }
        let pending = snapshot.get(&PENDING, media_id).await?;
        let live = pending.filter(|pending| pending.expires_at > self.0.ambient.now_ms());
        Ok(live.map_or(Found::Nothing, |pending| Found::Announced { by: pending.created_by }))
    }
}

enum Found {
    File(FileRecord),
    Announced { by: OwnedUserId },
    Nothing,
}

/// Waits for a commit that touches a user; whether there will be more.
async fn touched(commits: &mut Receiver<Arc<Committed>>, user_id: &OwnedUserId) -> bool {
    loop {
        match commits.recv().await {
            Ok(committed) => {
                let by_user = |touch: &Touch| matches!(touch, Touch::User(id) if id == user_id);
                if committed.missed_some() || committed.touched.iter().any(by_user) {
                    return true;
                }
            }
            // Something was missed: look again.
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

impl std::fmt::Debug for Download {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Download")
            .field("content_type", &self.content_type)
            .field("content_length", &self.content_length)
            .finish_non_exhaustive()
    }
}
