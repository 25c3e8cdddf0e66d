use url::Url;

/// Where people go when nobody said where.
const DEFAULT: &str = "/oauth2/account";
/// The pages that ask people to sign in first.
const PAGES: [&str; 5] = [
    "/oauth2/authorize",
    "/oauth2/account",
    "/link",
    // Older clients' way of signing in through a browser.
    "/oauth2/sso",
    // Confirming what an app wants to do.
    "/_matrix/client/v3/auth/m.login.sso/fallback/web",
];

/// Where a browser goes on once somebody is signed in: a page of this server, never another one.
/// An address that leads here must not lead on to a stranger's site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Next(String);

impl Next {
    /// Reads the parameter `next`; anything but a known page's path is the account's page.
    pub(crate) fn parse(text: Option<&str>) -> Self {
        Self::read(text.unwrap_or_default()).unwrap_or_else(|| Self(DEFAULT.to_owned()))
    }

    /// A page with a query.
    pub(super) fn page(path: &str, query: Option<&str>) -> Self {
        Self(match query {
            Some(query) if !query.is_empty() => format!("{path}?{query}"),
            _ => path.to_owned(),
        })
    }

    fn read(text: &str) -> Option<Self> {
        let here = Url::parse("https://here.invalid/").ok()?;
        // Read as browsers do, so that what they take for another host is one here too.
        let url = here.join(text).ok()?;
        let is_known = PAGES.contains(&url.path());
        if !text.starts_with('/') || url.origin() != here.origin() || !is_known {
            return None;
        }
        Some(Self::page(url.path(), url.query()))
    }

    /// The path and the query.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a page that comes before this one.
    pub(crate) fn after(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("next", &self.0).extend_pairs(parameters);
        format!("{path}?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_no_other_site() {
        for text in [
            "https://evil.test/oauth2/account",
            "//evil.test/oauth2/account",
            "/\\evil.test/oauth2/account",
            "\\\\evil.test/oauth2/account",
            "/\t/evil.test/oauth2/account",
            "/oauth2/account/../../elsewhere",
            "/oauth2/../\\evil.test",
            "javascript:alert(1)",
            "/elsewhere",
            "oauth2/account",
            "",
        ] {
            assert_eq!(Next::parse(Some(text)).as_str(), DEFAULT, "{text}");
        }
        for text in [
            "/oauth2/authorize?client_id=a&state=%2F%2Fb",
            "/link?user_code=ABCD-EFGH",
            "/oauth2/account?action=org.matrix.profile",
            "/oauth2/sso?redirectUrl=https%3A%2F%2Fapp.example.com%2F",
        ] {
            assert_eq!(Next::parse(Some(text)).as_str(), text);
        }
    }
}
