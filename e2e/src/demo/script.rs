//! Who writes what, where and when.

use super::DemoError;

/// A conversation and what is written in it.
pub(super) struct Conversation {
    /// The name of a group; none for a conversation of two.
    pub(super) name: Option<&'static str>,
    /// Who makes it.
    pub(super) creator: &'static str,
    /// The other one of a conversation of two; in a group, everybody.
    pub(super) other: Option<&'static str>,
    text: &'static str,
}

/// The conversations of the demo.
///
/// In their texts, `== 3 14:04` begins what was written three days ago from 14:04 on, `== 0` what
/// was written in the last hour; the other lines are messages, pictures or files, each with its author.
pub(super) const CONVERSATIONS: [Conversation; 4] = [
    Conversation {
        name: Some("Cellule de crise · Val-d’Orne"),
        creator: "Claire Martin",
        other: None,
        text: include_str!("script/crisis-cell.txt"),
    },
    Conversation {
        name: None,
        creator: "Claire Martin",
        other: Some("Samir Benali"),
        text: include_str!("script/claire-and-samir.txt"),
    },
    Conversation {
        name: None,
        creator: "Léa Dubois",
        other: Some("Awa Koné"),
        text: include_str!("script/awa-and-lea.txt"),
    },
    Conversation {
        name: None,
        creator: "Hugo Petit",
        other: Some("Claire Martin"),
        text: include_str!("script/claire-and-hugo.txt"),
    },
];

/// Something that somebody sends.
pub(super) struct Line {
    /// Milliseconds since the Unix epoch.
    pub(super) at_ms: u64,
    /// Its conversation's place in [`CONVERSATIONS`].
    pub(super) conversation: usize,
    pub(super) author: &'static str,
    pub(super) content: Content,
}

/// What is sent.
pub(super) enum Content {
    Text(&'static str),
    /// A picture of this name.
    Picture(&'static str),
    /// A file of this name.
    File(&'static str),
}

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;
/// How far the script's clock is ahead of universal time: Paris in winter.
const AHEAD_MS: u64 = HOUR_MS;

/// The lines of all conversations, in the order of their times, the last of them before `now_ms`.
pub(super) fn lines(now_ms: u64) -> Result<Vec<Line>, DemoError> {
    let mut lines = Vec::new();
    for (conversation, Conversation { text, .. }) in CONVERSATIONS.iter().enumerate() {
        let mut at_ms = 0;
        for line in text.lines() {
            if let Some(heading) = line.strip_prefix("== ") {
                at_ms = at_ms.max(time(heading, now_ms).ok_or_else(|| not_understood(line))?);
                continue;
            }
            let (author, content) = message(line).ok_or_else(|| not_understood(line))?;
            lines.push(Line { at_ms, conversation, author, content });
            at_ms += typing_time(line);
        }
    }
    lines.sort_by_key(|line| line.at_ms);
    Ok(lines)
}

/// When the people of the demo sign up: before anybody writes.
pub(super) fn beginning_ms(now_ms: u64) -> u64 {
    now_ms.saturating_sub(8 * DAY_MS)
}

fn time(heading: &str, now_ms: u64) -> Option<u64> {
    let Some((days, clock)) = heading.split_once(' ') else {
        return (heading == "0").then(|| now_ms.saturating_sub(HOUR_MS));
    };
    let (hours, minutes) = clock.split_once(':')?;
    let local_now_ms = now_ms + AHEAD_MS;
    let today_ms = local_now_ms - local_now_ms % DAY_MS - AHEAD_MS;
    let since_midnight =
        hours.parse::<u64>().ok()? * HOUR_MS + minutes.parse::<u64>().ok()? * MINUTE_MS;
    Some(today_ms.checked_sub(days.parse::<u64>().ok()? * DAY_MS)? + since_midnight)
}

fn message(line: &'static str) -> Option<(&'static str, Content)> {
    if let Some(picture) = line.strip_prefix("[photo] ") {
        let (author, name) = picture.split_once(": ")?;
        return Some((author, Content::Picture(name)));
    }
    if let Some(file) = line.strip_prefix("[fichier] ") {
        let (author, name) = file.split_once(": ")?;
        return Some((author, Content::File(name)));
    }
    let (author, text) = line.split_once(": ")?;
    Some((author, Content::Text(text)))
}

/// How long the next line takes to come: longer after more to read.
fn typing_time(line: &str) -> u64 {
    let length = u64::try_from(line.len()).unwrap_or(u64::MAX);
    MINUTE_MS / 2 + (length % 97) * 700
}

fn not_understood(line: &str) -> DemoError {
    DemoError::Unexpected(format!("a line of the demo's script can't be understood: {line}"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::demo::people::{COLLEAGUES, RESIDENTS};

    const NOON_MS: u64 = 1_700_000_000_000;

    #[test]
    fn every_line_has_an_author_of_its_conversation_and_a_time_in_the_past() {
        let everybody: HashSet<&str> = RESIDENTS
            .iter()
            .map(|resident| resident.name)
            .chain(COLLEAGUES.iter().map(|(name, _)| *name))
            .collect();
        assert_eq!(everybody.len(), 30);
        // Whatever the time of the day.
        for hour in 0..24 {
            let now_ms = NOON_MS + hour * HOUR_MS;
            let lines = lines(now_ms).unwrap();
            assert!(lines.len() > 200);
            for line in &lines {
                let conversation = &CONVERSATIONS[line.conversation];
                let may_write = match conversation.other {
                    Some(other) => [conversation.creator, other].contains(&line.author),
                    None => everybody.contains(line.author),
                };
                assert!(may_write, "{}", line.author);
                assert!(beginning_ms(now_ms) < line.at_ms && line.at_ms < now_ms);
            }
        }
    }
}
