//! What went wrong, for a person.

use std::borrow::Cow;

use http::StatusCode;
use pli_accounts::{AccountsError, Language, oauth::OAuthErrorCode};

use super::page::pick;
use crate::MatrixError;

/// The status of a page that tells of an error.
pub(super) fn status(error: &AccountsError) -> StatusCode {
    match error {
        AccountsError::Store(error) => MatrixError::from(error).status(),
        AccountsError::Conflict(_) | AccountsError::Interrupted => StatusCode::SERVICE_UNAVAILABLE,
        AccountsError::LimitExceeded { .. } => StatusCode::TOO_MANY_REQUESTS,
        AccountsError::Forbidden(_)
        | AccountsError::UserDeactivated
        | AccountsError::UserLocked
        | AccountsError::UserSuspended => StatusCode::FORBIDDEN,
        AccountsError::NotFound(_) => StatusCode::NOT_FOUND,
        AccountsError::Mail(_) | AccountsError::Configuration(_) => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
        _ => StatusCode::BAD_REQUEST,
    }
}

/// What went wrong and what to do about it.
pub(super) fn problem(language: Language, error: &AccountsError) -> Cow<'static, str> {
    let text = match error {
        AccountsError::Forbidden(_) => pick(
            language,
            "The name or the password is wrong. Check both and try again.",
            "Le nom ou le mot de passe est faux. Vérifiez et réessayez.",
        ),
        AccountsError::UserDeactivated => pick(
            language,
            "This account has been deactivated. Ask your administrator.",
            "Ce compte a été désactivé. Adressez-vous à votre administrateur.",
        ),
        AccountsError::UserLocked => pick(
            language,
            "This account is locked. Ask your administrator.",
            "Ce compte est bloqué. Adressez-vous à votre administrateur.",
        ),
        AccountsError::UserSuspended => pick(
            language,
            "This account is suspended: you can read, but not change this. Ask your administrator.",
            "Ce compte est suspendu : vous pouvez lire, mais pas modifier ceci. Adressez-vous à votre \
             administrateur.",
        ),
        AccountsError::LimitExceeded { .. } => pick(
            language,
            "Too many attempts. Wait a while and try again.",
            "Trop d’essais. Patientez un moment puis réessayez.",
        ),
        AccountsError::UserInUse => pick(
            language,
            "This name is taken. Choose another one.",
            "Ce nom est déjà pris. Choisissez-en un autre.",
        ),
        AccountsError::InvalidUsername(_) => pick(
            language,
            "This name can’t be used. Take lower-case letters, digits, dots and hyphens.",
            "Ce nom ne convient pas. Prenez des minuscules, des chiffres, des points et des traits \
             d’union.",
        ),
        AccountsError::WeakPassword(_) => pick(
            language,
            "This password is too short, too common or too long. Choose another one.",
            "Ce mot de passe est trop court, trop courant ou trop long. Choisissez-en un autre.",
        ),
        AccountsError::ThreepidDenied(_) => pick(
            language,
            "This address can’t be used here. Use your work address.",
            "Cette adresse ne convient pas ici. Utilisez votre adresse professionnelle.",
        ),
        AccountsError::ThreepidInUse => pick(
            language,
            "This address has an account already. Sign in instead.",
            "Cette adresse a déjà un compte. Connectez-vous plutôt.",
        ),
        AccountsError::TokenIncorrect => pick(
            language,
            "The code is wrong. Look at the mail again, or ask for a new code.",
            "Le code est faux. Relisez le message ou demandez un nouveau code.",
        ),
        AccountsError::NoValidSession | AccountsError::ThreepidAuthFailed => pick(
            language,
            "The code is not valid any more. Ask for a new one.",
            "Le code n’est plus valable. Demandez-en un nouveau.",
        ),
        AccountsError::UserInteractive(_) => pick(
            language,
            "The invitation code is not valid. Ask whoever gave it to you.",
            "Le code d’invitation n’est pas valable. Adressez-vous à la personne qui vous l’a donné.",
        ),
        AccountsError::NotFound(_) => pick(
            language,
            "No app waits for this code. Check it, or start again in the app.",
            "Aucune application n’attend ce code. Vérifiez-le ou recommencez dans l’application.",
        ),
        AccountsError::InvalidParam(_) | AccountsError::MissingParam(_) => pick(
            language,
            "That is not complete. Check it and try again.",
            "La saisie est incomplète. Vérifiez et réessayez.",
        ),
        AccountsError::TooLarge(_) | AccountsError::ProfileTooLarge => pick(
            language,
            "That is too long. Shorten it and try again.",
            "C’est trop long. Raccourcissez et réessayez.",
        ),
        AccountsError::OAuth(problem) if problem.code == OAuthErrorCode::InvalidClient => pick(
            language,
            "The app is not known here any more. Start again in the app.",
            "L’application n’est plus connue ici. Recommencez dans l’application.",
        ),
        // A mistake of the app's, which its makers have to be told.
        AccountsError::OAuth(problem) => {
            let beginning = pick(
                language,
                "The app made a mistake. Tell whoever makes it",
                "L’application a commis une erreur. Signalez-la à ses auteurs",
            );
            return format!("{beginning}: {}", problem.description).into();
        }
        _ => pick(
            language,
            "The server could not do this. Try again in a moment.",
            "Le serveur n’a pas pu le faire. Réessayez dans un instant.",
        ),
    };
    text.to_owned().into()
}
