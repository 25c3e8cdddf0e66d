use maud::html;

use super::{Asked, back};
use crate::oauth::page::{Page, csrf, pick};

/// Whether an app may replace the cross-signing keys.
pub(super) fn ask(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    let body = html! {
        p {
            (pick(
                language,
                "Do this only if you have lost all your devices and your recovery code.",
                "Ne le faites que si vous avez perdu tous vos appareils et votre code de secours.",
            ))
        }
        ul {
            li {
                (pick(
                    language,
                    "You will lose the messages that are stored on this server only.",
                    "Vous perdrez les messages qui ne sont conservés que sur ce serveur.",
                ))
            }
            li {
                (pick(
                    language,
                    "The people you talk to will see a warning, and have to verify you again.",
                    "Vos correspondants verront un avertissement et devront vous vérifier de nouveau.",
                ))
            }
        }
        form method="post" {
            (csrf(asked.browser))
            div.row {
                button.alarm { (pick(language, "Allow the reset", "Autoriser la réinitialisation")) }
            }
        }
        (back(language))
    };
    let title =
        pick(language, "Reset your digital identity?", "Réinitialiser votre identité numérique ?");
    Page::new(language, title, body)
}

/// Allows it, for a while.
pub(super) async fn approve(asked: &Asked<'_>) -> Page {
    let language = asked.language();
    let user_interactive = &asked.services.user_interactive;
    match user_interactive.approve_cross_signing_reset(&asked.session.user_id).await {
        Ok(()) => Page::message(
            language,
            pick(language, "The reset is allowed", "La réinitialisation est autorisée"),
            pick(
                language,
                "Go back to the app within ten minutes to finish it.",
                "Revenez à l’application dans les dix minutes pour la terminer.",
            ),
        ),
        Err(error) => Page::failed(language, &error),
    }
}
