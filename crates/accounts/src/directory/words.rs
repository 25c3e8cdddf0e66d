//! The words of names and addresses.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// How much of a word is indexed, in characters.
const MAX_WORD_LENGTH: usize = 64;

/// The words of a text, folded. A text with an `@` inside is one word, so that whole addresses can be
/// searched for.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
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

/// The words under which a text is found: its words, and what is written with hyphens and apostrophes
/// also in one, as people type it.
pub(super) fn indexed_words(text: &str) -> impl Iterator<Item = String> {
    let folded = fold(text);
    let is_joint = |character: char| matches!(character, '-' | '‐' | '‑' | '\'' | '’' | '´');
    let is_outside = |character: char| !character.is_alphanumeric();
    let compounds = folded
        .split(|character: char| is_outside(character) && !is_joint(character))
        .map(|compound| compound.trim_matches(is_outside))
        // Numbers that make user ids unique are no part of a name.
        .filter(|compound| compound.contains(is_joint) && !compound.contains(char::is_numeric))
        .map(|compound| {
            let letters = compound.chars().filter(|character| character.is_alphanumeric());
            letters.take(MAX_WORD_LENGTH).collect::<String>()
        });
    let compounds: Vec<String> = compounds.collect();
    words(text).chain(compounds)
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
