use ruma::OwnedDeviceId;
use serde::{Deserialize, Serialize};

use super::OAuthErrorCode;
use crate::AccountsError;

/// Full access to the client-server API: its stable name and the one of MSC2967.
const API: [&str; 2] = ["urn:matrix:client:api:*", "urn:matrix:org.matrix.msc2967.client:api:*"];
/// What stands before the device's id: the stable name and the one of MSC2967.
const DEVICE: [&str; 2] =
    ["urn:matrix:client:device:", "urn:matrix:org.matrix.msc2967.client:device:"];

/// The longest device id, in bytes.
const MAX_DEVICE_ID: usize = 255;

/// What an app wants (client-server API, section "Scope"): full access, on one device.
///
/// There is no other scope yet; whatever else an app asks for is not granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The device.
    pub device_id: OwnedDeviceId,
    /// What is granted, in the words in which it was asked for.
    pub granted: String,
}

impl Scope {
    /// Reads the scope of a request.
    ///
    /// # Errors
    /// `invalid_scope` unless it names full access and exactly one device.
    pub fn parse(text: &str) -> Result<Self, AccountsError> {
        let invalid = |description: &'static str| {
            AccountsError::oauth(OAuthErrorCode::InvalidScope, description)
        };
        let mut has_api = false;
        let mut device_id: Option<&str> = None;
        let mut granted: Vec<&str> = Vec::new();
        for token in text.split_ascii_whitespace() {
            if API.contains(&token) {
                has_api = true;
            } else if let Some(named) = DEVICE.iter().find_map(|prefix| token.strip_prefix(prefix))
            {
                // There must be exactly one device; both its names are the same one.
                if device_id.is_some_and(|known| known != named) {
                    return Err(invalid("the scope names more than one device: ask for one"));
                }
                device_id = Some(named);
            } else {
                continue;
            }
            granted.push(token);
        }
        if !has_api {
            return Err(invalid("the scope has to include urn:matrix:client:api:*"));
        }
        let device_id = device_id
            .ok_or_else(|| invalid("the scope has to include urn:matrix:client:device:<id>"))?;
        // What RFC 6749 (section 3.3) allows in a scope token.
        let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        if device_id.is_empty()
            || device_id.len() > MAX_DEVICE_ID
            || !device_id.bytes().all(is_allowed)
        {
            return Err(invalid("the device id has 1 to 255 printable ASCII characters"));
        }
        Ok(Self { device_id: device_id.into(), granted: granted.join(" ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_of_both_generations_name_their_device() {
        let stable = Scope::parse("urn:matrix:client:api:* urn:matrix:client:device:ABC.d-e_f~1");
        assert_eq!(stable.unwrap().device_id, "ABC.d-e_f~1");
        let unstable = Scope::parse(
            "openid urn:matrix:org.matrix.msc2967.client:api:* \
             urn:matrix:org.matrix.msc2967.client:device:ABCDEFGHIJ",
        )
        .unwrap();
        assert_eq!(unstable.device_id, "ABCDEFGHIJ");
        assert!(!unstable.granted.contains("openid"), "what is not known is not granted");
        Scope::parse(
            "urn:matrix:client:api:* urn:matrix:client:device:A \
             urn:matrix:org.matrix.msc2967.client:device:A",
        )
        .unwrap();
    }

    #[test]
    fn an_app_without_a_device_gets_nothing() {
        for scope in [
            "",
            "urn:matrix:client:api:*",
            "urn:matrix:client:device:ABC",
            "urn:matrix:client:api:* urn:matrix:client:device:",
            "urn:matrix:client:api:* urn:matrix:client:device:A urn:matrix:client:device:B",
            "urn:matrix:client:api:* urn:matrix:client:device:A\\B",
            "urn:matrix:client:api:* urn:matrix:client:device:\u{e9}",
        ] {
            Scope::parse(scope).unwrap_err();
        }
    }
}
