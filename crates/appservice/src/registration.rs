//! Registration files: what the operator says about a service
//! ([specification](https://spec.matrix.org/v1.19/application-service-api/#registration)).

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
};

use ruma::{OwnedUserId, ServerName, UserId};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::Namespace;

/// How long an id may be, in bytes: it is part of keys.
const MAX_ID: usize = 255;

/// A registration file that can't be used. The text names the file and what to change.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct InvalidRegistration {
    path: PathBuf,
    message: String,
}

/// An application service as the operator registered it.
#[derive(Clone)]
pub struct Registration {
    /// Its id, which never changes.
    pub id: String,
    /// Where it is; `None`: it wants to be told nothing.
    pub url: Option<Url>,
    /// The token by which this server knows the service.
    pub as_token: String,
    /// The token by which the service knows this server.
    pub hs_token: String,
    /// The user that the service is when it acts for nobody else.
    pub sender: OwnedUserId,
    /// The users that it acts for.
    pub users: Namespace,
    /// The aliases that it owns.
    pub aliases: Namespace,
    /// The rooms that it wants to hear of, whoever is in them.
    pub rooms: Namespace,
    /// Whether its requests for its users count towards the rate limits.
    pub is_rate_limited: bool,
    /// The third-party networks that it bridges to.
    pub protocols: Vec<String>,
    /// Whether it wants typing notices and receipts.
    pub receives_ephemeral: bool,
    /// Whether it wants what encryption needs: to-device messages, changed device lists, counts of
    /// one-time keys (MSC3202).
    pub receives_encryption: bool,
    /// Whether it creates and removes its users' devices itself (MSC4190).
    pub manages_devices: bool,
}

/// Without the tokens.
impl fmt::Debug for Registration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Registration")
            .field("id", &self.id)
            .field("url", &self.url)
            .field("sender", &self.sender)
            .finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct File {
    id: String,
    // Has to be there, if only to say that there is none.
    #[serde(deserialize_with = "Option::deserialize")]
    url: Option<String>,
    as_token: String,
    hs_token: String,
    sender_localpart: String,
    namespaces: Namespaces,
    #[serde(default = "yes")]
    rate_limited: bool,
    #[serde(default, deserialize_with = "nothing_as_default")]
    protocols: Vec<String>,
    #[serde(default)]
    receive_ephemeral: bool,
    #[serde(default)]
    push_ephemeral: bool,
    #[serde(default, rename = "de.sorunome.msc2409.push_ephemeral")]
    unstable_push_ephemeral: bool,
    #[serde(default, rename = "org.matrix.msc3202")]
    msc3202: bool,
    #[serde(default, rename = "io.element.msc4190")]
    msc4190: bool,
}

#[derive(Deserialize)]
struct Namespaces {
    #[serde(default, deserialize_with = "nothing_as_default")]
    users: Vec<Entry>,
    #[serde(default, deserialize_with = "nothing_as_default")]
    aliases: Vec<Entry>,
    #[serde(default, deserialize_with = "nothing_as_default")]
    rooms: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    regex: String,
    exclusive: bool,
}

fn yes() -> bool {
    true
}

/// In YAML a key with nothing behind it is null.
fn nothing_as_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Registration {
    /// Reads a registration file.
    ///
    /// # Errors
    /// When the file can't be read, is no YAML, or says something that can't be.
    pub fn load(path: &Path, server_name: &ServerName) -> Result<Self, InvalidRegistration> {
        let invalid = |message: String| InvalidRegistration { path: path.to_owned(), message };
        let text = std::fs::read_to_string(path).map_err(|error| invalid(error.to_string()))?;
        Self::parse(&text, server_name).map_err(invalid)
    }

    /// Reads the text of a registration file.
    ///
    /// # Errors
    /// What is wrong, and in which key.
    pub fn parse(text: &str, server_name: &ServerName) -> Result<Self, String> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        if file.id.is_empty() || file.id.len() > MAX_ID || file.id.contains('|') {
            return Err(format!("id: give 1 to {MAX_ID} bytes without |"));
        }
        for (key, token) in [("as_token", &file.as_token), ("hs_token", &file.hs_token)] {
            // Both travel in headers.
            if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(format!("{key}: give a long random text of visible ASCII characters"));
            }
        }
        let url = match file.url.as_deref() {
            None | Some("") => None,
            Some(url) => Some(web_address(url)?),
        };
        let localpart = &file.sender_localpart;
        let sender = UserId::parse(format!("@{localpart}:{server_name}"))
            .ok()
            .filter(|_| !localpart.is_empty() && !localpart.contains(':'))
            .ok_or_else(|| format!("sender_localpart: {localpart:?} can't be part of a user id"))?;
        let namespace = |key: &str, entries: &[Entry]| {
            let patterns = entries.iter().map(|entry| (entry.regex.as_str(), entry.exclusive));
            Namespace::compile(patterns).map_err(|error| format!("namespaces.{key}: {error}"))
        };
        Ok(Self {
            users: namespace("users", &file.namespaces.users)?,
            aliases: namespace("aliases", &file.namespaces.aliases)?,
            rooms: namespace("rooms", &file.namespaces.rooms)?,
            id: file.id,
            url,
            as_token: file.as_token,
            hs_token: file.hs_token,
            sender,
            is_rate_limited: file.rate_limited,
            protocols: file.protocols,
            receives_ephemeral: file.receive_ephemeral
                || file.push_ephemeral
                || file.unstable_push_ephemeral,
            receives_encryption: file.msc3202,
            manages_devices: file.msc4190,
        })
    }

    /// Whether the service may act for a user.
    #[must_use]
    pub fn acts_for(&self, user_id: &UserId) -> bool {
        self.sender == user_id
            || (user_id.server_name() == self.sender.server_name()
                && self.users.contains(user_id.as_str()))
    }

    /// Whether nobody but the service may have a user id.
    #[must_use]
    pub fn reserves(&self, user_id: &UserId) -> bool {
        self.sender == user_id
            || (user_id.server_name() == self.sender.server_name()
                && self.users.reserves(user_id.as_str()))
    }
}

fn web_address(text: &str) -> Result<Url, String> {
    let invalid = || format!("url: {text:?} is no http:// or https:// address");
    let url = Url::parse(text).map_err(|_| invalid())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(invalid());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("url: {text:?} must have no query and no fragment"));
    }
    Ok(url)
}

/// Checks that registrations don't get in each other's way.
///
/// # Errors
/// When two have the same id or token.
pub fn check_all(registrations: &[(PathBuf, Registration)]) -> Result<(), InvalidRegistration> {
    let mut seen: HashMap<(&str, &str), &Path> = HashMap::new();
    for (path, registration) in registrations {
        let keys = [
            ("id", registration.id.as_str()),
            ("as_token", registration.as_token.as_str()),
            ("sender_localpart", registration.sender.as_str()),
        ];
        for key in keys {
            if let Some(other) = seen.insert(key, path) {
                return Err(InvalidRegistration {
                    path: path.clone(),
                    message: format!("{}: {} has the same one", key.0, other.display()),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ruma::{server_name, user_id};

    use super::*;

    const BRIDGE: &str = r#"
id: telegram
url: http://localhost:29317/bridge
as_token: as-secret
hs_token: hs-secret
sender_localpart: telegrambot
rate_limited: false
namespaces:
  users:
    - regex: '@telegram_.*:pli\.test'
      exclusive: true
    - regex: '@claire|@samir'
      exclusive: false
  aliases: []
  rooms:
protocols: [telegram]
de.sorunome.msc2409.push_ephemeral: true
org.matrix.msc3202: true
some.future.key: {}
"#;

    fn parse(text: &str) -> Result<Registration, String> {
        Registration::parse(text, server_name!("pli.test"))
    }

    #[test]
    fn a_bridges_registration_is_understood_as_it_is() {
        let bridge = parse(BRIDGE).unwrap();
        assert_eq!(bridge.sender, user_id!("@telegrambot:pli.test"));
        assert!(bridge.receives_ephemeral && bridge.receives_encryption);
        assert!(!bridge.is_rate_limited && !bridge.manages_devices);
        assert!(bridge.rooms.is_empty());
        assert!(!format!("{bridge:?}").contains("secret"));
    }

    #[test]
    fn a_service_acts_for_its_users_and_no_others() {
        let bridge = parse(BRIDGE).unwrap();
        assert!(bridge.acts_for(user_id!("@telegram_1:pli.test")));
        assert!(bridge.acts_for(user_id!("@telegrambot:pli.test")));
        assert!(bridge.acts_for(user_id!("@samir:pli.test")));
        assert!(!bridge.users.reserves("@samir:pli.test"));
        // In the middle of an id, or on another server, the pattern means nobody.
        assert!(!bridge.users.contains("a@telegram_1:pli.test"));
        assert!(!bridge.users.contains("x@samir:pli.test"));
        assert!(!bridge.acts_for(user_id!("@samir:other.test")));
    }

    #[test]
    fn a_registration_for_nothing_but_sending_needs_no_url() {
        for url in ["url: null", "url:", "url: ''"] {
            let text = BRIDGE.replace("url: http://localhost:29317/bridge", url);
            assert!(parse(&text).unwrap().url.is_none(), "{url}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, named) in [
            ("id: telegram", "id: ''", "id"),
            ("url: http://localhost:29317/bridge", "", "url"),
            ("url: http", "url: ftp", "url"),
            ("as_token: as-secret", "as_token: ''", "as_token"),
            ("hs_token: hs-secret", "hs_token: 'a b'", "hs_token"),
            ("sender_localpart: telegrambot", "sender_localpart: 'a:b'", "sender_localpart"),
            (r"regex: '@telegram_.*:pli\.test'", "regex: '@tele('", "namespaces.users"),
            (r"regex: '@telegram_.*:pli\.test'", "regex: 'a)|(b'", "namespaces.users"),
            ("      exclusive: true\n", "", "exclusive"),
            ("namespaces:", "names:", "namespaces"),
        ] {
            let error = parse(&BRIDGE.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(named), "{named}: {error}");
        }
    }

    #[test]
    fn two_services_cannot_be_mistaken_for_each_other() {
        let first = (PathBuf::from("first.yaml"), parse(BRIDGE).unwrap());
        let other = BRIDGE.replace("id: telegram", "id: irc").replace("telegrambot", "ircbot");
        let second = (PathBuf::from("second.yaml"), parse(&other).unwrap());
        let error = check_all(&[first.clone(), second]).unwrap_err().to_string();
        assert!(error.contains("second.yaml: as_token: first.yaml"), "{error}");
        let other = other.replace("as-secret", "other-secret");
        check_all(&[first, (PathBuf::from("second.yaml"), parse(&other).unwrap())]).unwrap();
    }
}
