//! Redirect URIs (client-server API, section "Redirect URI validation"): by controlling them, a
//! client proves to be what it says.

use url::{Host, Url};

use super::{ApplicationType, OAuthErrorCode};
use crate::AccountsError;

/// The longest redirect URI, in bytes.
const MAX_LENGTH: usize = 2_000;

/// Whether a client may register a redirect URI.
pub(super) fn check(
    uri: &str,
    application_type: ApplicationType,
    client_host: &str,
) -> Result<(), AccountsError> {
    let refused = |why: &str| {
        Err(AccountsError::oauth(OAuthErrorCode::InvalidRedirectUri, format!("{uri}: {why}")))
    };
    if uri.len() > MAX_LENGTH || uri.chars().any(|character| !character.is_ascii_graphic()) {
        return Err(AccountsError::oauth(
            OAuthErrorCode::InvalidRedirectUri,
            format!("a redirect URI has at most {MAX_LENGTH} ASCII characters"),
        ));
    }
    let Ok(url) = Url::parse(uri) else { return refused("this is not a URI") };
    if url.fragment().is_some() {
        return refused("a redirect URI has no fragment");
    }
    match (url.scheme(), application_type) {
        // Web clients, and native ones that claim an address: below the client's own host.
        ("https", _) => {
            if !url.username().is_empty() || url.password().is_some() {
                return refused("a redirect URI names no user");
            }
            if !url.host_str().is_some_and(|host| is_same_or_below(host, client_host)) {
                return refused("it has to be on the host of client_uri, or on one below it");
            }
            Ok(())
        }
        (_, ApplicationType::Web) => refused("web clients have https redirect URIs"),
        ("http", ApplicationType::Native) => {
            if !is_loopback(&url) {
                return refused("http is for localhost, 127.0.0.1 and [::1] only");
            }
            if url.port().is_some() || !url.username().is_empty() || url.password().is_some() {
                return refused("leave the port out: any will do when somebody signs in");
            }
            Ok(())
        }
        (scheme, ApplicationType::Native) => {
            // Whoever owns the name may use it backwards as a scheme: com.example for example.com.
            let reversed: Vec<&str> = client_host.rsplit('.').collect();
            let reversed = reversed.join(".");
            let is_theirs = scheme == reversed
                || scheme.strip_prefix(&reversed).is_some_and(|rest| rest.starts_with('.'));
            if !is_theirs || !reversed.contains('.') {
                return refused("the scheme has to begin with the host of client_uri backwards");
            }
            if uri[scheme.len()..].starts_with("://") || url.has_host() {
                return refused("there is at most one slash after the scheme, and no host");
            }
            Ok(())
        }
    }
}

/// Whether a request's redirect URI is one that the client registered: the same to the letter; on
/// the loopback interface, with any port.
pub(super) fn matches(registered: &str, given: &str) -> bool {
    if registered == given {
        return true;
    }
    let (Ok(registered), Ok(given)) = (Url::parse(registered), Url::parse(given)) else {
        return false;
    };
    registered.scheme() == "http"
        && given.scheme() == "http"
        && is_loopback(&registered)
        && registered.host() == given.host()
        && given.username().is_empty()
        && given.password().is_none()
        && given.fragment().is_none()
        && registered.path() == given.path()
        && registered.query() == given.query()
}

/// Whether a host is another one or lies below it in the domain name system.
pub(super) fn is_same_or_below(host: &str, parent: &str) -> bool {
    host == parent || host.strip_suffix(parent).is_some_and(|below| below.ends_with('.'))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_apps_redirect_to_their_own_host_only() {
        for good in [
            "https://example.com/callback",
            "https://app.example.com/callback",
            "https://example.com:5173/?query=value",
        ] {
            check(good, ApplicationType::Web, "example.com").unwrap();
            check(good, ApplicationType::Native, "example.com").unwrap();
        }
        for bad in [
            "https://example.com/callback#fragment",
            "http://example.com/callback",
            "http://localhost/",
            "https://app.com/callback",
            "https://badexample.com/",
            "https://user@example.com/",
            "https://example.com.evil.test/",
            "com.example:/callback",
            "javascript:alert(1)",
            "/callback",
            "",
        ] {
            check(bad, ApplicationType::Web, "example.com").unwrap_err();
        }
    }

    #[test]
    fn native_apps_redirect_to_what_only_they_receive() {
        for good in [
            "com.example.app:/callback",
            "com.example:/",
            "com.example:callback",
            "http://localhost/callback",
            "http://127.0.0.1/callback",
            "http://[::1]/callback",
        ] {
            check(good, ApplicationType::Native, "example.com").unwrap();
        }
        for bad in [
            "example:/callback",
            "com.example.app://callback",
            "com.examples:/callback",
            "https://localhost/callback",
            "http://localhost:1234/callback",
            "http://127.0.0.2/callback",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            check(bad, ApplicationType::Native, "example.com").unwrap_err();
        }
    }

    #[test]
    fn any_port_will_do_on_the_loopback_interface_and_nowhere_else() {
        assert!(matches("http://127.0.0.1/", "http://127.0.0.1:4711/"));
        assert!(matches("http://[::1]/a?b=c", "http://[::1]:1/a?b=c"));
        assert!(!matches("http://127.0.0.1/", "http://localhost:4711/"));
        assert!(!matches("http://127.0.0.1/", "http://127.0.0.1:4711/other"));
        assert!(!matches("http://127.0.0.1/", "http://user@127.0.0.1:4711/"));
        assert!(!matches("http://127.0.0.1/", "http://127.0.0.1:4711/#a"));
        assert!(!matches("https://example.com/", "https://example.com:444/"));
        assert!(!matches("https://example.com/a", "https://example.com/a?b"));
    }
}
