use ruma::{RoomVersionId, room_version_rules::RoomVersionRules};

use crate::EventError;

/// The room versions that Pli can take part in, oldest first.
///
/// Version 1 is none of them: its state resolution lets outdated events win, which is why version 2
/// replaced it.
pub const SUPPORTED_ROOM_VERSIONS: &[RoomVersionId] = &[
    RoomVersionId::V2,
    RoomVersionId::V3,
    RoomVersionId::V4,
    RoomVersionId::V5,
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
        RoomVersionId::V2 => Ok(&RoomVersionRules::V2),
        RoomVersionId::V3 => Ok(&RoomVersionRules::V3),
        RoomVersionId::V4 => Ok(&RoomVersionRules::V4),
        RoomVersionId::V5 => Ok(&RoomVersionRules::V5),
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
