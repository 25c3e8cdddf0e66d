//! User names and display names, chosen or made from an e-mail address.

use ruma::{OwnedUserId, ServerName, UserId};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{AccountsError, RegistrationConfig, accounts::Email};

/// The user id for a user name that somebody chose.
///
/// # Errors
/// [`AccountsError::InvalidUsername`] if it can't be part of a user id.
pub(crate) fn user_id_for_name(
    name: &str,
    server_name: &ServerName,
) -> Result<OwnedUserId, AccountsError> {
    // Names with this beginning are for bridges.
    if name.starts_with('_') {
        return Err(AccountsError::InvalidUsername("a user name can't begin with _".into()));
    }
    user_id_for_service(name, server_name)
}

/// The user id for a user name that an application service chose.
///
/// # Errors
/// [`AccountsError::InvalidUsername`] if it can't be part of a user id.
pub(crate) fn user_id_for_service(
    name: &str,
    server_name: &ServerName,
) -> Result<OwnedUserId, AccountsError> {
    // Capitals are common on telephones, and no two names differ by them alone.
    let name = name.to_lowercase();
    // Appendices, section "User Identifiers": what the local part of a new user id is made of.
    let is_allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._=-/+".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_allowed) {
        return Err(AccountsError::InvalidUsername(
            "a user name is made of the letters a to z, digits and . _ = - / +".into(),
        ));
    }
    let user_id = format!("@{name}:{server_name}");
    // The whole id has at most 255 bytes.
    if user_id.len() > 255 {
        return Err(AccountsError::InvalidUsername("the user name is too long".into()));
    }
    UserId::parse(user_id)
        .map_err(|_| AccountsError::InvalidUsername("this can't be a user name".into()))
}

/// The user name made from an e-mail address; `attempt` 1 is the plain one, later ones get a number.
pub(crate) fn name_from_email(email: &Email, attempt: usize) -> String {
    let mut name = String::with_capacity(email.local_part().len() + 4);
    for character in email.local_part().nfkd().filter(|&character| !is_combining_mark(character)) {
        let character = character.to_ascii_lowercase();
        let is_allowed = character.is_ascii_lowercase()
            || character.is_ascii_digit()
            || ".-_".contains(character);
        name.push(if is_allowed { character } else { '-' });
    }
    let trimmed = name.trim_matches(['-', '_', '.']);
    let base = if trimmed.is_empty() { "user" } else { trimmed };
    // Room for the number and the server's name in the 255 bytes of an id.
    let base = &base[..base.len().min(64)];
    if attempt <= 1 { base.to_owned() } else { format!("{base}{attempt}") }
}

/// The display name made from an e-mail address: "Claire Martin [Intérieur]".
pub(crate) fn display_name_from_email(email: &Email, config: &RegistrationConfig) -> String {
    let words: Vec<String> = email
        .local_part()
        // What follows a plus is for sorting mail.
        .split('+')
        .next()
        .unwrap_or_default()
        .split(['.', '_'])
        .map(|word| word.trim_end_matches(|character: char| character.is_ascii_digit()))
        .filter(|word| !word.is_empty())
        .map(capitalised)
        .collect();
    let name = if words.is_empty() { email.local_part().to_owned() } else { words.join(" ") };
    format!("{name} [{}]", organisation(email, config))
}

/// The organisation behind an address's domain: "Intérieur".
pub(crate) fn organisation(email: &Email, config: &RegistrationConfig) -> String {
    config
        .organisations
        .get(email.domain())
        .cloned()
        .unwrap_or_else(|| capitalised(email.domain().split('.').next().unwrap_or_default()))
}

/// "jean-pierre" → "Jean-Pierre".
fn capitalised(word: &str) -> String {
    let parts: Vec<String> = word
        .split('-')
        .map(|part| {
            let mut characters = part.chars();
            match characters.next() {
                Some(first) => first.to_uppercase().chain(characters).collect(),
                None => String::new(),
            }
        })
        .collect();
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use ruma::server_name;

    use super::*;

    fn email(text: &str) -> Email {
        Email::parse(text).unwrap()
    }

    #[test]
    fn people_are_shown_by_the_name_in_their_address() {
        let mut config = RegistrationConfig::default();
        config.organisations.insert("interieur.example".to_owned(), "Intérieur".to_owned());
        let cases = [
            ("claire.martin@interieur.example", "Claire Martin [Intérieur]"),
            ("Jean-Pierre.DUPONT2@justice.example", "Jean-Pierre Dupont [Justice]"),
            ("hugo_petit+pli@justice.example", "Hugo Petit [Justice]"),
            ("42@justice.example", "42 [Justice]"),
        ];
        for (address, name) in cases {
            assert_eq!(display_name_from_email(&email(address), &config), name);
        }
    }

    #[test]
    fn any_address_makes_a_valid_user_id() {
        let cases = [
            ("claire.martin@interieur.example", 1, "claire.martin"),
            ("claire.martin@interieur.example", 2, "claire.martin2"),
            ("o'neil&co@interieur.example", 1, "o-neil-co"),
            ("_bridge@interieur.example", 1, "bridge"),
            ("+++@interieur.example", 1, "user"),
        ];
        for (address, attempt, name) in cases {
            let made = name_from_email(&email(address), attempt);
            assert_eq!(made, name);
            user_id_for_name(&made, server_name!("interieur.example")).unwrap();
        }
    }

    #[test]
    fn names_that_other_servers_would_refuse_are_refused() {
        let server_name = server_name!("interieur.example");
        for name in ["", "_x", "a b", "é", "a@b", "a:b", "a!", "a\n", &"a".repeat(255)] {
            assert!(user_id_for_name(name, server_name).is_err(), "{name:?}");
        }
        assert_eq!(
            user_id_for_name("Claire-Martin", server_name).unwrap(),
            "@claire-martin:interieur.example"
        );
    }
}
