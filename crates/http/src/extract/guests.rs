//! What guests may do: the few endpoints that the specification names, and nothing else
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#guest-access)).

use http::Method;

use crate::MatrixError;

/// Method and path after the version; `*` is any one part.
const ALLOWED: &[(Method, &str)] = &[
    // Reading rooms that they are in, or that everybody may read.
    (Method::GET, "rooms/*/state"),
    (Method::GET, "rooms/*/state/*"),
    (Method::GET, "rooms/*/state/*/*"),
    (Method::GET, "rooms/*/context/*"),
    (Method::GET, "rooms/*/event/*"),
    (Method::GET, "rooms/*/messages"),
    (Method::GET, "rooms/*/members"),
    (Method::GET, "rooms/*/initialSync"),
    (Method::GET, "sync"),
    (Method::GET, "events"),
    (Method::GET, "joined_rooms"),
    // Coming, speaking, going.
    (Method::POST, "join/*"),
    (Method::POST, "rooms/*/join"),
    (Method::POST, "rooms/*/leave"),
    (Method::PUT, "rooms/*/send/*/*"),
    (Method::PUT, "rooms/*/state/*"),
    (Method::PUT, "rooms/*/state/*/*"),
    (Method::PUT, "rooms/*/typing/*"),
    (Method::PUT, "sendToDevice/*/*"),
    // Looking after themselves.
    (Method::GET, "account/whoami"),
    (Method::GET, "capabilities"),
    (Method::PUT, "profile/*/displayname"),
    (Method::GET, "devices"),
    (Method::GET, "devices/*"),
    (Method::PUT, "devices/*"),
    (Method::POST, "logout"),
    (Method::POST, "logout/all"),
    // Taking part in encrypted rooms.
    (Method::POST, "keys/upload"),
    (Method::POST, "keys/query"),
    (Method::POST, "keys/claim"),
    // Seeing what others send.
    (Method::GET, "media/config"),
    (Method::GET, "media/download/*/*"),
    (Method::GET, "media/download/*/*/*"),
    (Method::GET, "media/thumbnail/*/*"),
];

/// Refuses guests what is not for them.
///
/// # Errors
/// `M_GUEST_ACCESS_FORBIDDEN`.
pub(super) fn check(method: &Method, path: &str) -> Result<(), MatrixError> {
    let mut parts = path.trim_end_matches('/').split('/').skip(1);
    let is_client_api = parts.next() == Some("_matrix") && parts.next() == Some("client");
    // The version: r0, v1, v3.
    let is_versioned = parts.next().is_some_and(|version| version != "unstable");
    let parts: Vec<&str> = parts.collect();
    let is_it = |pattern: &str| {
        let pattern: Vec<&str> = pattern.split('/').collect();
        let mut pairs = pattern.iter().zip(&parts);
        pattern.len() == parts.len() && pairs.all(|(name, part)| *name == "*" || name == part)
    };
    let mut allowed = ALLOWED.iter();
    if is_client_api
        && is_versioned
        && allowed.any(|(allowed, pattern)| allowed == method && is_it(pattern))
    {
        return Ok(());
    }
    Err(MatrixError::new(
        http::StatusCode::FORBIDDEN,
        "M_GUEST_ACCESS_FORBIDDEN",
        "guests can't do this: create an account",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest who can do more than the specification says can fill the server's disks, or find out
    /// who works here.
    #[test]
    fn guests_can_do_what_is_named_and_nothing_else() {
        let client = "/_matrix/client";
        for (method, path) in [
            (Method::GET, format!("{client}/v3/sync")),
            (Method::POST, format!("{client}/r0/rooms/!room:pli.test/join")),
            (Method::PUT, format!("{client}/v3/rooms/!room:pli.test/state/com.example/")),
            (Method::GET, format!("{client}/v1/media/download/pli.test/abc/name.png")),
        ] {
            assert!(check(&method, &path).is_ok(), "{method} {path}");
        }
        for (method, path) in [
            (Method::POST, format!("{client}/v3/createRoom")),
            (Method::POST, format!("{client}/v3/rooms/!room:pli.test/invite")),
            (Method::PUT, format!("{client}/v3/sync")),
            (Method::GET, format!("{client}/v3/rooms//sync")),
            (Method::GET, format!("{client}/unstable/sync")),
            (Method::POST, format!("{client}/v3/user_directory/search")),
            (Method::POST, "/_matrix/media/v3/upload".to_owned()),
            (Method::GET, "/".to_owned()),
        ] {
            assert!(check(&method, &path).is_err(), "{method} {path}");
        }
    }
}
