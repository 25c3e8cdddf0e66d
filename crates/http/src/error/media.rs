//! Errors of files.

use http::StatusCode;
use pli_media::MediaError;

use super::MatrixError;

impl From<MediaError> for MatrixError {
    fn from(error: MediaError) -> Self {
        let message = error.to_string();
        match error {
            MediaError::NotFound => Self::not_found(message),
            MediaError::NotYetUploaded => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "M_NOT_YET_UPLOADED", message)
            }
            MediaError::TooLarge { .. } | MediaError::TooLargeToThumbnail => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", message)
            }
            MediaError::QuotaExceeded { .. } | MediaError::Forbidden => Self::forbidden(message),
            MediaError::TooManyPending { retry_after, .. } => Self::limit_exceeded(retry_after),
            MediaError::AlreadyUploaded => {
                Self::new(StatusCode::CONFLICT, "M_CANNOT_OVERWRITE_MEDIA", message)
            }
            MediaError::FilenameTooLong { .. } | MediaError::ThumbnailSize { .. } => {
                Self::invalid_param(message)
            }
            MediaError::CannotThumbnail | MediaError::BodyBroken(_) => {
                Self::bad_request("M_UNKNOWN", message)
            }
            MediaError::Expired => Self::new(StatusCode::REQUEST_TIMEOUT, "M_UNKNOWN", message),
            MediaError::Full => {
                tracing::error!(error = %message, "the media store is full");
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "M_UNKNOWN",
                    "the server has no space left: nothing was saved, try again later",
                )
            }
            MediaError::Store(error) => error.into(),
            MediaError::Blobs(_)
            | MediaError::BlobMissing { .. }
            | MediaError::Io(_)
            | MediaError::UnknownUrl { .. } => Self::internal(message),
        }
    }
}
