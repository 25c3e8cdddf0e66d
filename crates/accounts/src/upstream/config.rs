use std::path::PathBuf;

use openidconnect::{ClientSecret, IssuerUrl};
use serde::Deserialize;
use url::{Host, Url};

/// A place elsewhere where people can sign in: one `[[upstream]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Written")]
pub struct UpstreamConfig {
    /// What it is called in addresses: lower-case letters, digits, `-` and `_`.
    pub id: String,
    /// What people call it: "ProConnect".
    pub name: String,
    /// Its issuer identifier, written exactly as the provider writes it.
    pub issuer: IssuerUrl,
    /// What the provider knows this server by.
    pub client_id: String,
    /// The secret that goes with it.
    pub client_secret: Option<ClientSecret>,
    /// A file that holds the secret.
    pub client_secret_file: Option<PathBuf>,
    /// How this server shows its secret; the first that the provider takes if absent.
    pub token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// How well people are to prove who they are (`acr_values`), as the provider names it.
    pub acr_values: Vec<String>,
    /// Where the provider says what.
    pub claims: ClaimNames,
    /// Whether the provider vouches for every address that it tells, also without `email_verified`.
    pub email_always_verified: bool,
    /// The domains of addresses with which people can come; those of `[registration]` if absent.
    pub domains: Option<Vec<String>>,
    /// Whether somebody without an account gets one.
    pub sign_up: bool,
    /// Whether somebody who comes with the address of an account that is there already gets it.
    pub link_existing: bool,
    /// Whether the addresses of accounts are the provider's business alone.
    pub email_locked: bool,
    /// Whether a password still opens accounts that are linked.
    pub password_login: bool,
    /// Whether the provider may be on this machine or in its networks, and without TLS there.
    pub allow_private_addresses: bool,
    /// Certificate authorities that are trusted besides the system's, for this provider only (PEM).
    pub extra_ca: Option<PathBuf>,
}

/// How a client shows its secret (OpenID Connect Core, section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenEndpointAuthMethod {
    /// In a header.
    ClientSecretBasic,
    /// In the request's body.
    ClientSecretPost,
}

/// What the provider calls what this server wants to know.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// The e-mail address.
    pub email: String,
    /// Whether the provider checked it.
    pub email_verified: String,
    /// "Claire"
    pub given_name: String,
    /// "Martin"
    pub family_name: String,
    /// "Claire Martin", where the two parts are not told.
    pub name: String,
    /// "Intérieur"; absent: what `[registration.organisations]` says of the address's domain.
    pub organisation: Option<String>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            email: "email".to_owned(),
            email_verified: "email_verified".to_owned(),
            given_name: "given_name".to_owned(),
            family_name: "family_name".to_owned(),
            name: "name".to_owned(),
            organisation: None,
        }
    }
}

/// One `[[upstream]]` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    name: String,
    /// As text: a URL that is parsed gains a slash, and issuers are compared letter by letter.
    issuer: String,
    client_id: String,
    client_secret: Option<ClientSecret>,
    client_secret_file: Option<PathBuf>,
    token_endpoint_auth_method: Option<TokenEndpointAuthMethod>,
    #[serde(default = "default_scopes")]
    scopes: Vec<String>,
    #[serde(default)]
    acr_values: Vec<String>,
    #[serde(default)]
    claims: ClaimNames,
    #[serde(default)]
    email_always_verified: bool,
    domains: Option<Vec<String>>,
    #[serde(default = "yes")]
    sign_up: bool,
    #[serde(default)]
    link_existing: bool,
    #[serde(default = "yes")]
    email_locked: bool,
    #[serde(default = "yes")]
    password_login: bool,
    #[serde(default)]
    allow_private_addresses: bool,
    extra_ca: Option<PathBuf>,
}

fn default_scopes() -> Vec<String> {
    vec!["email".to_owned(), "profile".to_owned()]
}

const fn yes() -> bool {
    true
}

/// The longest id.
const MAX_ID: usize = 32;

impl TryFrom<Written> for UpstreamConfig {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { id, name, issuer, client_id, .. } = &written;
        let is_id = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
        };
        if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(is_id) {
            return Err(format!("id: 1 to {MAX_ID} lower-case letters, digits, - and _"));
        }
        if name.trim().is_empty() {
            return Err("name: say what people call it".to_owned());
        }
        if client_id.is_empty() {
            return Err("client_id: the provider gives it".to_owned());
        }
        if written.client_secret.is_some() && written.client_secret_file.is_some() {
            return Err("client_secret and client_secret_file: only one of them".to_owned());
        }
        if written.domains.as_ref().is_some_and(Vec::is_empty) {
            return Err("domains: name some, or leave it out".to_owned());
        }
        if written.scopes.iter().any(|scope| scope.is_empty() || scope.contains(' ')) {
            return Err("scopes: one word each".to_owned());
        }
        let issuer = IssuerUrl::new(issuer.clone()).map_err(|error| format!("issuer: {error}"))?;
        check_issuer(issuer.url(), written.allow_private_addresses)?;
        Ok(Self {
            issuer,
            id: written.id,
            name: written.name,
            client_id: written.client_id,
            client_secret: written.client_secret,
            client_secret_file: written.client_secret_file,
            token_endpoint_auth_method: written.token_endpoint_auth_method,
            scopes: written.scopes,
            acr_values: written.acr_values,
            claims: written.claims,
            email_always_verified: written.email_always_verified,
            domains: written.domains,
            sign_up: written.sign_up,
            link_existing: written.link_existing,
            email_locked: written.email_locked,
            password_login: written.password_login,
            allow_private_addresses: written.allow_private_addresses,
            extra_ca: written.extra_ca,
        })
    }
}

/// OpenID Connect Discovery, section 4.1: an issuer is an https address without query and fragment.
fn check_issuer(issuer: &Url, allow_private_addresses: bool) -> Result<(), String> {
    let may_be_plain = allow_private_addresses && issuer.scheme() == "http";
    if issuer.scheme() != "https" && !may_be_plain {
        return Err("issuer: an address that begins with https://".to_owned());
    }
    if issuer.query().is_some() || issuer.fragment().is_some() {
        return Err("issuer: an address without ? and #".to_owned());
    }
    match issuer.host() {
        Some(Host::Domain(name)) if !name.is_empty() => Ok(()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Ok(()),
        _ => Err("issuer: an address with a host".to_owned()),
    }
}

impl UpstreamConfig {
    /// Checks what one `[[upstream]]` alone doesn't show; the text names the key.
    ///
    /// # Errors
    /// Says what to write instead.
    pub fn check_all(
        providers: &[Self],
        has_pages: bool,
        has_registration_domains: bool,
    ) -> Result<(), String> {
        for (index, provider) in providers.iter().enumerate() {
            let id = &provider.id;
            let earlier = &providers[..index];
            if earlier.iter().any(|other| other.id == *id) {
                return Err(format!("upstream {id}: id: two providers have it"));
            }
            if earlier.iter().any(|other| other.issuer == provider.issuer) {
                return Err(format!("upstream {id}: issuer: two providers have it"));
            }
            if !has_pages {
                return Err(format!("upstream {id}: needs oauth.enabled = true"));
            }
            if provider.domains.is_none() && !has_registration_domains {
                return Err(format!(
                    "upstream {id}: name the domains of addresses that may come, here (domains) or \
                     in [registration]"
                ));
            }
            provider.secret()?;
            provider.certificates()?;
        }
        Ok(())
    }

    /// The client's secret, read from its file if it is in one.
    ///
    /// # Errors
    /// Names the file that can't be read.
    pub(super) fn secret(&self) -> Result<Option<ClientSecret>, String> {
        let Some(path) = &self.client_secret_file else { return Ok(self.client_secret.clone()) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            format!("upstream {}: client_secret_file: {}: {error}", self.id, path.display())
        })?;
        let secret = text.trim();
        if secret.is_empty() {
            let path = path.display();
            return Err(format!("upstream {}: client_secret_file: {path} is empty", self.id));
        }
        Ok(Some(ClientSecret::new(secret.to_owned())))
    }

    /// The certificate authorities that are trusted besides the system's.
    ///
    /// # Errors
    /// Names the file that can't be read.
    pub(super) fn certificates(&self) -> Result<Option<Vec<u8>>, String> {
        let Some(path) = &self.extra_ca else { return Ok(None) };
        let pem = std::fs::read(path).map_err(|error| {
            format!("upstream {}: extra_ca: {}: {error}", self.id, path.display())
        })?;
        Ok(Some(pem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "id = 'agents'\nname = 'A'\nissuer = 'https://a.example/realms/x'\nclient_id = 'pli'\n";

    fn parse(text: &str) -> Result<UpstreamConfig, toml::de::Error> {
        toml::from_str(text)
    }

    /// What is wrong is said when the configuration is checked, not when people want to sign in.
    #[test]
    fn a_mistake_in_a_provider_names_the_key() {
        assert_eq!(parse(GOOD).unwrap().issuer.as_str(), "https://a.example/realms/x");
        for (from, to, key) in [
            ("'agents'", "'Agents'", "id"),
            ("'agents'", "'a/b'", "id"),
            ("'A'", "' '", "name"),
            ("https:", "http:", "issuer"),
            ("/realms/x", "/?x", "issuer"),
            ("https://a.example", "ldap://a.example", "issuer"),
            ("'pli'", "''", "client_id"),
            ("'pli'\n", "'pli'\nscopes = ['email profile']\n", "scopes"),
            ("'pli'\n", "'pli'\ndomains = []\n", "domains"),
            ("'pli'\n", "'pli'\nclient_secret = 'a'\nclient_secret_file = 'b'\n", "client_secret"),
            ("'pli'\n", "'pli'\nclaims.emial = 'mail'\n", "emial"),
            ("'pli'\n", "'pli'\nsignup = true\n", "signup"),
        ] {
            let error = parse(&GOOD.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(key), "{to}: {error}");
        }
        parse(
            &GOOD
                .replace("https:", "http:")
                .replace("'pli'\n", "'pli'\nallow_private_addresses = true\n"),
        )
        .unwrap();
    }

    #[test]
    fn providers_do_not_get_in_each_others_way() {
        let one = parse(GOOD).unwrap();
        let mut other = parse(&GOOD.replace("a.example", "b.example")).unwrap();
        let check = |providers: &[UpstreamConfig], pages, domains| {
            UpstreamConfig::check_all(providers, pages, domains).unwrap_err()
        };
        assert!(check(&[one.clone(), other.clone()], true, true).contains("agents: id"));
        other.id = "others".to_owned();
        UpstreamConfig::check_all(&[one.clone(), other], true, true).unwrap();
        let mut again = one.clone();
        again.id = "again".to_owned();
        assert!(check(&[one.clone(), again], true, true).contains("again: issuer"));
        assert!(check(std::slice::from_ref(&one), false, true).contains("oauth.enabled"));
        assert!(check(std::slice::from_ref(&one), true, false).contains("domains"));
        let mut without_file = one;
        without_file.client_secret_file = Some(PathBuf::from("/nowhere/secret"));
        assert!(check(&[without_file], true, true).contains("/nowhere/secret"));
    }

    #[test]
    fn secrets_are_in_no_log() {
        let provider = parse(&format!("{GOOD}client_secret = 'between us'\n")).unwrap();
        assert!(!format!("{provider:?}").contains("between us"));
    }
}
