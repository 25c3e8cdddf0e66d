use serde_json::{Map, Value};

use super::{ClaimNames, UpstreamConfig, UpstreamProblem};
use crate::{RegistrationConfig, accounts::Email, naming};

/// The longest `sub`, `sid` or `jti` in bytes: OpenID Connect Core, section 2, allows a `sub` 255.
pub(super) const MAX_ID: usize = 255;
/// The longest part of a name, in characters.
const MAX_PART: usize = 80;

/// Whom a provider vouches for.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) subject: String,
    pub(super) sid: Option<String>,
    /// When they proved who they are, if the provider says so.
    pub(super) authenticated_ms: Option<u64>,
    /// The address, checked by the provider and of a domain that may come; else why there is none.
    pub(super) email: Result<Email, UpstreamProblem>,
    pub(super) display_name: Option<String>,
}

impl Identity {
    /// Reads what a provider says of somebody.
    ///
    /// # Errors
    /// [`UpstreamProblem::Misbehaved`] without a usable `sub`.
    pub(super) fn read(
        claims: &Map<String, Value>,
        provider: &UpstreamConfig,
        registration: &RegistrationConfig,
    ) -> Result<Self, UpstreamProblem> {
        let id = |name: &str| {
            let text = claims.get(name).and_then(Value::as_str);
            text.filter(|text| !text.is_empty() && text.len() <= MAX_ID).map(str::to_owned)
        };
        let subject = id("sub")
            .ok_or_else(|| UpstreamProblem::Misbehaved("sub is missing or too long".to_owned()))?;
        let email = email(claims, provider, registration);
        let display_name =
            display_name(claims, &provider.claims, email.as_ref().ok(), registration);
        let seconds = claims.get("auth_time").and_then(Value::as_u64);
        let authenticated_ms = seconds.map(|seconds| seconds.saturating_mul(1_000));
        Ok(Self { subject, sid: id("sid"), authenticated_ms, email, display_name })
    }
}

/// Adds what the userinfo endpoint says to the claims of the ID token.
pub(super) fn join(
    claims: &mut Map<String, Value>,
    user_info: Map<String, Value>,
    names: &ClaimNames,
) {
    // An address was checked by whoever tells it: of the ID token's address, the ID token says so.
    if user_info.contains_key(&names.email) {
        claims.remove(&names.email_verified);
    }
    // About the person, not about the token.
    let about_token = ["iss", "sub", "aud", "exp", "iat", "nonce", "sid", "auth_time"];
    claims.extend(user_info.into_iter().filter(|(name, _)| !about_token.contains(&&**name)));
}

fn email(
    claims: &Map<String, Value>,
    provider: &UpstreamConfig,
    registration: &RegistrationConfig,
) -> Result<Email, UpstreamProblem> {
    let names = &provider.claims;
    let text = text(claims, &names.email).ok_or(UpstreamProblem::EmailMissing)?;
    let email = Email::parse(text).map_err(|_| UpstreamProblem::EmailMissing)?;
    let is_verified = match claims.get(&names.email_verified) {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(verified)) => verified == "true",
        // Who says that an address isn't checked is believed.
        Some(_) => false,
        None => provider.email_always_verified,
    };
    if !is_verified {
        return Err(UpstreamProblem::EmailUnverified(email.as_str().to_owned()));
    }
    let domains = provider.domains.as_ref().unwrap_or(&registration.domains);
    if !domains.iter().any(|domain| domain == "*" || domain.eq_ignore_ascii_case(email.domain())) {
        return Err(UpstreamProblem::EmailDenied(email.as_str().to_owned()));
    }
    Ok(email)
}

/// "Claire Martin [Intérieur]", as far as the provider says so.
fn display_name(
    claims: &Map<String, Value>,
    names: &ClaimNames,
    email: Option<&Email>,
    registration: &RegistrationConfig,
) -> Option<String> {
    let part = |name: &str| text(claims, name).map(tidy).filter(|part| !part.is_empty());
    let name = match (part(&names.given_name), part(&names.family_name)) {
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (given, family) => part(&names.name).or(given).or(family),
    }?;
    let organisation = names.organisation.as_deref().and_then(part);
    let organisation =
        organisation.or_else(|| email.map(|email| naming::organisation(email, registration)));
    Some(match organisation {
        Some(organisation) => format!("{name} [{organisation}]"),
        None => name,
    })
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// On one line, without what would make a name look like something else, and not for ever.
fn tidy(part: &str) -> String {
    let words = part.split(|character: char| character.is_whitespace() || character.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let is_shown = |character: &char| !matches!(character, '[' | ']' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}');
    words.join(" ").chars().filter(is_shown).take(MAX_PART).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider(lines: &str) -> UpstreamConfig {
        let text = format!(
            "id = 'a'\nname = 'A'\nissuer = 'https://a.example'\nclient_id = 'pli'\n{lines}"
        );
        toml::from_str(&text).unwrap()
    }

    fn read(claims: &Value, lines: &str) -> Identity {
        let mut registration = RegistrationConfig {
            domains: vec!["interieur.example".to_owned()],
            ..RegistrationConfig::default()
        };
        let organisation = "Intérieur".to_owned();
        registration.organisations.insert("interieur.example".to_owned(), organisation);
        Identity::read(claims.as_object().unwrap(), &provider(lines), &registration).unwrap()
    }

    #[test]
    fn people_are_called_as_their_organisation_calls_them() {
        let claims = json!({
            "sub": "1",
            "email": "c.martin@interieur.example",
            "email_verified": true,
            "given_name": "  Claire\n",
            "family_name": "Martin [Justice]",
            "usual_name": "Martin",
            "name": "Madame Martin",
            "service": "DGPN",
        });
        let name = |lines: &str| read(&claims, lines).display_name.unwrap();
        assert_eq!(name("claims.family_name = 'usual_name'"), "Claire Martin [Intérieur]");
        // Nobody puts themselves into another organisation by their family name.
        assert_eq!(name(""), "Claire Martin Justice [Intérieur]");
        let lines = "claims.family_name = 'absent'\nclaims.organisation = 'service'";
        assert_eq!(name(lines), "Madame Martin [DGPN]");
        assert_eq!(read(&json!({ "sub": "1" }), "").display_name, None);
    }

    /// Somebody could take an address that nobody checked by one that was.
    #[test]
    fn an_address_is_checked_only_by_who_tells_it() {
        let joined = |user_info: Value| {
            let token = json!({
                "sub": "1",
                "auth_time": 1,
                "email": "claire@interieur.example",
                "email_verified": true,
            });
            let (Value::Object(mut claims), Value::Object(told)) = (token, user_info) else {
                panic!("no claims");
            };
            join(&mut claims, told, &ClaimNames::default());
            Value::Object(claims)
        };
        let other = "samir@interieur.example";
        let unsaid = read(&joined(json!({ "sub": "1", "email": other })), "");
        let unverified = UpstreamProblem::EmailUnverified(other.to_owned());
        assert_eq!(unsaid.email.unwrap_err(), unverified);
        let said = json!({ "sub": "1", "email": other, "email_verified": true });
        assert_eq!(read(&joined(said), "").email.unwrap().as_str(), other);
        // Without an address there, the ID token's stands, and nothing there is about the token.
        let kept = read(&joined(json!({ "sub": "2", "auth_time": 9, "name": "Claire" })), "");
        assert_eq!(kept.email.unwrap().as_str(), "claire@interieur.example");
        assert_eq!((kept.subject.as_str(), kept.authenticated_ms), ("1", Some(1_000)));
    }

    #[test]
    fn only_checked_addresses_of_the_right_domains_count() {
        let email = |verified: Value, address: &str, lines: &str| {
            let mut claims = json!({ "sub": "1", "email": address });
            if !verified.is_null() {
                claims["email_verified"] = verified;
            }
            read(&claims, lines).email.map(|email| email.as_str().to_owned())
        };
        let good = "claire@interieur.example";
        assert_eq!(email(json!(true), "Claire@Interieur.example", "").unwrap(), good);
        assert_eq!(email(json!("true"), good, "").unwrap(), good);
        let unverified = UpstreamProblem::EmailUnverified(good.to_owned());
        assert_eq!(email(json!(null), good, "").unwrap_err(), unverified);
        assert_eq!(email(json!(null), good, "email_always_verified = true").unwrap(), good);
        let says_no = email(json!(false), good, "email_always_verified = true");
        assert_eq!(says_no.unwrap_err(), unverified);
        let elsewhere = "claire@elsewhere.example";
        let denied = UpstreamProblem::EmailDenied(elsewhere.to_owned());
        assert_eq!(email(json!(true), elsewhere, "").unwrap_err(), denied);
        assert_eq!(email(json!(true), elsewhere, "domains = ['*']").unwrap(), elsewhere);
        let other = email(json!(true), good, "domains = ['elsewhere.example']");
        assert_eq!(other.unwrap_err(), UpstreamProblem::EmailDenied(good.to_owned()));
        assert_eq!(email(json!(true), "nobody", "").unwrap_err(), UpstreamProblem::EmailMissing);
    }
}
