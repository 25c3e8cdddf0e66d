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
            // Whether a room exists is nothing that a stranger learns.
            RoomError::UnknownRoom(_) => Self::forbidden("you are not in this room"),
            RoomError::UnknownAlias(_) | RoomError::UnknownEvent(_) | RoomError::UnknownState => {
                Self::not_found(message)
            }
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
