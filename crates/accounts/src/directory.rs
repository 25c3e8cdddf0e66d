//! The user directory: finding people by name or address (client-server API, section "User
//! directory").
//!
//! An index of words, folded (lower case, without accents): display name, user id and e-mail
//! addresses of every active user of this server. A search reads a bounded part of it, however many
//! people there are: those with the rarest of its words, or, if thousands have each of them, some.

mod candidates;
mod rebuild;
mod words;

use std::{cmp::Reverse, collections::BTreeSet};

use pli_store::{Batch, Expect, Keyspace, Record, Snapshot, Store};
use ruma::{OwnedMxcUri, OwnedUserId, UserId};
use serde::{Deserialize, Serialize};

use self::{
    candidates::{with_word, with_words},
    words::{indexed_words, words},
};
use crate::{Accounts, AccountsError, Profiles};

/// word, user id → nothing: the index.
pub(crate) const DIRECTORY_WORDS: Keyspace<(String, String), ()> = Keyspace::new("directory_words");
/// user → the words under which they are in the index.
pub(crate) const DIRECTORY_ENTRIES: Keyspace<OwnedUserId, DirectoryEntry> =
    Keyspace::new("directory_entries");

/// How many people one search returns at most.
pub const MAX_RESULTS: usize = 50;
/// How many words of a search term count.
const MAX_TERMS: usize = 8;
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
        let limit = limit.min(MAX_RESULTS);
        let Matches { mut user_ids, mut limited } =
            self.matches(&snapshot, searcher, term, limit).await?;
        limited |= user_ids.len() > limit;
        user_ids.truncate(limit);
        Ok(SearchResults { users: self.found(&snapshot, user_ids).await?, limited })
    }

    /// Those whom [`Self::search`] finds, for whoever shows only some of them: as many as are wanted,
    /// and those that are found along with them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn matches(
        &self,
        snapshot: &Snapshot,
        searcher: &UserId,
        term: &str,
        wanted: usize,
    ) -> Result<Matches, AccountsError> {
        let mut terms: Vec<String> = words(without_server(term)).take(MAX_TERMS).collect();
        // A long word is a rare one, mostly.
        terms.sort_by_key(|word| Reverse(word.chars().count()));
        terms.dedup();
        match terms.as_slice() {
            [] => Ok(Matches::default()),
            [term] => with_word(snapshot, searcher, term, wanted).await,
            terms => with_words(snapshot, searcher, terms, wanted).await,
        }
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
        let profiles = Profiles::get_many_at(snapshot, &user_ids).await?;
        let users = user_ids.into_iter().zip(profiles).map(|(user_id, profile)| FoundUser {
            display_name: profile.display_name().map(str::to_owned),
            avatar_url: profile.avatar_url(),
            user_id,
        });
        Ok(users.collect())
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
        let mut new_words: BTreeSet<String> = indexed_words(user_id.localpart()).collect();
        new_words.extend(emails.flat_map(|email| {
            let local_part = email.rsplit_once('@').map_or("", |(local_part, _)| local_part);
            words(email).chain(indexed_words(local_part)).collect::<Vec<_>>()
        }));
        new_words.extend(indexed_words(display_name.unwrap_or_default()).take(MAX_WORDS / 2));
        let new_words: BTreeSet<String> = new_words.into_iter().take(MAX_WORDS).collect();

        let old = snapshot.get_versioned(&DIRECTORY_ENTRIES, user_id).await?;
        let version = old.as_ref().map(|(_, version)| *version);
        let old_words = old.map(|(entry, _)| entry.words).unwrap_or_default();
        batch.require(&DIRECTORY_ENTRIES, user_id, Expect::unchanged(version));
        if version.is_some() && old_words == new_words {
            return Ok(());
        }
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

/// A user id without its server, which all of them have; any other text as it is.
fn without_server(term: &str) -> &str {
    let term = term.trim();
    match term.split_once(':') {
        Some((localpart, _)) if localpart.starts_with('@') => localpart,
        _ => term,
    }
}
