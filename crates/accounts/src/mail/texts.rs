//! The words of Pli's mails.

use super::Language;

/// A mail's content.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    pub(crate) code: Option<String>,
}

/// What a mail is about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LetterKind<'a> {
    /// Somebody signs up with this address.
    SignUp(&'a Confirmation),
    /// Somebody wants a new password for the account with this address.
    ResetPassword(&'a Confirmation),
    /// Somebody adds this address to their account.
    AddEmail(&'a Confirmation),
    /// Somebody signs up with an address that has an account already.
    AlreadyRegistered,
}

/// What confirms that one reads the mail of an address.
#[derive(Clone, Debug)]
pub(crate) struct Confirmation {
    /// The six digits.
    pub(crate) code: String,
    /// The link that does the same.
    pub(crate) link: String,
    /// For how long both are valid.
    pub(crate) minutes: u64,
}

impl Letter {
    pub(crate) fn write(kind: LetterKind<'_>, language: Language) -> Self {
        let words = words(kind, language);
        let (LetterKind::SignUp(confirmation)
        | LetterKind::ResetPassword(confirmation)
        | LetterKind::AddEmail(confirmation)) = kind
        else {
            let text = format!("{}\n\n{}\n", words.opening, words.warning);
            let html = page(language, &[paragraph(words.opening), small(words.warning)]);
            return Self { subject: words.subject.to_owned(), text, html, code: None };
        };

        let Confirmation { code, link, minutes } = confirmation;
        let spaced = spaced(code);
        let (or_link, valid) = match language {
            Language::English => (
                "Or open this link:",
                format!("The code and the link are valid for {minutes} minutes."),
            ),
            Language::French => (
                "Ou ouvrez ce lien :",
                format!("Le code et le lien sont valables {minutes} minutes."),
            ),
        };
        let text = format!(
            "{}\n\n    {spaced}\n\n{or_link}\n{link}\n\n{valid}\n\n{}\n",
            words.opening, words.warning
        );
        let code_block =
            format!("<p style=\"font-size:28px;letter-spacing:4px;font-weight:600\">{spaced}</p>");
        let link_block = format!("<p>{or_link}<br><a href=\"{0}\">{0}</a></p>", escape(link));
        let blocks = [
            paragraph(words.opening),
            code_block,
            link_block,
            paragraph(&valid),
            small(words.warning),
        ];
        Self {
            subject: match language {
                Language::English => format!("{}: {spaced}", words.subject),
                Language::French => format!("{} : {spaced}", words.subject),
            },
            text,
            html: page(language, &blocks),
            code: Some(code.clone()),
        }
    }
}

struct Words {
    subject: &'static str,
    opening: &'static str,
    warning: &'static str,
}

fn words(kind: LetterKind<'_>, language: Language) -> Words {
    match (language, kind) {
        (Language::English, LetterKind::SignUp(_)) => Words {
            subject: "Your Pli code",
            opening: "Enter this code to create your Pli account:",
            warning: "You did not ask for this? Then ignore this message and give the code to \
                      nobody: no account will be created.",
        },
        (Language::French, LetterKind::SignUp(_)) => Words {
            subject: "Votre code Pli",
            opening: "Saisissez ce code pour créer votre compte Pli :",
            warning: "Vous n’avez rien demandé ? Ignorez ce message et ne donnez le code à \
                      personne : aucun compte ne sera créé.",
        },
        (Language::English, LetterKind::ResetPassword(_)) => Words {
            subject: "Your code for a new Pli password",
            opening: "Enter this code to choose a new password for your Pli account:",
            warning: "You did not ask for this? Then ignore this message and give the code to \
                      nobody: your password stays as it is.",
        },
        (Language::French, LetterKind::ResetPassword(_)) => Words {
            subject: "Votre code pour un nouveau mot de passe Pli",
            opening: "Saisissez ce code pour choisir un nouveau mot de passe Pli :",
            warning: "Vous n’avez rien demandé ? Ignorez ce message et ne donnez le code à \
                      personne : votre mot de passe reste inchangé.",
        },
        (Language::English, LetterKind::AddEmail(_)) => Words {
            subject: "Your Pli code",
            opening: "Enter this code to add this e-mail address to your Pli account:",
            warning: "You did not ask for this? Then ignore this message and give the code to \
                      nobody.",
        },
        (Language::French, LetterKind::AddEmail(_)) => Words {
            subject: "Votre code Pli",
            opening: "Saisissez ce code pour ajouter cette adresse à votre compte Pli :",
            warning: "Vous n’avez rien demandé ? Ignorez ce message et ne donnez le code à \
                      personne.",
        },
        (Language::English, LetterKind::AlreadyRegistered) => Words {
            subject: "You already have a Pli account",
            opening: "Somebody, probably you, tried to create a Pli account with this address. It \
                      has one already: sign in with this address, or choose “Forgot password?”.",
            warning: "That wasn’t you? Then there is nothing to do: your account is unchanged.",
        },
        (Language::French, LetterKind::AlreadyRegistered) => Words {
            subject: "Vous avez déjà un compte Pli",
            opening: "Quelqu’un, sans doute vous, a voulu créer un compte Pli avec cette adresse. \
                      Elle en a déjà un : connectez-vous avec cette adresse, ou choisissez « Mot de \
                      passe oublié ? ».",
            warning: "Ce n’était pas vous ? Il n’y a rien à faire : votre compte est inchangé.",
        },
    }
}

/// "123456" → "123 456", as people read it aloud.
fn spaced(code: &str) -> String {
    match code.split_at_checked(3) {
        Some((first, second)) => format!("{first} {second}"),
        None => code.to_owned(),
    }
}

fn page(language: Language, blocks: &[String]) -> String {
    format!(
        "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"></head><body \
         style=\"font-family:sans-serif;max-width:32em\">{}</body></html>",
        language.tag(),
        blocks.concat()
    )
}

fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", escape(text))
}

fn small(text: &str) -> String {
    format!("<p style=\"color:#555;font-size:14px\">{}</p>", escape(text))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
