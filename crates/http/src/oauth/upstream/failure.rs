use std::borrow::Cow;

use http::StatusCode;
use maud::html;
use pli_accounts::{AccountsError, Language, Upstream, upstream::UpstreamProblem};

use crate::oauth::{
    UpstreamProvider, login,
    next::Next,
    page::{Page, pick, problem},
    words,
};

/// Somebody's attempt to sign in at a provider.
pub(super) struct Attempt<'a> {
    pub(super) upstream: &'a Upstream,
    pub(super) id: &'a str,
    pub(super) next: &'a Next,
}

impl Attempt<'_> {
    /// The page that says what went wrong, and how to go on.
    pub(super) fn failed(&self, language: Language, error: &AccountsError) -> Page {
        let known = self.upstream.providers().find(|(id, _)| *id == self.id);
        let provider =
            known.map(|(id, name)| UpstreamProvider { id: id.into(), name: name.into() });
        let (text, status) = match (&provider, error) {
            (None, _) => {
                let text = pick(
                    language,
                    "There is no such sign-in service here.",
                    "Ce service de connexion n’existe pas ici.",
                );
                (Cow::Borrowed(text), StatusCode::NOT_FOUND)
            }
            (Some(provider), AccountsError::Upstream(problem)) => {
                (told(language, &provider.name, problem).into(), status(problem))
            }
            (_, error) => (words::problem(language, error), words::status(error)),
        };
        let body = html! {
            (problem(Some(&text)))
            @if let Some(provider) = &provider {
                div.row {
                    a.button href=(self.next.after(&provider.start_path(), &[])) {
                        (pick(language, "Try again", "Réessayer"))
                    }
                }
            }
            p {
                a href=(self.next.after(login::PATH, &[])) {
                    (pick(language, "Sign in another way", "Se connecter autrement"))
                }
            }
        };
        let title = pick(language, "You are not signed in", "Vous n’êtes pas connecté");
        Page::new(language, title, body).status(status)
    }
}

fn status(problem: &UpstreamProblem) -> StatusCode {
    match problem {
        UpstreamProblem::Unreachable(_) => StatusCode::SERVICE_UNAVAILABLE,
        UpstreamProblem::Misbehaved(_) | UpstreamProblem::ClockSkew => StatusCode::BAD_GATEWAY,
        UpstreamProblem::Expired | UpstreamProblem::LogoutToken(_) => StatusCode::BAD_REQUEST,
        UpstreamProblem::Refused(_)
        | UpstreamProblem::EmailMissing
        | UpstreamProblem::EmailUnverified(_)
        | UpstreamProblem::EmailDenied(_)
        | UpstreamProblem::EmailTaken(_)
        | UpstreamProblem::NoAccount => StatusCode::FORBIDDEN,
    }
}

/// What went wrong at a provider and what to do about it. Details are in the log.
fn told(language: Language, name: &str, problem: &UpstreamProblem) -> String {
    let french = language == Language::French;
    match problem {
        UpstreamProblem::Unreachable(_) if french => {
            format!("{name} ne répond pas. Réessayez dans un instant.")
        }
        UpstreamProblem::Unreachable(_) => {
            format!("{name} does not answer. Try again in a moment.")
        }
        UpstreamProblem::Misbehaved(_) | UpstreamProblem::LogoutToken(_) if french => format!(
            "La réponse de {name} n’a pas pu être vérifiée. Réessayez ; si cela se reproduit, \
             prévenez votre administrateur."
        ),
        UpstreamProblem::Misbehaved(_) | UpstreamProblem::LogoutToken(_) => format!(
            "The answer of {name} could not be verified. Try again; if it happens once more, tell \
             your administrator."
        ),
        UpstreamProblem::Refused(_) if french => {
            format!("La connexion a été annulée ou refusée par {name}.")
        }
        UpstreamProblem::Refused(_) => {
            format!("The sign-in was cancelled, or {name} refused it.")
        }
        UpstreamProblem::Expired => pick(
            language,
            "This sign-in took too long, was used already or began in another browser. Start again.",
            "Cette connexion a duré trop longtemps, a déjà servi ou a commencé dans un autre \
             navigateur. Recommencez.",
        )
        .to_owned(),
        UpstreamProblem::ClockSkew if french => format!(
            "Les horloges de ce serveur et de {name} ne concordent pas. Prévenez votre \
             administrateur."
        ),
        UpstreamProblem::ClockSkew => format!(
            "The clocks of this server and of {name} do not agree. Tell your administrator."
        ),
        UpstreamProblem::EmailMissing if french => format!(
            "{name} n’a pas transmis votre adresse électronique. Adressez-vous à votre \
             administrateur."
        ),
        UpstreamProblem::EmailMissing => {
            format!("{name} did not tell your e-mail address. Ask your administrator.")
        }
        UpstreamProblem::EmailUnverified(email) if french => format!(
            "{name} n’a pas vérifié l’adresse {email}. Faites-la vérifier là-bas, puis réessayez."
        ),
        UpstreamProblem::EmailUnverified(email) => format!(
            "{name} has not checked the address {email}. Have it checked there, then try again."
        ),
        UpstreamProblem::EmailDenied(email) if french => format!(
            "L’adresse {email} ne convient pas ici. Connectez-vous avec votre adresse \
             professionnelle."
        ),
        UpstreamProblem::EmailDenied(email) => {
            format!("The address {email} can’t be used here. Sign in with your work address.")
        }
        UpstreamProblem::EmailTaken(email) if french => format!(
            "Un compte existe déjà avec l’adresse {email}. Connectez-vous avec son mot de passe, ou \
             adressez-vous à votre administrateur."
        ),
        UpstreamProblem::EmailTaken(email) => format!(
            "There is an account with the address {email} already. Sign in with its password, or \
             ask your administrator."
        ),
        UpstreamProblem::NoAccount => pick(
            language,
            "You have no account here. Ask your administrator for one.",
            "Vous n’avez pas de compte ici. Demandez-en un à votre administrateur.",
        )
        .to_owned(),
    }
}
