use http::StatusCode;
use maud::html;
use pli_accounts::{AccountsError, profiles::DISPLAY_NAME};

use super::{Asked, back};
use crate::{
    client::profile,
    oauth::{
        page::{Field, Page, csrf, field, pick, problem},
        parameters::Parameters,
    },
};

/// The longest name, in characters: nobody reads more beside a message.
const MAX_NAME: usize = 100;

/// What went before: a change, or a mistake.
pub(super) enum Before {
    Changed,
    Mistake(&'static str),
}

/// Name and addresses.
pub(super) async fn show(asked: &Asked<'_>, before: Option<Before>) -> Page {
    let language = asked.language();
    let user_id = &asked.session.user_id;
    let found = async {
        let profile = asked.services.profiles.get(user_id).await?.unwrap_or_default();
        Ok::<_, AccountsError>((profile, asked.services.accounts.emails(user_id).await?))
    };
    let (profile, emails) = match found.await {
        Ok(found) => found,
        Err(error) => return Page::failed(language, &error),
    };
    let name = Field {
        name: "displayname",
        label: pick(
            language,
            "Your name, as others see it",
            "Votre nom, tel que les autres le voient",
        ),
        kind: "text",
        autocomplete: "name",
        value: profile.display_name().unwrap_or_default(),
    };
    let body = html! {
        @match &before {
            Some(Before::Changed) => p.done role="status" {
                (pick(language, "Your name is changed.", "Votre nom est changé."))
            },
            Some(Before::Mistake(text)) => (problem(Some(text))),
            None => {}
        }
        form method="post" {
            (csrf(asked.browser))
            (field(&name))
            div.row { button { (pick(language, "Save", "Enregistrer")) } }
        }
        @if !emails.is_empty() {
            h2 { (pick(language, "Your e-mail addresses", "Vos adresses électroniques")) }
            ul {
                @for (email, _) in &emails { li { (email) } }
            }
        }
        (back(language))
    };
    let status = match before {
        Some(Before::Mistake(_)) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    };
    Page::new(language, pick(language, "Your profile", "Votre profil"), body).status(status)
}

/// Another name.
pub(super) async fn change(asked: &Asked<'_>, form: &Parameters) -> Page {
    let language = asked.language();
    let name = form.get("displayname").unwrap_or_default().trim();
    if name.is_empty() || name.chars().count() > MAX_NAME {
        let text = pick(
            language,
            "A name has 1 to 100 characters.",
            "Un nom compte de 1 à 100 caractères.",
        );
        return show(asked, Some(Before::Mistake(text))).await;
    }
    let services = asked.services;
    let user_id = &asked.session.user_id;
    // Whose account is suspended can't be seen differently (section "Account suspension").
    match services.accounts.get(user_id).await {
        Ok(account) if account.as_ref().is_some_and(|account| account.standing.suspended) => {
            return Page::failed(language, &AccountsError::UserSuspended);
        }
        Ok(_) => {}
        Err(error) => return Page::failed(language, &error),
    }
    let value = Some(name.into());
    match profile::set(&services.profiles, &services.rooms, user_id, DISPLAY_NAME, value).await {
        Ok(()) => show(asked, Some(Before::Changed)).await,
        Err(_) => {
            let text = pick(
                language,
                "The server could not do this. Try again in a moment.",
                "Le serveur n’a pas pu le faire. Réessayez dans un instant.",
            );
            show(asked, Some(Before::Mistake(text))).await.status(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}
