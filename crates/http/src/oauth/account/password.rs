use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::html;
use pli_accounts::{AccountsError, Language};

use super::{Asked, PATH, back};
use crate::{
    layer::rate_limit::RateLimiter,
    oauth::{
        next::Next,
        page::{Field, Page, csrf, field, pick, problem},
        parameters::Parameters,
        words,
    },
};

/// The page's name in links: the specification has none for it.
pub(super) const ACTION: &str = "pli.password";

/// What says that the password was changed just now.
const CHANGED: &str = "changed";

/// Asks for the password and for a new one.
pub(super) async fn show(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    match asked.services.credentials.has_password(&asked.session.user_id).await {
        Ok(true) => form(asked, None),
        Ok(false) => Page::message(
            language,
            title(language),
            pick(
                language,
                "Your account has no password here: change it where you sign in.",
                "Votre compte n’a pas de mot de passe ici : changez-le là où vous vous connectez.",
            ),
        ),
        Err(error) => Page::failed(language, &error),
    }
}

/// Sets the new password, and signs in with it in this browser.
pub(super) async fn change(
    asked: &Asked<'_>,
    limiter: &RateLimiter,
    given: &Parameters,
) -> Response {
    let language = asked.language();
    let user_id = &asked.session.user_id;
    let failed =
        |text: &str, status: StatusCode| asked.browser.show(form(asked, Some(text)).status(status));
    // Whoever finds the browser open must not find the password out.
    let address = asked.browser.address;
    if limiter.sign_in_from(address).is_err() || limiter.sign_in_to(user_id.as_str()).is_err() {
        let text = pick(
            language,
            "Too many attempts. Wait a while and try again.",
            "Trop d’essais. Patientez un moment puis réessayez.",
        );
        return failed(text, StatusCode::TOO_MANY_REQUESTS);
    }
    let (old, new) = (given.get("password"), given.get("new_password").unwrap_or_default());
    if given.get("repeated") != Some(new) {
        let text = pick(
            language,
            "The two new passwords are not the same. Type them again.",
            "Les deux nouveaux mots de passe diffèrent. Saisissez-les de nouveau.",
        );
        return failed(text, StatusCode::BAD_REQUEST);
    }
    let signs_out = given.get("sign_out").is_some();
    let credentials = &asked.services.credentials;
    let changed =
        credentials.replace_password(user_id, old.unwrap_or_default(), new, signs_out).await;
    match changed {
        Ok(()) => {
            let next = Next::page(PATH, Some(&format!("action={ACTION}&{CHANGED}=1")));
            let signed_in = asked.browser.sign_in(user_id, &next).await;
            signed_in.unwrap_or_else(IntoResponse::into_response)
        }
        Err(AccountsError::Forbidden(_)) => {
            let text = pick(
                language,
                "The current password is wrong. Try again.",
                "Le mot de passe actuel est faux. Réessayez.",
            );
            failed(text, StatusCode::FORBIDDEN)
        }
        Err(error) => failed(&words::problem(language, &error), words::status(&error)),
    }
}

fn form(asked: &Asked<'_>, what_is_wrong: Option<&str>) -> Page {
    let language = asked.language();
    let password = |name, label, autocomplete| {
        field(&Field { name, label, kind: "password", autocomplete, value: "" })
    };
    let is_changed = asked.parameters.get(CHANGED).is_some() && what_is_wrong.is_none();
    let body = html! {
        (problem(what_is_wrong))
        @if is_changed {
            p.done role="status" {
                (pick(language, "Your password is changed.", "Votre mot de passe est changé."))
            }
        }
        form method="post" {
            (csrf(asked.browser))
            (password(
                "password",
                pick(language, "Current password", "Mot de passe actuel"),
                "current-password",
            ))
            (password(
                "new_password",
                pick(language, "New password", "Nouveau mot de passe"),
                "new-password",
            ))
            (password(
                "repeated",
                pick(language, "New password, again", "Nouveau mot de passe, encore une fois"),
                "new-password",
            ))
            label.choice {
                input type="checkbox" name="sign_out" value="yes";
                span {
                    (pick(
                        language,
                        "Sign all my devices out: somebody else knows the old password",
                        "Déconnecter tous mes appareils : quelqu’un d’autre connaît l’ancien mot de \
                         passe",
                    ))
                }
            }
            div.row { button { (pick(language, "Change", "Changer")) } }
        }
        (back(language))
    };
    Page::new(language, title(language), body)
}

fn title(language: Language) -> &'static str {
    pick(language, "Your password", "Votre mot de passe")
}
