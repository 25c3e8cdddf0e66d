use http::StatusCode;
use maud::html;

use super::{Asked, back};
use crate::oauth::{
    page::{Page, csrf, pick, problem},
    parameters::Parameters,
};

/// Whether to deactivate the account.
pub(super) fn ask(asked: &Asked<'_>, what_is_wrong: Option<&str>) -> Page {
    let language = asked.language();
    let body = html! {
        (problem(what_is_wrong))
        p {
            (pick(language, "You are about to delete", "Vous allez supprimer le compte"))
            " " strong { (asked.session.user_id) } "."
        }
        ul {
            li {
                (pick(
                    language,
                    "All your devices are signed out, and you leave all conversations.",
                    "Tous vos appareils sont déconnectés et vous quittez toutes les conversations.",
                ))
            }
            li {
                (pick(
                    language,
                    "Nobody, not even you, can use the account or its name again.",
                    "Personne, pas même vous, ne pourra plus utiliser ce compte ni son nom.",
                ))
            }
        }
        form method="post" {
            (csrf(asked.browser))
            label.choice for="erase" {
                input #erase type="checkbox" name="erase" value="yes";
                span {
                    (pick(
                        language,
                        "Hide what I wrote from people who join later",
                        "Cacher ce que j’ai écrit aux personnes qui arriveront plus tard",
                    ))
                }
            }
            label.choice for="confirm" {
                input #confirm type="checkbox" name="confirm" value="yes" required;
                span {
                    (pick(
                        language,
                        "I understand that this can’t be undone",
                        "Je comprends que c’est irréversible",
                    ))
                }
            }
            div.row {
                button.alarm { (pick(language, "Delete my account", "Supprimer mon compte")) }
            }
        }
        (back(language))
    };
    Page::new(language, pick(language, "Delete your account?", "Supprimer votre compte ?"), body)
}

/// Deactivates the account.
pub(super) async fn deactivate(asked: &Asked<'_>, form: &Parameters) -> Page {
    let language = asked.language();
    if form.get("confirm") != Some("yes") {
        let text = pick(
            language,
            "Tick the box to say that you understand.",
            "Cochez la case pour dire que vous comprenez.",
        );
        return ask(asked, Some(text)).status(StatusCode::BAD_REQUEST);
    }
    let erase = form.get("erase") == Some("yes");
    let user_id = &asked.session.user_id;
    let services = asked.services;
    if let Err(error) = services.credentials.deactivate_confirmed(user_id, erase).await {
        return Page::failed(language, &error);
    }
    services.departures.begin(user_id);
    Page::message(
        language,
        pick(language, "Your account is deleted", "Votre compte est supprimé"),
        pick(language, "You can close this page.", "Vous pouvez fermer cette page."),
    )
}
