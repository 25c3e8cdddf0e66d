//! `GET` and `POST /oauth2/sso`: somebody who is signed in lets a site or an app in that knows no
//! OAuth 2.0 ([specification](https://spec.matrix.org/v1.19/client-server-api/#client-login-via-sso)).
//!
//! The site gets a login token, which signs it in once, soon. So the person sees where it goes.

use axum::{
    body::Body,
    extract::{RawQuery, Request, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use maud::html;
use pli_accounts::{AccountsError, Language, Login, oauth::BrowserSession};
use url::{Origin, Url};

use super::{
    authorize::{consequences, signed_in_as},
    browser::Browser,
    next::Next,
    page::{Page, decision, pick},
    parameters::Parameters,
};
use crate::{MatrixError, state::Settings};

pub(super) const PATH: &str = "/oauth2/sso";

/// What an address must not begin with: a browser would run it, or look at files.
const FORBIDDEN_SCHEMES: [&str; 7] =
    ["javascript", "data", "vbscript", "file", "about", "blob", "filesystem"];
/// The longest address, in bytes.
const MAX_ADDRESS: usize = 4_096;

/// Where a site wants to be told the login token.
pub(crate) struct Site(Url);

impl Site {
    /// Reads `redirectUrl`.
    ///
    /// # Errors
    /// `M_INVALID_PARAM` for what isn't the address of a site or an app.
    pub(crate) fn read(text: &str) -> Result<Self, MatrixError> {
        let invalid = || MatrixError::invalid_param("redirectUrl: the address of a site or an app");
        let url = Url::parse(text).map_err(|_| invalid())?;
        let is_page = matches!(url.scheme(), "http" | "https");
        let is_forbidden = FORBIDDEN_SCHEMES.contains(&url.scheme())
            || text.len() > MAX_ADDRESS
            || (is_page && !url.has_host())
            || !url.username().is_empty()
            || url.password().is_some();
        if is_forbidden { Err(invalid()) } else { Ok(Self(url)) }
    }

    /// The page that asks whether to let it in.
    pub(crate) fn consent_page(&self) -> Next {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("redirectUrl", self.0.as_str());
        Next::page(PATH, Some(&query.finish()))
    }

    /// Whether the operator, or this server itself, vouches for it.
    fn is_trusted(&self, settings: &Settings) -> bool {
        let trusted = settings.oauth.trusted_sites.iter().chain([&settings.public_url]);
        trusted.into_iter().any(|trusted| match trusted.origin() {
            origin @ Origin::Tuple(..) => origin == self.0.origin(),
            // An app is known by its scheme.
            Origin::Opaque(_) => trusted.scheme() == self.0.scheme(),
        })
    }

    /// What people know it by: its host, or an app's scheme.
    fn name(&self) -> String {
        match (self.0.host_str(), self.0.port()) {
            (Some(host), Some(port)) if self.is_page() => format!("{host}:{port}"),
            (Some(host), None) if self.is_page() => host.to_owned(),
            _ => format!("{}:", self.0.scheme()),
        }
    }

    fn is_page(&self) -> bool {
        matches!(self.0.scheme(), "http" | "https")
    }

    fn with_token(&self, login_token: &str) -> Url {
        let mut url = self.0.clone();
        url.query_pairs_mut().append_pair("loginToken", login_token);
        url
    }
}

pub(super) async fn show(
    State(login): State<Login>,
    State(settings): State<Settings>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let site = match site_of(&browser, query.as_deref()) {
        Ok(site) => site,
        Err(page) => return browser.show(page),
    };
    let next = site.consent_page();
    let session = match browser.signed_in(&next, None) {
        Ok(session) => session,
        Err(sign_in) => return *sign_in,
    };
    if site.is_trusted(&settings) {
        return let_in(&browser, &login, session, &site).await;
    }
    browser.show(question(&browser, &site, session.user_id.as_str(), &next))
}

pub(super) async fn decide(
    State(login): State<Login>,
    browser: Browser,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Response {
    let site = match site_of(&browser, query.as_deref()) {
        Ok(site) => site,
        Err(page) => return browser.show(page),
    };
    let session = match browser.signed_in(&site.consent_page(), None) {
        Ok(session) => session,
        Err(sign_in) => return *sign_in,
    };
    let form = match browser.form(request).await {
        Ok(form) => form,
        Err(page) => return browser.show(page),
    };
    if form.get("decision") == Some("allow") {
        return let_in(&browser, &login, session, &site).await;
    }
    let language = browser.language;
    browser.show(Page::message(
        language,
        pick(language, "Nobody was let in", "Personne n’a été admis"),
        pick(
            language,
            "Nothing has changed. You can close this page.",
            "Rien n’a changé. Vous pouvez fermer cette page.",
        ),
    ))
}

/// Sends the browser back with a login token. The session that comes of it ends with the one at a
/// provider with which the person came.
async fn let_in(
    browser: &Browser,
    login: &Login,
    session: &BrowserSession,
    site: &Site,
) -> Response {
    match login.issue_token(&session.user_id, session.origin.as_ref()).await {
        Ok((login_token, _)) => {
            let mut response = browser.leave_for(site.with_token(&login_token).as_str());
            // The address holds a secret.
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response
        }
        Err(error) => browser.show(Page::failed(browser.language, &error)),
    }
}

fn site_of(browser: &Browser, query: Option<&str>) -> Result<Site, Page> {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    Site::read(parameters.get("redirectUrl").unwrap_or_default()).map_err(|_| {
        let error = AccountsError::invalid_param("redirectUrl: the address of a site or an app");
        Page::failed(browser.language, &error).status(StatusCode::BAD_REQUEST)
    })
}

fn question(browser: &Browser, site: &Site, user_id: &str, next: &Next) -> Page {
    let language = browser.language;
    let name = site.name();
    let title = match language {
        Language::English => format!("Sign in to {name}?"),
        Language::French => format!("Vous connecter à {name} ?"),
    };
    let body = html! {
        p {
            (pick(
                language,
                "You are about to let this site or app into your account:",
                "Vous allez laisser ce site ou cette application entrer dans votre compte :",
            ))
        }
        p { strong { (name) } }
        (consequences(language))
        (decision(browser))
        (signed_in_as(browser, user_id, next))
    };
    Page::new(language, title, body).leads_to(&site.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_token_goes_to_sites_and_apps_only() {
        for (text, name, with_token) in [
            (
                "https://app.example.com/#/x",
                "app.example.com",
                "https://app.example.com/?loginToken=T#/x",
            ),
            (
                "http://localhost:8080/?a=b",
                "localhost:8080",
                "http://localhost:8080/?a=b&loginToken=T",
            ),
            (
                "com.example.app:/callback",
                "com.example.app:",
                "com.example.app:/callback?loginToken=T",
            ),
            ("element://vector/webapp/", "element:", "element://vector/webapp/?loginToken=T"),
        ] {
            let site = Site::read(text).ok().unwrap();
            assert_eq!((site.name().as_str(), site.with_token("T").as_str()), (name, with_token));
        }
        for text in [
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://user:secret@app.example.com/",
            "//app.example.com",
            "/elsewhere",
            "",
        ] {
            assert!(Site::read(text).is_err(), "{text}");
        }
    }
}
