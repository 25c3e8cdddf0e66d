//! Errors of the account services.

use http::StatusCode;
use pli_accounts::AccountsError;
use serde_json::{Map, Value, json};

use super::MatrixError;

impl From<AccountsError> for MatrixError {
    fn from(error: AccountsError) -> Self {
        let message = error.to_string();
        match error {
            AccountsError::Store(error) => error.into(),
            AccountsError::Conflict(_) | AccountsError::Interrupted => Self::unavailable(message),
            AccountsError::UnknownToken { soft_logout } => {
                Self::new(StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN", message)
                    .with("soft_logout", soft_logout)
            }
            AccountsError::Forbidden(_) => Self::forbidden(message),
            AccountsError::UserInteractive(info) => match serde_json::to_value(&*info) {
                // The flows; `errcode` and `error` are among the fields if a stage failed.
                Ok(Value::Object(mut fields)) => {
                    offer_unstable_name(&mut fields);
                    Self::new(StatusCode::UNAUTHORIZED, "", "").with_all(fields)
                }
                Ok(_) => Self::new(StatusCode::UNAUTHORIZED, "", "").with_all(Map::new()),
                Err(error) => Self::internal(error),
            },
            AccountsError::UserDeactivated => {
                Self::new(StatusCode::FORBIDDEN, "M_USER_DEACTIVATED", message)
            }
            AccountsError::UserLocked => {
                Self::new(StatusCode::UNAUTHORIZED, "M_USER_LOCKED", message)
                    .with("soft_logout", true)
            }
            AccountsError::UserSuspended => {
                Self::new(StatusCode::FORBIDDEN, "M_USER_SUSPENDED", message)
            }
            AccountsError::GuestAccessForbidden(_) => {
                Self::new(StatusCode::FORBIDDEN, "M_GUEST_ACCESS_FORBIDDEN", message)
            }
            AccountsError::UserInUse => Self::bad_request("M_USER_IN_USE", message),
            AccountsError::Exclusive => Self::bad_request("M_EXCLUSIVE", message),
            AccountsError::InvalidUsername(_) => Self::bad_request("M_INVALID_USERNAME", message),
            AccountsError::WeakPassword(_) => Self::bad_request("M_WEAK_PASSWORD", message),
            AccountsError::ThreepidDenied(_) => {
                Self::new(StatusCode::FORBIDDEN, "M_THREEPID_DENIED", message)
            }
            AccountsError::ThreepidInUse => Self::bad_request("M_THREEPID_IN_USE", message),
            AccountsError::ThreepidNotFound => Self::bad_request("M_THREEPID_NOT_FOUND", message),
            AccountsError::ThreepidAuthFailed => {
                Self::bad_request("M_THREEPID_AUTH_FAILED", message)
            }
            AccountsError::NoValidSession => Self::bad_request("M_NO_VALID_SESSION", message),
            AccountsError::TokenIncorrect => Self::bad_request("M_TOKEN_INCORRECT", message),
            AccountsError::LimitExceeded { retry_after } => Self::limit_exceeded(retry_after),
            AccountsError::NotFound(_) => Self::not_found(message),
            AccountsError::InvalidParam(_) => Self::invalid_param(message),
            AccountsError::MissingParam(_) => Self::missing_param(message),
            AccountsError::BadJson(_) => Self::bad_json(message),
            AccountsError::ReservedType(_) => {
                Self::new(StatusCode::METHOD_NOT_ALLOWED, "M_BAD_JSON", message)
            }
            AccountsError::TooLarge(_) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", message)
            }
            AccountsError::KeyTooLarge => Self::bad_request("M_KEY_TOO_LARGE", message),
            AccountsError::ProfileTooLarge => Self::bad_request("M_PROFILE_TOO_LARGE", message),
            AccountsError::InvalidSignature(_) => Self::bad_request("M_INVALID_SIGNATURE", message),
            AccountsError::WrongRoomKeysVersion { current } => {
                Self::new(StatusCode::FORBIDDEN, "M_WRONG_ROOM_KEYS_VERSION", message)
                    .with("current_version", current)
            }
            AccountsError::ConcurrentWrite(_) => {
                Self::new(StatusCode::CONFLICT, "M_CONCURRENT_WRITE", message)
            }
            AccountsError::Upstream(_) => Self::forbidden(message),
            AccountsError::OAuth(_) => Self::bad_request("M_UNKNOWN", message),
            AccountsError::Unrecognized => Self::unrecognized(),
            AccountsError::Mail(_) | AccountsError::Configuration(_) => Self::internal(message),
        }
    }
}

/// Apps of before v1.17 know the stage `m.oauth` by the name that it had in MSC4312: it is offered
/// under both.
fn offer_unstable_name(fields: &mut Map<String, Value>) {
    const STABLE: &str = "m.oauth";
    const UNSTABLE: &str = "org.matrix.cross_signing_reset";
    let Some(page) = fields.get("params").and_then(|params| params.get(STABLE)).cloned() else {
        return;
    };
    if let Some(params) = fields.get_mut("params").and_then(Value::as_object_mut) {
        params.insert(UNSTABLE.to_owned(), page);
    }
    if let Some(flows) = fields.get_mut("flows").and_then(Value::as_array_mut) {
        flows.push(json!({ "stages": [UNSTABLE] }));
    }
}
