//! `GET` and `POST /_matrix/client/v3/auth/m.login.sso/fallback/web`
//! ([specification](https://spec.matrix.org/v1.19/client-server-api/#fallback)): somebody without a
//! password confirms what an app wants to do, by signing in once more.

use axum::{
    body::Body,
    extract::{RawQuery, Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use maud::html;
use pli_accounts::{Language, UserInteractive};
use ruma::api::client::uiaa::AuthType;

use super::{
    authorize::signed_in_as,
    browser::Browser,
    next::Next,
    page::{Page, csrf, pick, problem},
    parameters::Parameters,
};
use crate::client::pages::done;

pub(super) const PATH: &str = "/_matrix/client/v3/auth/m.login.sso/fallback/web";
/// The same for apps of before v1.1.
pub(super) const OLD_PATH: &str = "/_matrix/client/r0/auth/m.login.sso/fallback/web";

fn session_id(query: Option<String>) -> String {
    let parameters = Parameters::parse(query.unwrap_or_default().as_bytes()).unwrap_or_default();
    parameters.get("session").unwrap_or_default().to_owned()
}

/// This page once somebody has signed in.
fn here(session_id: &str) -> Next {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    Next::page(PATH, Some(&query.append_pair("session", session_id).finish()))
}

pub(super) async fn show(
    State(user_interactive): State<UserInteractive>,
    browser: Browser,
    RawQuery(query): RawQuery,
) -> Response {
    let session_id = session_id(query);
    let asked = match user_interactive.fallback(&session_id, &AuthType::Sso).await {
        Ok(asked) if asked.completed => return done(browser.language).into_response(),
        Ok(asked) => asked,
        Err(_) => return browser.show(unknown(browser.language)),
    };
    let next = here(&session_id);
    let session = match browser.signed_in_just_now(&next) {
        Ok(session) => session,
        Err(sign_in) => return *sign_in,
    };
    let language = browser.language;
    let user_id = session.user_id.as_str();
    if asked.user_id.as_ref() != Some(&session.user_id) {
        let text = pick(
            language,
            "The app asks for another account’s confirmation.",
            "L’application demande la confirmation d’un autre compte.",
        );
        let body = html! { (problem(Some(text))) (signed_in_as(&browser, user_id, &next)) };
        let page = Page::new(language, title(language), body).status(StatusCode::FORBIDDEN);
        return browser.show(page);
    }
    let body = html! {
        p { (wish(language, &asked.operation)) }
        p {
            (pick(
                language,
                "Confirm only if you started this yourself, in the app, just now.",
                "Ne confirmez que si vous l’avez demandé vous-même, dans l’application, à l’instant.",
            ))
        }
        form method="post" action=(next.as_str()) {
            (csrf(&browser))
            div.row { button { (pick(language, "Confirm", "Confirmer")) } }
        }
        (signed_in_as(&browser, user_id, &next))
    };
    browser.show(Page::new(language, title(language), body))
}

pub(super) async fn confirm(
    State(user_interactive): State<UserInteractive>,
    browser: Browser,
    RawQuery(query): RawQuery,
    request: Request<Body>,
) -> Response {
    let session_id = session_id(query);
    let session = match browser.signed_in_just_now(&here(&session_id)) {
        Ok(session) => session,
        Err(sign_in) => return *sign_in,
    };
    if let Err(page) = browser.form(request).await {
        return browser.show(page);
    }
    match user_interactive.complete_elsewhere(&session_id, &session.user_id).await {
        Ok(()) => done(browser.language).into_response(),
        Err(_) => browser.show(unknown(browser.language)),
    }
}

const fn title(language: Language) -> &'static str {
    pick(language, "Is it you?", "Est-ce bien vous ?")
}

fn unknown(language: Language) -> Page {
    let title = pick(language, "This did not work", "Cela n’a pas fonctionné");
    let text = pick(
        language,
        "This confirmation is not known or has expired. Start again in the app.",
        "Cette confirmation n’est pas connue ou a expiré. Recommencez dans l’application.",
    );
    Page::message(language, title, text).status(StatusCode::BAD_REQUEST)
}

/// What an app wants to do.
fn wish(language: Language, operation: &str) -> &'static str {
    match operation {
        "deactivation" => pick(
            language,
            "An app wants to delete your account for good.",
            "Une application veut supprimer votre compte définitivement.",
        ),
        "confirmation" => pick(
            language,
            "An app wants to make sure that it is you.",
            "Une application veut s’assurer que c’est bien vous.",
        ),
        "delete_devices" => pick(
            language,
            "An app wants to sign out devices of yours.",
            "Une application veut déconnecter de vos appareils.",
        ),
        "add_email" => pick(
            language,
            "An app wants to add an e-mail address to your account.",
            "Une application veut ajouter une adresse électronique à votre compte.",
        ),
        "get_login_token" => pick(
            language,
            "An app wants to sign in on another device in your name.",
            "Une application veut se connecter en votre nom sur un autre appareil.",
        ),
        "cross_signing" => pick(
            language,
            "An app wants to reset your digital identity.",
            "Une application veut réinitialiser votre identité numérique.",
        ),
        "password_change" => pick(
            language,
            "An app wants to set a new password for your account.",
            "Une application veut choisir un nouveau mot de passe pour votre compte.",
        ),
        _ => pick(
            language,
            "An app wants to change something about your account.",
            "Une application veut modifier quelque chose dans votre compte.",
        ),
    }
}
