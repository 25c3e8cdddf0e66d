//! Who sits before a browser: its cookies, its language, and whether a form was one of ours.

use std::net::IpAddr;

use axum::{
    body::Body,
    extract::{FromRef, FromRequestParts, Request},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use pli_accounts::{
    Language,
    oauth::{BrowserSession, BrowserSessions},
    upstream::Vouched,
};
use pli_store::ambient::Ambient;
use ruma::UserId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    next::Next,
    page::{Page, pick},
    parameters::Parameters,
};
use crate::{
    MatrixError,
    extract::origin::{ClientAddress, PreferredLanguage},
    state::Settings,
};

/// The name of the field that shows that a form is one of this server's.
pub(super) const CSRF: &str = "csrf";

/// A browser that asks for a page or sends a form.
pub(crate) struct Browser {
    /// The language that it prefers.
    pub(super) language: Language,
    /// Where it is.
    pub(super) address: IpAddr,
    /// Who is signed in on it.
    pub(super) session: Option<BrowserSession>,
    sessions: BrowserSessions,
    session_secret: Option<String>,
    csrf_secret: String,
    is_new: bool,
    is_https: bool,
    is_cross_site: bool,
}

impl<S> FromRequestParts<S> for Browser
where
    S: Send + Sync,
    BrowserSessions: FromRef<S>,
    Settings: FromRef<S>,
    Ambient: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Ok(PreferredLanguage(language)) =
            PreferredLanguage::from_request_parts(parts, state).await;
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, state).await;
        let is_https = Settings::from_ref(state).public_url.scheme() == "https";
        let sessions = BrowserSessions::from_ref(state);
        let cookie = |name: Name| read_cookie(&parts.headers, name.text(is_https));
        let session_secret = cookie(Name::Session);
        let session = match &session_secret {
            Some(secret) => match sessions.find(secret).await {
                Ok(session) => session,
                Err(error) => return Err(Page::failed(language, &error).into_response()),
            },
            None => None,
        };
        let known_csrf = cookie(Name::Csrf).filter(|secret| secret.len() == CSRF_LENGTH);
        let is_new = known_csrf.is_none();
        let csrf_secret =
            known_csrf.unwrap_or_else(|| Ambient::from_ref(state).random_string(CSRF_LENGTH));
        // What browsers say themselves of where a request comes from; older ones say nothing.
        let site = parts.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        let is_cross_site = !matches!(site, None | Some(b"same-origin" | b"none"));
        Ok(Self {
            language,
            address,
            session,
            sessions,
            session_secret,
            csrf_secret,
            is_new,
            is_https,
            is_cross_site,
        })
    }
}

/// How many characters the secret behind a browser's forms has.
const CSRF_LENGTH: usize = 32;

#[derive(Clone, Copy)]
enum Name {
    Session,
    Csrf,
}

impl Name {
    /// With the prefix, browsers take such a cookie from this very host only, and over TLS only.
    const fn text(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-pli-session",
            (Self::Session, false) => "pli-session",
            (Self::Csrf, true) => "__Host-pli-csrf",
            (Self::Csrf, false) => "pli-csrf",
        }
    }
}

fn read_cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = texts.flat_map(Cookie::split_parse).flatten();
    cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned())
}

impl Browser {
    /// What the forms on this browser's pages carry. It is worth nothing in another browser, nor in
    /// this one once somebody else is signed in.
    pub(super) fn csrf_token(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.csrf_secret.as_bytes());
        hasher.update(self.session_secret.as_deref().unwrap_or_default().as_bytes());
        URL_SAFE_NO_PAD.encode(hasher.finalize())
    }

    /// Reads a form, if it is one of this browser's pages'.
    pub(super) async fn form(&self, request: Request<Body>) -> Result<Parameters, Page> {
        let unreadable = || {
            let title = pick(self.language, "This did not work", "Cela n’a pas fonctionné");
            let text = pick(
                self.language,
                "The form could not be read. Go back and try again.",
                "Le formulaire n’a pas pu être lu. Revenez en arrière et réessayez.",
            );
            Page::message(self.language, title, text).status(StatusCode::BAD_REQUEST)
        };
        let form = Parameters::of_form(request).await.map_err(|_| unreadable())?;
        let given = form.get(CSRF).unwrap_or_default();
        let is_ours: bool = given.as_bytes().ct_eq(self.csrf_token().as_bytes()).into();
        // A form on somebody else's site must not do anything in this person's name.
        if self.is_new || self.is_cross_site || !is_ours {
            let title = pick(self.language, "Please try again", "Veuillez réessayer");
            let text = pick(
                self.language,
                "This page was open for too long, or came from somewhere else. Nothing was done. Go \
                 back, reload the page and try again.",
                "Cette page est restée ouverte trop longtemps ou venait d’ailleurs. Rien n’a été \
                 fait. Revenez en arrière, rechargez la page et réessayez.",
            );
            return Err(Page::message(self.language, title, text).status(StatusCode::FORBIDDEN));
        }
        Ok(form)
    }

    /// Whoever is signed in; else the way to the page where one signs in, and back to `next`.
    pub(super) fn signed_in(
        &self,
        next: &Next,
        login_hint: Option<&str>,
    ) -> Result<&BrowserSession, Box<Response>> {
        self.session.as_ref().ok_or_else(|| {
            let hint: Vec<_> = login_hint.map(|hint| ("login_hint", hint)).into_iter().collect();
            Box::new(see_other(&next.after(super::login::PATH, &hint)))
        })
    }

    /// Whoever signed in just now; else the way to sign in once more, and back to `next`.
    pub(super) fn signed_in_just_now(&self, next: &Next) -> Result<&BrowserSession, Box<Response>> {
        let hint = match &self.session {
            Some(session) if session.is_fresh => return Ok(session),
            Some(session) => Some(("login_hint", session.user_id.as_str())),
            // A provider where they are signed in already would let them through without a question.
            None => None,
        };
        let parameters: Vec<_> = std::iter::once(("again", "1")).chain(hint).collect();
        Err(Box::new(see_other(&next.after(super::login::PATH, &parameters))))
    }

    /// A secret of this browser, which others don't have.
    pub(super) fn secret(&self) -> &str {
        &self.csrf_secret
    }

    /// Goes to another site, from where people come back: this browser is known then.
    pub(super) fn leave_for(&self, address: &str) -> Response {
        let mut response = see_other(address);
        if self.is_new {
            self.set_cookie(&mut response, Name::Csrf, self.csrf_secret.clone(), None);
        }
        response
    }

    /// Signs somebody in on this browser and goes on.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn sign_in(
        &self,
        user_id: &UserId,
        next: &Next,
    ) -> Result<Response, MatrixError> {
        self.sign_in_from(user_id, None, next).await
    }

    /// The same as [`Self::sign_in`] for somebody who comes from a provider.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn sign_in_from(
        &self,
        user_id: &UserId,
        vouched: Option<Vouched<'_>>,
        next: &Next,
    ) -> Result<Response, MatrixError> {
        let secret = self.sessions.open(user_id, self.session_secret.as_deref(), vouched).await?;
        let lifetime = cookie::time::Duration::try_from(self.sessions.lifetime())
            .unwrap_or(cookie::time::Duration::DAY);
        let mut response = see_other(next.as_str());
        self.set_cookie(&mut response, Name::Session, secret, Some(lifetime));
        Ok(response)
    }

    /// Signs out on this browser and goes on.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn sign_out(&self, next: &Next) -> Result<Response, MatrixError> {
        if let Some(secret) = &self.session_secret {
            self.sessions.end(secret).await?;
        }
        let mut response = see_other(next.as_str());
        let at_once = Some(cookie::time::Duration::ZERO);
        self.set_cookie(&mut response, Name::Session, String::new(), at_once);
        Ok(response)
    }

    /// Sends a page, and with it, the first time, the secret behind the browser's forms.
    pub(super) fn show(&self, page: Page) -> Response {
        let mut response = page.into_response();
        if self.is_new {
            self.set_cookie(&mut response, Name::Csrf, self.csrf_secret.clone(), None);
        }
        response
    }

    fn set_cookie(
        &self,
        response: &mut Response,
        name: Name,
        value: String,
        max_age: Option<cookie::time::Duration>,
    ) {
        let mut cookie = Cookie::build((name.text(self.is_https), value))
            .path("/")
            .http_only(true)
            // Sent when an app leads here, never with somebody else's form.
            .same_site(SameSite::Lax)
            .secure(self.is_https)
            .build();
        cookie.set_max_age(max_age);
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
}

/// On to another page, with a GET, whatever the request was.
pub(super) fn see_other(address: &str) -> Response {
    Redirect::to(address).into_response()
}
