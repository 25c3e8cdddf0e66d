//! `GET` and `POST /link`: somebody types the code that an app shows, and lets it in
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#device-authorisation-flow)).

use axum::{
    body::Body,
    extract::{RawQuery, Request, State},
    response::Response,
};
use http::StatusCode;
use maud::html;
use pli_accounts::oauth::{Grants, PendingDevice};

use super::{
    authorize::{about, consequences, signed_in_as},
    browser::Browser,
    next::Next,
    page::{Page, csrf, pick, problem},
    parameters::Parameters,
    words,
};
use crate::layer::rate_limit::RateLimiter;

pub(super) const PATH: &str = "/link";

/// Asks for the code; with a code, asks whether to let the app in.
pub(super) async fn show(
    State(grants): State<Grants>,
    State(limiter): State<RateLimiter>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let next = Next::page(PATH, query.as_deref());
    let session = match browser.signed_in(&next, None) {
        Ok(session) => session,
        Err(sign_in) => return *sign_in,
    };
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    let Some(typed) = parameters.get("user_code") else {
        return browser.show(code_page(&browser, "", None));
    };
    // Guesses are counted by account; here also by place, so that many accounts don't help.
    if limiter.sign_in_from(browser.address).is_err() {
        let text = too_many(&browser);
        let page = code_page(&browser, typed, Some(text));
        return browser.show(page.status(StatusCode::TOO_MANY_REQUESTS));
    }
    match grants.pending_device(&session.user_id, typed).await {
        Ok(pending) => {
            let user_id = session.user_id.as_str();
            browser.show(question(&browser, &pending, typed, user_id, &next))
        }
        Err(error) => {
            let text = words::problem(browser.language, &error);
            let page = code_page(&browser, typed, Some(&text));
            browser.show(page.status(words::status(&error)))
        }
    }
}

/// Yes or no.
pub(super) async fn decide(
    State(grants): State<Grants>,
    State(limiter): State<RateLimiter>,
    browser: Browser,
    request: Request<Body>,
) -> Response {
    let session = match browser.signed_in(&Next::page(PATH, None), None) {
        Ok(session) => session,
        Err(sign_in) => return *sign_in,
    };
    let form = match browser.form(request).await {
        Ok(form) => form,
        Err(page) => return browser.show(page),
    };
    let typed = form.get("user_code").unwrap_or_default();
    if limiter.sign_in_from(browser.address).is_err() {
        let page = code_page(&browser, typed, Some(too_many(&browser)));
        return browser.show(page.status(StatusCode::TOO_MANY_REQUESTS));
    }
    let allow = form.get("decision") == Some("allow");
    let language = browser.language;
    match grants.decide_device(session, typed, allow).await {
        Ok(()) if allow => browser.show(Page::message(
            language,
            pick(language, "The app is signed in", "L’application est connectée"),
            pick(
                language,
                "Go back to it: it goes on by itself. You can close this page.",
                "Revenez-y : la suite s’y affiche. Vous pouvez fermer cette page.",
            ),
        )),
        Ok(()) => browser.show(Page::message(
            language,
            pick(language, "The app was not let in", "L’application n’a pas été admise"),
            pick(
                language,
                "Nothing has changed. You can close this page.",
                "Rien n’a changé. Vous pouvez fermer cette page.",
            ),
        )),
        Err(error) => {
            let text = words::problem(language, &error);
            let page = code_page(&browser, typed, Some(&text));
            browser.show(page.status(words::status(&error)))
        }
    }
}

fn too_many(browser: &Browser) -> &'static str {
    pick(
        browser.language,
        "Too many attempts. Wait a while and try again.",
        "Trop d’essais. Patientez un moment puis réessayez.",
    )
}

fn code_page(browser: &Browser, typed: &str, what_is_wrong: Option<&str>) -> Page {
    let language = browser.language;
    let typed: String = typed.chars().take(16).collect();
    let body = html! {
        (problem(what_is_wrong))
        form method="get" action=(PATH) {
            label for="user_code" {
                (pick(language, "The code that the app shows", "Le code affiché par l’application"))
            }
            input.code #user_code name="user_code" type="text" autocomplete="off"
                autocapitalize="characters" spellcheck="false" required value=(typed);
            div.row { button { (pick(language, "Continue", "Continuer")) } }
        }
    };
    Page::new(language, pick(language, "Sign in an app", "Connecter une application"), body)
}

fn question(
    browser: &Browser,
    pending: &PendingDevice,
    typed: &str,
    user_id: &str,
    next: &Next,
) -> Page {
    let language = browser.language;
    let body = html! {
        (about(language, &pending.client))
        // Who gets somebody to type a code gets into their account (RFC 8628, section 5.4).
        p.problem {
            (pick(
                language,
                "Continue only if you started this yourself, on a device of yours, just now. \
                 Somebody who sent you a link or a code wants to get into your account.",
                "Ne continuez que si vous avez lancé cela vous-même, sur un de vos appareils, à \
                 l’instant. Quiconque vous a envoyé un lien ou un code veut entrer dans votre compte.",
            ))
        }
        (consequences(language))
        form method="post" action=(PATH) {
            (csrf(browser))
            input type="hidden" name="user_code" value=(typed);
            div.row {
                button name="decision" value="allow" {
                    (pick(language, "Let it in", "Laisser entrer"))
                }
                button.other name="decision" value="deny" {
                    (pick(language, "Refuse", "Refuser"))
                }
            }
        }
        (signed_in_as(browser, user_id, next))
    };
    Page::new(
        language,
        pick(language, "Let this app in?", "Laisser entrer cette application ?"),
        body,
    )
}
