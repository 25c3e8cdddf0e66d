//! What a client says of itself (client-server API, section "Client metadata"; RFC 7591).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use super::{OAuthErrorCode, redirects};
use crate::{AccountsError, Language};

/// The authorisation code grant.
pub const AUTHORIZATION_CODE: &str = "authorization_code";
/// The refresh token grant.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// The device authorisation grant.
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

const GRANT_TYPES: [&str; 3] = [AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE];
const RESPONSE_TYPES: [&str; 1] = ["code"];

/// How many redirect URIs a client can have.
const MAX_REDIRECT_URIS: usize = 32;
/// The longest name of a client, in characters.
const MAX_NAME: usize = 100;
/// The longest address, in bytes.
const MAX_URI: usize = 2_000;

/// What kind of program a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationType {
    /// It runs in a browser.
    Web,
    /// It is installed on a device.
    Native,
}

/// What a client says of itself, checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMetadata {
    /// The page that tells more about it.
    pub client_uri: String,
    /// Its name.
    pub client_name: Option<String>,
    /// Its name by language tag.
    pub localized_names: BTreeMap<String, String>,
    /// Its logo, which Pli shows nowhere: that would tell its host who signs in.
    pub logo_uri: Option<String>,
    /// Its terms of service.
    pub tos_uri: Option<String>,
    /// Its privacy policy.
    pub policy_uri: Option<String>,
    /// Where browsers may be sent with a code.
    pub redirect_uris: Vec<String>,
    /// What kind of program it is.
    pub application_type: ApplicationType,
    /// The grants that it uses, of those that are known here.
    pub grant_types: Vec<String>,
    /// The responses that it uses, of those that are known here.
    pub response_types: Vec<String>,
}

impl ClientMetadata {
    /// Checks what a client says of itself. Fields and values that are not known are left out.
    ///
    /// # Errors
    /// `invalid_client_metadata` or `invalid_redirect_uri`.
    pub fn from_json(fields: &Map<String, Value>) -> Result<Self, AccountsError> {
        let client_uri = text(fields, "client_uri")?
            .ok_or_else(|| invalid("client_uri is missing: name a page about the client"))?;
        let client_host = check_uri("client_uri", client_uri)?;
        let related = |name: &'static str| -> Result<Option<String>, AccountsError> {
            let Some(uri) = text(fields, name)? else { return Ok(None) };
            // All other addresses are on the client's host, or on one below it.
            if !redirects::is_same_or_below(&check_uri(name, uri)?, &client_host) {
                return Err(invalid(format!("{name} has to be on the host of client_uri")));
            }
            Ok(Some(uri.to_owned()))
        };
        let (logo_uri, tos_uri, policy_uri) =
            (related("logo_uri")?, related("tos_uri")?, related("policy_uri")?);

        let application_type = match text(fields, "application_type")? {
            None | Some("web") => ApplicationType::Web,
            Some("native") => ApplicationType::Native,
            Some(_) => return Err(invalid("application_type is web or native")),
        };
        // Public clients only: what is installed everywhere keeps no secret.
        if !matches!(text(fields, "token_endpoint_auth_method")?, None | Some("none")) {
            return Err(invalid("token_endpoint_auth_method has to be none"));
        }
        let grant_types = known(fields, "grant_types", &GRANT_TYPES, AUTHORIZATION_CODE)?;
        let response_types = known(fields, "response_types", &RESPONSE_TYPES, "code")?;
        let redirect_uris = list(fields, "redirect_uris")?.unwrap_or_default();
        let redirect_uris: Vec<String> = redirect_uris.into_iter().map(str::to_owned).collect();
        if redirect_uris.len() > MAX_REDIRECT_URIS {
            return Err(invalid(format!("there can be at most {MAX_REDIRECT_URIS} redirect_uris")));
        }
        let needs_redirect = grant_types.iter().any(|grant| grant == AUTHORIZATION_CODE);
        if needs_redirect && redirect_uris.is_empty() {
            return Err(AccountsError::oauth(
                OAuthErrorCode::InvalidRedirectUri,
                "redirect_uris is missing: the authorisation code grant needs one",
            ));
        }
        for uri in &redirect_uris {
            redirects::check(uri, application_type, &client_host)?;
        }
        let client_name = text(fields, "client_name")?.map(str::to_owned);
        let localized_names = localized_names(fields)?;
        for name in client_name.iter().chain(localized_names.values()) {
            if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
                return Err(invalid(format!("client_name has at most {MAX_NAME} characters")));
            }
        }
        Ok(Self {
            client_uri: client_uri.to_owned(),
            client_name,
            localized_names,
            logo_uri,
            tos_uri,
            policy_uri,
            redirect_uris,
            application_type,
            grant_types,
            response_types,
        })
    }

    /// The metadata as it is registered, for the answer to the client.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| {
            if !value.is_null() {
                fields.insert(name.to_owned(), value);
            }
        };
        put("client_uri", json!(self.client_uri));
        put("client_name", json!(self.client_name));
        for (tag, name) in &self.localized_names {
            put(&format!("client_name#{tag}"), json!(name));
        }
        put("logo_uri", json!(self.logo_uri));
        put("tos_uri", json!(self.tos_uri));
        put("policy_uri", json!(self.policy_uri));
        put("redirect_uris", json!(self.redirect_uris));
        put("application_type", json!(self.application_type));
        put("grant_types", json!(self.grant_types));
        put("response_types", json!(self.response_types));
        put("token_endpoint_auth_method", json!("none"));
        fields
    }

    /// The client's name in a language; its host if it has none.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        let is_language = |tag: &str| {
            tag.split('-').next().is_some_and(|tag| tag.eq_ignore_ascii_case(language.tag()))
        };
        let localized =
            self.localized_names.iter().find_map(|(tag, name)| is_language(tag).then_some(name));
        let name = localized.or(self.client_name.as_ref()).map(|name| name.trim());
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| self.host())
    }

    /// The host of the client's page: what vouches for it.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.client_uri.strip_prefix("https://").unwrap_or(&self.client_uri);
        rest.split(['/', '?', '#']).next().unwrap_or(rest)
    }

    /// Whether it registered for a kind of grant.
    #[must_use]
    pub fn uses(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|registered| registered == grant_type)
    }

    /// Whether browsers may be sent to this address with a code.
    #[must_use]
    pub fn has_redirect_uri(&self, given: &str) -> bool {
        self.redirect_uris.iter().any(|registered| redirects::matches(registered, given))
    }
}

/// Names in the languages that Pli's pages speak.
fn localized_names(fields: &Map<String, Value>) -> Result<BTreeMap<String, String>, AccountsError> {
    let mut names = BTreeMap::new();
    for (field, value) in fields {
        let Some(tag) = field.strip_prefix("client_name#") else { continue };
        let language = tag.split('-').next().unwrap_or_default();
        if !matches!(language, "en" | "fr") || tag.len() > 16 {
            continue;
        }
        let name = value.as_str().ok_or_else(|| invalid(format!("{field} has to be a text")))?;
        names.insert(tag.to_owned(), name.to_owned());
    }
    Ok(names)
}

fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> AccountsError {
    AccountsError::oauth(OAuthErrorCode::InvalidClientMetadata, description)
}

fn text<'a>(
    fields: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, AccountsError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("{name} has to be a text"))),
    }
}

fn list<'a>(
    fields: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<Vec<&'a str>>, AccountsError> {
    let wrong = || invalid(format!("{name} has to be a list of texts"));
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => {
            let texts = values.iter().map(|value| value.as_str().ok_or_else(wrong));
            texts.collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

/// The values of a list that are known here; `default` if there is no list (RFC 7591, section 2).
fn known(
    fields: &Map<String, Value>,
    name: &'static str,
    values: &[&str],
    default: &str,
) -> Result<Vec<String>, AccountsError> {
    let given = list(fields, name)?.unwrap_or_else(|| vec![default]);
    let known = values.iter().filter(|value| given.contains(value));
    Ok(known.map(|value| (*value).to_owned()).collect())
}

/// Checks an address of the client's and returns its host.
fn check_uri(name: &'static str, uri: &str) -> Result<String, AccountsError> {
    if uri.len() > MAX_URI {
        return Err(invalid(format!("{name} can have at most {MAX_URI} bytes")));
    }
    let url = Url::parse(uri).map_err(|error| invalid(format!("{name}: {error}")))?;
    if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid(format!("{name} has to be an https address without a user")));
    }
    url.host_str()
        .map(str::to_owned)
        .ok_or_else(|| invalid(format!("{name} has to be an https address with a host")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: Value) -> Result<ClientMetadata, AccountsError> {
        ClientMetadata::from_json(value.as_object().unwrap())
    }

    #[test]
    fn what_is_not_known_is_left_out_and_the_rest_comes_back() {
        let metadata = parse(json!({
            "client_name": "My App",
            "client_name#fr": "Mon application",
            "client_name#de": "Meine App",
            "client_uri": "https://example.com/",
            "redirect_uris": ["https://app.example.com/callback"],
            "grant_types": ["authorization_code", "refresh_token", "token-exchange"],
            "token_endpoint_auth_method": "none",
            "contacts": ["a@example.com"],
        }))
        .unwrap();
        assert_eq!(metadata.name(Language::French), "Mon application");
        assert_eq!(metadata.name(Language::English), "My App");
        let json = metadata.to_json();
        assert_eq!(json["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(json["application_type"], "web");
        assert!(!json.contains_key("contacts") && !json.contains_key("client_name#de"));
    }

    #[test]
    fn an_app_without_a_name_is_called_by_its_host() {
        let metadata = parse(json!({
            "client_uri": "https://example.com/about?x",
            "redirect_uris": ["https://example.com/callback"],
        }))
        .unwrap();
        assert_eq!(metadata.name(Language::English), "example.com");
    }

    #[test]
    fn an_app_cannot_pass_for_somebody_else() {
        let good = json!({
            "client_uri": "https://example.com/",
            "redirect_uris": ["https://example.com/callback"],
        });
        parse(good.clone()).unwrap();
        for (field, value) in [
            ("client_uri", json!(null)),
            ("client_uri", json!("http://example.com/")),
            ("client_uri", json!("https://user:x@example.com/")),
            ("client_uri", json!(7)),
            ("tos_uri", json!("https://other.test/")),
            ("policy_uri", json!("http://example.com/")),
            ("logo_uri", json!("data:image/png,x")),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!("https://example.com/callback")),
            ("redirect_uris", json!(["https://other.test/"])),
            ("application_type", json!("toaster")),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("client_name", json!("x".repeat(101))),
            ("client_name", json!("a\u{0}b")),
            ("grant_types", json!("authorization_code")),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            parse(bad).unwrap_err();
        }
    }
}
