//! Errors about application services.

use http::StatusCode;
use pli_appservice::AppServiceError;

use super::MatrixError;

impl From<AppServiceError> for MatrixError {
    fn from(error: AppServiceError) -> Self {
        let message = error.to_string();
        match error {
            AppServiceError::Exclusive(_) => Self::bad_request("M_EXCLUSIVE", message),
            AppServiceError::Forbidden(_) => Self::forbidden(message),
            AppServiceError::UnknownDevice => Self::bad_request("M_UNKNOWN_DEVICE", message),
            AppServiceError::InvalidParam(_) => Self::invalid_param(message),
            AppServiceError::LoginUnsupported => {
                Self::bad_request("M_APPSERVICE_LOGIN_UNSUPPORTED", message)
            }
            AppServiceError::UnknownProtocol => Self::not_found(message),
            AppServiceError::UrlNotSet => Self::bad_request("M_URL_NOT_SET", message),
            AppServiceError::BadStatus { status, body } => {
                Self::new(StatusCode::BAD_GATEWAY, "M_BAD_STATUS", message)
                    .with("status", status)
                    .with("body", body)
            }
            AppServiceError::ConnectionFailed(_) | AppServiceError::BadAnswer(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "M_CONNECTION_FAILED", message)
            }
            AppServiceError::ConnectionTimeout => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "M_CONNECTION_TIMEOUT", message)
            }
            AppServiceError::Conflict => Self::unavailable(message),
            AppServiceError::Accounts(error) => error.into(),
            AppServiceError::Rooms(error) => error.into(),
            AppServiceError::Store(error) => error.into(),
        }
    }
}
