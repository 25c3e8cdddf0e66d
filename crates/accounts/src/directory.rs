//! The user directory: finding people by name or address (client-server API, section "User
//! directory").
//!
//! An index of words, folded (lower case, without accents): display name, user id and e-mail
//! addresses of every active user of this server. A search reads a bounded part of it.

use std::collections::BTreeSet;

use pli_store::{Batch, Direction, Expect, Keyspace, Record, Snapshot, Store};
use ruma::{OwnedMxcUri, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use crate::{Accounts, AccountsError, Profiles};

/// word, user id → nothing: the index.
pub(crate) const DIRECTORY_WORDS: Keyspace<(String, String), ()> = Keyspace::new("directory_words");
/// user → the words under which they are in the index.
pub(crate) const DIRECTORY_ENTRIES: Keyspace<OwnedUserId, DirectoryEntry> =
    Keyspace::new("directory_entries");

/// How many rows of the index one search reads at most.
const MAX_CANDIDATES: usize = 1_000;
/// How many people one search returns at most.
pub const MAX_RESULTS: usize = 50;
/// How many words of a search term count.
const MAX_TERMS: usize = 8;
/// How much of a word is indexed, in characters.
const MAX_WORD_LENGTH: usize = 64;
/// How many words of one user are indexed.
const MAX_WORDS: usize = 64;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct DirectoryEntry {
    words: BTreeSet<String>,
}

impl Record for DirectoryEntry {}

/// Somebody found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundUser {
    /// The user's id.
    pub user_id: OwnedUserId,
    /// Their display name.
    pub display_name: Option<String>,
    /// Their avatar.
    pub avatar_url: Option<OwnedMxcUri>,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResults {
    /// The people, best match first.
    pub users: Vec<FoundUser>,
    /// Whether there are more.
    pub limited: bool,
}

/// Whom a search found, before anybody says what of them is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    /// Who, best match first.
    pub user_ids: Vec<OwnedUserId>,
    /// Whether there may be more.
    pub limited: bool,
}

/// The directory of the users of this server.
#[derive(Clone)]
pub struct UserDirectory {
    store: Store,
}

impl UserDirectory {
    /// The directory in a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// People whose name, user id or e-mail address has, for each word of the term, a word that
    /// begins with it, best match first. The searcher isn't among them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn search(
        &self,
        searcher: &UserId,
        term: &str,
        limit: usize,
    ) -> Result<SearchResults, AccountsError> {
        let snapshot = self.store.snapshot().await?;
        let Matches { mut user_ids, mut limited } = self.matches(&snapshot, searcher, term).await?;
        let limit = limit.min(MAX_RESULTS);
        limited |= user_ids.len() > limit;
        user_ids.truncate(limit);
        Ok(SearchResults { users: self.found(&snapshot, user_ids).await?, limited })
    }

    /// All whom [`Self::search`] would find, for whoever shows only some of them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn matches(
        &self,
        snapshot: &Snapshot,
        searcher: &UserId,
        term: &str,
    ) -> Result<Matches, AccountsError> {
        let terms: Vec<String> = words(without_server(term)).take(MAX_TERMS).collect();
        // The longest word has the fewest matches; the others only have to fit.
        let Some(rarest) = terms.iter().max_by_key(|word| word.chars().count()) else {
            return Ok(Matches::default());
        };
        let candidates = candidates(snapshot, rarest).await?;
        let limited = candidates.len() == MAX_CANDIDATES;
        let user_ids: BTreeSet<OwnedUserId> =
            candidates.into_iter().filter(|user_id| user_id != searcher).collect();
        let entries = snapshot.get_many(&DIRECTORY_ENTRIES, &user_ids).await?;
        let mut matches: Vec<(usize, OwnedUserId)> = user_ids
            .into_iter()
            .zip(entries)
            .filter_map(|(user_id, entry)| Some((score(&terms, &entry?.0.words)?, user_id)))
            .collect();
        matches.sort_by(|(left, left_id), (right, right_id)| {
            right.cmp(left).then_with(|| left_id.cmp(right_id))
        });
        let user_ids = matches.into_iter().map(|(_, user_id)| user_id).collect();
        Ok(Matches { user_ids, limited })
    }

    /// What is shown of people, in the order of their ids given.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn found(
        &self,
        snapshot: &Snapshot,
        user_ids: Vec<OwnedUserId>,
    ) -> Result<Vec<FoundUser>, AccountsError> {
        let mut users = Vec::with_capacity(user_ids.len());
        for user_id in user_ids {
            let profile = Profiles::get_at(snapshot, &user_id).await?.unwrap_or_default();
            users.push(FoundUser {
                display_name: profile.display_name().map(str::to_owned),
                avatar_url: profile.avatar_url(),
                user_id,
            });
        }
        Ok(users)
    }

    /// Puts a user into the index, or brings their entry up to date, in a batch that does more.
    ///
    /// Reads their e-mail addresses from the snapshot.
    pub(crate) async fn stage_update(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        display_name: Option<&str>,
    ) -> Result<(), AccountsError> {
        let emails = Accounts::emails_at(snapshot, user_id).await?;
        let emails = emails.iter().map(|(email, _)| email.as_str());
        self.stage_entry(snapshot, batch, user_id, display_name, emails).await
    }

    /// The same, with the e-mail addresses given.
    pub(crate) async fn stage_entry<'a>(
        &self,
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
        display_name: Option<&str>,
        emails: impl Iterator<Item = &'a str>,
    ) -> Result<(), AccountsError> {
        let mut new_words: BTreeSet<String> = words(user_id.localpart()).collect();
        new_words.extend(emails.flat_map(|email| {
            let local_part = email.rsplit_once('@').map_or("", |(local_part, _)| local_part);
            words(email).chain(words(local_part)).collect::<Vec<_>>()
        }));
        new_words.extend(words(display_name.unwrap_or_default()).take(MAX_WORDS / 2));
        let new_words: BTreeSet<String> = new_words.into_iter().take(MAX_WORDS).collect();

        let old = snapshot.get_versioned(&DIRECTORY_ENTRIES, user_id).await?;
        let version = old.as_ref().map(|(_, version)| *version);
        let old_words = old.map(|(entry, _)| entry.words).unwrap_or_default();
        batch.require(&DIRECTORY_ENTRIES, user_id, Expect::unchanged(version));
        for word in old_words.difference(&new_words) {
            batch.delete(&DIRECTORY_WORDS, (word, user_id.as_str()));
        }
        for word in new_words.difference(&old_words) {
            batch.put(&DIRECTORY_WORDS, (word, user_id.as_str()), &());
        }
        batch.put(&DIRECTORY_ENTRIES, user_id, &DirectoryEntry { words: new_words });
        Ok(())
    }

    /// Takes a user out of the index, in a batch that does more.
    pub(crate) async fn stage_removal(
        snapshot: &Snapshot,
        batch: &mut Batch,
        user_id: &UserId,
    ) -> Result<(), AccountsError> {
        let Some((entry, version)) = snapshot.get_versioned(&DIRECTORY_ENTRIES, user_id).await?
        else {
            return Ok(());
        };
        batch.require(&DIRECTORY_ENTRIES, user_id, Expect::Version(version));
        for word in &entry.words {
            batch.delete(&DIRECTORY_WORDS, (word, user_id.as_str()));
        }
        batch.delete(&DIRECTORY_ENTRIES, user_id);
        Ok(())
    }
}

/// The users with a word that begins with this one, at most [`MAX_CANDIDATES`].
async fn candidates(snapshot: &Snapshot, word: &str) -> Result<Vec<OwnedUserId>, AccountsError> {
    // Keys end words with a mark below every character, so the words that begin with this one lie
    // from itself to itself with the greatest character behind it.
    let end = format!("{word}{}", char::MAX);
    let range = DIRECTORY_WORDS.all().from((word, "")).before((end.as_str(), ""));
    let rows = snapshot.scan(&DIRECTORY_WORDS, range, MAX_CANDIDATES, Direction::Forward).await?;
    // Ids that aren't valid can't have been written.
    Ok(rows.into_iter().filter_map(|row| row.key.1.try_into().ok()).collect())
}

/// A user id without its server, which all of them have; any other text as it is.
fn without_server(term: &str) -> &str {
    let term = term.trim();
    match term.split_once(':') {
        Some((localpart, _)) if localpart.starts_with('@') => localpart,
        _ => term,
    }
}

/// How well an entry fits: the number of terms that are whole words of it; `None` if a term fits
/// none.
fn score(terms: &[String], words: &BTreeSet<String>) -> Option<usize> {
    terms.iter().try_fold(0, |score, term| {
        let begins = words.range(term.clone()..).next()?.starts_with(term.as_str());
        begins.then(|| score + usize::from(words.contains(term)))
    })
}

/// The words of a text, folded. A text with an `@` inside is one word, so that whole addresses can be
/// searched for.
fn words(text: &str) -> impl Iterator<Item = String> {
    let folded = fold(text);
    let is_part = |character: char| character.is_alphanumeric();
    let mut words: Vec<String> = Vec::new();
    for chunk in folded.split_whitespace() {
        if chunk.trim_matches('@').contains('@') {
            words.push(chunk.chars().take(MAX_WORD_LENGTH).collect());
            continue;
        }
        for word in chunk.split(|character| !is_part(character)) {
            if !word.is_empty() {
                words.push(word.chars().take(MAX_WORD_LENGTH).collect());
            }
        }
    }
    words.into_iter()
}

/// Lower case without accents: "Éléonore Œuvrard" and "eleonore oeuvrard" are the same.
fn fold(text: &str) -> String {
    let decomposed = text.nfkd().filter(|&character| !is_combining_mark(character));
    let mut folded = String::with_capacity(text.len());
    for character in decomposed.flat_map(char::to_lowercase) {
        match character {
            // Letters of European names that have no decomposition.
            'œ' => folded.push_str("oe"),
            'æ' => folded.push_str("ae"),
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            other => folded.push(other),
        }
    }
    folded
}
