//! What is searched of events, and the words in it.

use ruma::events::TimelineEventType;
use serde_json::Value;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

use super::SearchKey;
use crate::event::RoomEvent;

/// The longest word, in bytes: nobody searches for more.
const MAX_WORD_BYTES: usize = 64;
/// How many different words of an event can be found.
const MOST_WORDS: usize = 500;

/// What is searched of an event.
pub(super) struct Searchable {
    pub(super) key: SearchKey,
    pub(super) text: String,
}

impl Searchable {
    /// `None` for what has no text in the clear.
    pub(super) fn of(event: &RoomEvent) -> Option<Self> {
        let (key, field) = match event.pdu.event_type() {
            TimelineEventType::RoomMessage => (SearchKey::Body, "body"),
            TimelineEventType::RoomName => (SearchKey::Name, "name"),
            TimelineEventType::RoomTopic => (SearchKey::Topic, "topic"),
            _ => return None,
        };
        if event.is_hidden() || event.redacted_by.is_some() {
            return None;
        }
        let content: Value = event.pdu.content_as().ok()?;
        // Of an edit, what it makes of the message.
        let text = content.get("m.new_content").and_then(|new| new.get(field));
        let text = text.or_else(|| content.get(field))?.as_str()?;
        Some(Self { key, text: text.to_owned() })
    }
}

/// The different words of a text, without accents and capitals.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.unicode_words() {
        let plain = word.nfkd().filter(|letter| !is_combining_mark(*letter));
        let mut word: String = plain.flat_map(char::to_lowercase).collect();
        if word.len() > MAX_WORD_BYTES {
            let end = (0..=MAX_WORD_BYTES).rev().find(|end| word.is_char_boundary(*end));
            word.truncate(end.unwrap_or(0));
        }
        words.push(word);
    }
    words.sort_unstable();
    words.dedup();
    words.truncate(MOST_WORDS);
    words
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_found_however_they_are_written() {
        assert_eq!(words("Réunion à 9h, salle Été!"), ["9h", "a", "ete", "reunion", "salle"]);
        assert_eq!(words("hello, world hello"), ["hello", "world"]);
        assert_eq!(words("…"), Vec::<String>::new());
    }

    #[test]
    fn a_long_word_is_cut_between_letters() {
        let [word] = &words(&"é".repeat(40).replace('é', "ж"))[..] else { unreachable!() };
        assert_eq!(word.len(), 64);
    }
}
