use maud::{Markup, html};

use super::{Asked, PATH, address, password};
use crate::oauth::{
    authorize::signed_in_as,
    next::Next,
    page::{Page, pick},
};

/// Everything that can be done here.
pub(super) async fn show(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    let user_id = &asked.session.user_id;
    let profile = match asked.services.profiles.get(user_id).await {
        Ok(profile) => profile.unwrap_or_default(),
        Err(error) => return Page::failed(language, &error),
    };
    let has_password = match asked.services.credentials.has_password(user_id).await {
        Ok(has_password) => has_password,
        Err(error) => return Page::failed(language, &error),
    };
    let link = |action: &str, english: &'static str, french: &'static str| -> Markup {
        html! { li { a href=(address(action, None)) { (pick(language, english, french)) } } }
    };
    let body = html! {
        p { strong { (profile.display_name().unwrap_or(user_id.localpart())) } }
        ul {
            (link("org.matrix.profile", "Your name and addresses", "Votre nom et vos adresses"))
            @if has_password {
                (link(password::ACTION, "Your password", "Votre mot de passe"))
            }
            (link("org.matrix.devices_list", "Your devices", "Vos appareils"))
            (link(
                "org.matrix.cross_signing_reset",
                "Reset your digital identity",
                "Réinitialiser votre identité numérique",
            ))
            (link(
                "org.matrix.account_deactivate",
                "Delete your account",
                "Supprimer votre compte",
            ))
        }
        (signed_in_as(asked.browser, user_id.as_str(), &Next::page(PATH, None)))
    };
    Page::new(language, pick(language, "Your account", "Votre compte"), body)
}
