//! Every answer that a test gets is held against the specification's schema, and noted for the table
//! in docs/compliance.md.

use serde_json::Value;
use xtask::openapi::{OpenApi, Request};

/// Answers that the schemas are wrong about: operation, status, why.
const EXCEPTIONS: &[(&str, u16, &str)] = &[
    (
        "getAuthMetadata",
        200,
        "the actions' older names are told as well: apps of last year use them",
    ),
    ("getDevice", 200, "an address that isn't known is null, as in most servers' answers"),
    ("getDevices", 200, "an address that isn't known is null, as in most servers' answers"),
    ("getJoinedMembersByRoom", 200, "clients count on null where somebody has no name or picture"),
    ("getRoomStateWithKey", 200, "one of two schemas, of which the first takes every event too"),
    ("getTurnServer", 200, "nothing at all where there is no relay, as clients expect"),
];

/// Fails the test if the answer isn't as the specification says.
#[track_caller]
pub(super) fn check(method: &str, path: &str, body: Option<&Value>, status: u16, answer: &Value) {
    // Scheduling an event (MSC4140) is another request at the path of sending it.
    if path.contains("org.matrix.msc4140.delay=") {
        return;
    }
    let request = Request { method, path, body };
    note(request, status);

    // A body that isn't JSON (media, pages) has nothing to check.
    if answer.is_null() {
        return;
    }
    // 401 is user-interactive authentication in the schemas, but a missing token everywhere.
    if status == 401 && answer.get("flows").is_none() {
        return;
    }
    let api = OpenApi::bundled();
    let excepted = api.operation_of(request).is_some_and(|operation| {
        EXCEPTIONS.iter().any(|(id, of, _)| *id == operation.id && *of == status)
    });
    if !excepted && let Err(fault) = api.check_answer(request, status, answer) {
        panic!(
            "the answer to {method} {path} is not as the specification says:\n{fault}\n{answer}"
        );
    }
}

/// Notes a call whose answer isn't JSON.
pub(crate) fn note(request: Request<'_>, status: u16) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("unnamed");
    xtask::calls::record(test, request, status).unwrap();
}
