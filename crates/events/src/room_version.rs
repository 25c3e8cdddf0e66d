use ruma::{RoomVersionId, room_version_rules::RoomVersionRules};

use crate::EventError;

/// The room versions that Pli can take part in, oldest first.
pub const SUPPORTED_ROOM_VERSIONS: &[RoomVersionId] = &[
    RoomVersionId::V6,
    RoomVersionId::V7,
    RoomVersionId::V8,
    RoomVersionId::V9,
    RoomVersionId::V10,
    RoomVersionId::V11,
    RoomVersionId::V12,
];

/// The rules of a supported room version.
///
/// # Errors
/// [`EventError::RoomVersion`] for every other version.
pub fn room_version_rules(
    version: &RoomVersionId,
) -> Result<&'static RoomVersionRules, EventError> {
    match version {
        RoomVersionId::V6 => Ok(&RoomVersionRules::V6),
        RoomVersionId::V7 => Ok(&RoomVersionRules::V7),
        RoomVersionId::V8 => Ok(&RoomVersionRules::V8),
        RoomVersionId::V9 => Ok(&RoomVersionRules::V9),
        RoomVersionId::V10 => Ok(&RoomVersionRules::V10),
        RoomVersionId::V11 => Ok(&RoomVersionRules::V11),
        RoomVersionId::V12 => Ok(&RoomVersionRules::V12),
        other => Err(EventError::RoomVersion(other.clone())),
    }
}
