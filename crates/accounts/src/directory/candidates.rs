//! Who has the words of a search.

use std::collections::{BTreeSet, HashSet};

use pli_store::{Direction, Snapshot};
use ruma::{OwnedUserId, UserId};

use super::{DIRECTORY_ENTRIES, DIRECTORY_WORDS, Matches};
use crate::AccountsError;

/// How many rows of each word are looked at to find the one that the fewest people have: first a few,
/// then more.
const LOOKS: [usize; 3] = [64, 256, 1_000];
/// How many rows of a word that is not rare one search reads at most.
const MAX_CANDIDATES: usize = 1_000;
/// How many people's words are read at once.
const PAGE: usize = 100;

/// The people with a word that begins with this one; those who have the whole of it come first, since
/// the index is in the order of words.
pub(super) async fn with_word(
    snapshot: &Snapshot,
    searcher: &UserId,
    word: &str,
    wanted: usize,
) -> Result<Matches, AccountsError> {
    let mut candidates = Candidates::new(word);
    let mut matches = Matches::default();
    let mut known = HashSet::new();
    // One more than wanted tells that there are more.
    while matches.user_ids.len() <= wanted && !candidates.are_exhausted() {
        let some = candidates.next(snapshot, wanted.saturating_add(2)).await?;
        let others = some.into_iter().filter(|user_id| user_id != searcher);
        matches.user_ids.extend(others.filter(|user_id| known.insert(user_id.clone())));
    }
    matches.limited = candidates.are_more();
    Ok(matches)
}

/// The people who have, for each of these words, one that begins with it.
pub(super) async fn with_words(
    snapshot: &Snapshot,
    searcher: &UserId,
    terms: &[String],
    wanted: usize,
) -> Result<Matches, AccountsError> {
    let (mut candidates, mut some) = rarest(snapshot, terms).await?;
    let mut matches: Vec<(usize, OwnedUserId)> = Vec::new();
    let mut known = HashSet::new();
    loop {
        some.retain(|user_id| user_id != searcher && known.insert(user_id.clone()));
        let entries = snapshot.get_many(&DIRECTORY_ENTRIES, &some).await?;
        let fitting = some.into_iter().zip(entries).filter_map(|(user_id, entry)| {
            let (entry, _) = entry?;
            Some((score(terms, &entry.words)?, user_id))
        });
        matches.extend(fitting);
        if matches.len() > wanted || candidates.are_exhausted() {
            break;
        }
        some = candidates.next(snapshot, PAGE).await?;
    }
    matches.sort_by(|(left, left_id), (right, right_id)| {
        right.cmp(left).then_with(|| left_id.cmp(right_id))
    });
    let user_ids = matches.into_iter().map(|(_, user_id)| user_id).collect();
    Ok(Matches { user_ids, limited: candidates.are_more() })
}

/// Of these words the one that the fewest people have, with all of them; if thousands have each, the
/// longest, with some of them.
async fn rarest<'t>(
    snapshot: &Snapshot,
    terms: &'t [String],
) -> Result<(Candidates<'t>, Vec<OwnedUserId>), AccountsError> {
    let mut common = None;
    for most in LOOKS {
        for term in terms {
            let mut candidates = Candidates::new(term);
            let some = candidates.next(snapshot, most).await?;
            if !candidates.are_more() {
                return Ok((candidates, some));
            }
            if common.is_none() {
                common = Some((candidates, some));
            }
        }
    }
    Ok(common.unwrap_or_else(|| (Candidates::none(), Vec::new())))
}

/// The people with a word that begins with one, a few at a time.
struct Candidates<'t> {
    word: &'t str,
    last: Option<(String, String)>,
    read: usize,
    is_end: bool,
}

impl<'t> Candidates<'t> {
    fn new(word: &'t str) -> Self {
        Self { word, last: None, read: 0, is_end: false }
    }

    fn none() -> Self {
        Self { is_end: true, ..Self::new("") }
    }

    /// Whether no more of them are read.
    fn are_exhausted(&self) -> bool {
        self.is_end || self.read >= MAX_CANDIDATES
    }

    /// Whether some of them were not read.
    fn are_more(&self) -> bool {
        !self.is_end
    }

    async fn next(
        &mut self,
        snapshot: &Snapshot,
        most: usize,
    ) -> Result<Vec<OwnedUserId>, AccountsError> {
        let most = most.min(MAX_CANDIDATES - self.read.min(MAX_CANDIDATES));
        // Keys end words with a mark below every character, so the words that begin with this one lie
        // from itself to itself with the greatest character behind it.
        let end = format!("{}{}", self.word, char::MAX);
        let mut range = DIRECTORY_WORDS.all().before((end.as_str(), ""));
        range = match &self.last {
            Some((word, user_id)) => range.after((word, user_id)),
            None => range.from((self.word, "")),
        };
        let rows = snapshot.scan(&DIRECTORY_WORDS, range, most, Direction::Forward).await?;
        self.read += rows.len();
        self.is_end = rows.len() < most;
        if let Some(last) = rows.last() {
            self.last = Some(last.key.clone());
        }
        // Ids that aren't valid can't have been written.
        Ok(rows.into_iter().filter_map(|row| row.key.1.try_into().ok()).collect())
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
