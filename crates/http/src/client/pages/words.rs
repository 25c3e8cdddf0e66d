//! The words on the server's pages.

use pli_accounts::{AccountsError, Language, validation::Purpose};

/// Picks the text in a language.
pub(super) const fn pick(
    language: Language,
    english: &'static str,
    french: &'static str,
) -> &'static str {
    match language {
        Language::English => english,
        Language::French => french,
    }
}

/// What confirming an address does.
pub(super) const fn purpose(language: Language, purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Registration => pick(
            language,
            "Somebody is creating a Pli account with your address. Confirm only if that is you.",
            "Quelqu’un crée un compte Pli avec votre adresse. Ne confirmez que si c’est vous.",
        ),
        Purpose::PasswordReset => pick(
            language,
            "Somebody is choosing a new password for your Pli account. Confirm only if that is you.",
            "Quelqu’un choisit un nouveau mot de passe pour votre compte Pli. Ne confirmez que si \
             c’est vous.",
        ),
        Purpose::AddEmail => pick(
            language,
            "Somebody is adding your address to a Pli account. Confirm only if that is you.",
            "Quelqu’un ajoute votre adresse à un compte Pli. Ne confirmez que si c’est vous.",
        ),
    }
}

/// What went wrong, for a person.
pub(super) fn problem(language: Language, error: &AccountsError) -> &'static str {
    match error {
        AccountsError::NoValidSession | AccountsError::NotFound(_) => pick(
            language,
            "This link is not valid any more. Go back to the app and ask for a new one.",
            "Ce lien n’est plus valable. Revenez à l’application et demandez-en un nouveau.",
        ),
        AccountsError::TokenIncorrect => pick(
            language,
            "The code is wrong. Look at the mail again, or ask for a new code.",
            "Le code est faux. Relisez le message ou demandez un nouveau code.",
        ),
        AccountsError::Forbidden(_) => pick(
            language,
            "That is not right. Check it and try again.",
            "Ce n’est pas exact. Vérifiez et réessayez.",
        ),
        AccountsError::ThreepidDenied(_) => pick(
            language,
            "This address can’t be used here. Use your work address.",
            "Cette adresse ne convient pas ici. Utilisez votre adresse professionnelle.",
        ),
        AccountsError::InvalidParam(_) => pick(
            language,
            "That is not complete. Check it and try again.",
            "La saisie est incomplète. Vérifiez et réessayez.",
        ),
        AccountsError::LimitExceeded { .. } => pick(
            language,
            "Too many attempts. Wait a while and try again.",
            "Trop d’essais. Patientez un moment puis réessayez.",
        ),
        _ => pick(
            language,
            "The server could not do this. Try again in a moment.",
            "Le serveur n’a pas pu le faire. Réessayez dans un instant.",
        ),
    }
}
