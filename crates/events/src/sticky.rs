//! Events that stick for a while
//! ([MSC4354](https://github.com/matrix-org/matrix-spec-proposals/pull/4354)).

use ruma::{
    CanonicalJsonObject, UInt,
    events::sticky::{StickyDurationMs, StickyObject},
};
use serde_json::value::RawValue;

/// The field of an event that makes it stick, by the name that it has until the proposal is part of
/// the specification.
pub(crate) const STICKY: &str = "msc4354_sticky";

/// For how long an event sticks that says this. Other servers' events may say anything: what isn't a
/// duration makes nothing stick.
pub(crate) fn sticky_duration(field: &RawValue) -> Option<StickyDurationMs> {
    let sticky: StickyObject = serde_json::from_str(field.get()).ok()?;
    Some(sticky.duration_ms)
}

/// What an event says that sticks.
pub(crate) fn sticky_object(duration: StickyDurationMs) -> CanonicalJsonObject {
    CanonicalJsonObject::from([("duration_ms".to_owned(), UInt::from(duration.get()).into())])
}
