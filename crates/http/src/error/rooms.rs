//! Errors of rooms.

use http::StatusCode;
use pli_events::EventError;
use pli_rooms::RoomError;

use super::MatrixError;

impl From<RoomError> for MatrixError {
    fn from(error: RoomError) -> Self {
        let message = error.to_string();
        match error {
            RoomError::Forbidden(_) => Self::forbidden(message),
            RoomError::BadState(_) => Self::new(StatusCode::FORBIDDEN, "M_BAD_STATE", message),
            RoomError::PolicyRefused { status, errcode, .. } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
                Self::new(status, errcode, message)
            }
            RoomError::PolicyServerFailed => Self::unavailable(message),
            RoomError::GuestsForbidden => {
                Self::new(StatusCode::FORBIDDEN, "M_GUEST_ACCESS_FORBIDDEN", message)
            }
            // Whether a room exists is nothing that a stranger learns.
            RoomError::UnknownRoom(_) => Self::forbidden("you are not in this room"),
            RoomError::UnknownAlias(_)
            | RoomError::UnknownEvent(_)
            | RoomError::UnknownState
            | RoomError::NoEventThen => Self::not_found(message),
            RoomError::BadRelation(_) => Self::bad_request("M_UNKNOWN", message),
            RoomError::DuplicateAnnotation => Self::bad_request("M_DUPLICATE_ANNOTATION", message),
            RoomError::AliasInUse(_) => Self::bad_request("M_ROOM_IN_USE", message),
            RoomError::BadAlias(_) => Self::bad_request("M_BAD_ALIAS", message),
            RoomError::UnsupportedRoomVersion(_) => {
                Self::bad_request("M_UNSUPPORTED_ROOM_VERSION", message)
            }
            RoomError::InvalidRoomState(_) => Self::bad_request("M_INVALID_ROOM_STATE", message),
            RoomError::InvalidParam(_) => Self::invalid_param(message),
            RoomError::BadContent(_) => Self::bad_json(message),
            RoomError::TooLarge(_) => too_large(message),
            RoomError::Event(error) => (&*error).into(),
            RoomError::Busy | RoomError::Interrupted => Self::unavailable(message),
            RoomError::InviteBlocked(_) => {
                Self::new(StatusCode::FORBIDDEN, "M_INVITE_BLOCKED", message)
            }
            RoomError::NoCalls => Self::not_found(message),
            RoomError::NotInThread => {
                Self::bad_request("IO.ELEMENT.MSC4306.M_NOT_IN_THREAD", message)
            }
            RoomError::UnsubscribedSince => Self::new(
                StatusCode::CONFLICT,
                "IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION",
                message,
            ),
            RoomError::DelayTooLong(most) => {
                let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
                // Codes of its own are for the finished proposal; clients look for these.
                Self::bad_request("M_UNKNOWN", message)
                    .with("org.matrix.msc4140.errcode", "M_MAX_DELAY_EXCEEDED")
                    .with("org.matrix.msc4140.max_delay", most)
            }
            RoomError::TooManyDelayedEvents(_) => Self::bad_request("M_UNKNOWN", message)
                .with("org.matrix.msc4140.errcode", "M_MAX_DELAYED_EVENTS_EXCEEDED"),
            RoomError::UnknownDelayedEvent => Self::not_found(message),
            RoomError::DelayedEventIsOver | RoomError::DelayedEventSuperseded => {
                Self::new(StatusCode::CONFLICT, "M_UNKNOWN", message)
            }
            RoomError::StillInRoom => Self::bad_request("M_UNKNOWN", message),
            RoomError::Store(error) => (&*error).into(),
            _ => Self::internal(message),
        }
    }
}

impl From<&EventError> for MatrixError {
    fn from(error: &EventError) -> Self {
        let message = error.to_string();
        match error {
            EventError::TooLarge { .. } | EventError::FieldTooLong { .. } => too_large(message),
            _ => Self::bad_json(message),
        }
    }
}

fn too_large(message: String) -> MatrixError {
    MatrixError::new(StatusCode::PAYLOAD_TOO_LARGE, "M_TOO_LARGE", message)
}
