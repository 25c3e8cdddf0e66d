use std::cmp::Ordering;

use pli_store::{CodecError, Value};
use ruma::OwnedEventId;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::StateRoot;

/// One entry of a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateEntry {
    /// The event type.
    pub event_type: Box<str>,
    /// The state key.
    pub state_key: Box<str>,
    /// The event that holds.
    pub event_id: OwnedEventId,
}

impl StateEntry {
    pub(super) fn is(&self, event_type: &str, state_key: &str) -> bool {
        &*self.state_key == state_key && &*self.event_type == event_type
    }

    pub(super) fn compare_key(&self, event_type: &str, state_key: &str) -> Ordering {
        (&*self.event_type, &*self.state_key).cmp(&(event_type, state_key))
    }

    pub(super) fn to_pair(&self) -> ((String, String), OwnedEventId) {
        ((self.event_type.to_string(), self.state_key.to_string()), self.event_id.clone())
    }
}

/// A child of an inner node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Child {
    pub(crate) hash: StateRoot,
    /// How many entries lie below it.
    pub(crate) count: u32,
}

/// The sixteen places of an inner node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Children(pub(super) [Option<Child>; 16]);

impl Children {
    pub(super) fn at(&self, nibble: usize) -> Option<Child> {
        self.0[nibble]
    }

    pub(super) fn hash_at(&self, nibble: usize) -> StateRoot {
        self.0[nibble].map_or(StateRoot::EMPTY, |child| child.hash)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Child)> + '_ {
        let present = |(nibble, child): (usize, &Option<Child>)| child.map(|child| (nibble, child));
        self.0.iter().enumerate().filter_map(present)
    }

    fn count(&self) -> usize {
        self.iter().map(|(_, child)| child.count as usize).sum()
    }
}

/// A node of a state's trie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Node {
    /// At most 16 entries, sorted by type and key.
    Leaf(Vec<StateEntry>),
    /// More than 16 entries, below up to sixteen children.
    Inner(Box<Children>),
}

impl Node {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Leaf(entries) => entries.len(),
            Self::Inner(children) => children.count(),
        }
    }

    /// About how many bytes the node takes in memory.
    pub(super) fn weight(&self) -> u64 {
        let bytes = match self {
            Self::Leaf(entries) => {
                let of_entry = |entry: &StateEntry| {
                    96 + entry.event_type.len()
                        + entry.state_key.len()
                        + entry.event_id.as_str().len()
                };
                64 + entries.iter().map(of_entry).sum::<usize>()
            }
            Self::Inner(_) => 64 + size_of::<Children>(),
        };
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The node's name: SHA-256 of its stored bytes, which are canonical.
    pub(super) fn hash(&self) -> StateRoot {
        StateRoot::new(Sha256::digest(self.to_bytes()).into())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        match self {
            Self::Leaf(entries) => {
                out.push(LEAF);
                out.push(u8::try_from(entries.len()).expect("a leaf has at most 16 entries"));
                for entry in entries {
                    for text in [&*entry.event_type, &*entry.state_key, entry.event_id.as_str()] {
                        // The three are at most 255 bytes each, see the size limits of events; a
                        // foreign room could hold longer ones, hence two bytes.
                        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
                        out.extend_from_slice(&length.to_be_bytes());
                        out.extend_from_slice(&text.as_bytes()[..usize::from(length)]);
                    }
                }
            }
            Self::Inner(children) => {
                out.push(INNER);
                let present = children.iter().fold(0_u16, |bits, (nibble, _)| bits | 1 << nibble);
                out.extend_from_slice(&present.to_be_bytes());
                for (_, child) in children.iter() {
                    out.extend_from_slice(child.hash.as_bytes());
                    out.extend_from_slice(&child.count.to_be_bytes());
                }
            }
        }
        out
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut input = bytes.strip_prefix(&[FORMAT])?;
        let node = match take::<1>(&mut input)? {
            [LEAF] => {
                let [count] = take::<1>(&mut input)?;
                let entries = (0..count).map(|_| take_entry(&mut input)).collect::<Option<_>>()?;
                Self::Leaf(entries)
            }
            [INNER] => {
                let present = u16::from_be_bytes(take(&mut input)?);
                let mut children = Children::default();
                for nibble in (0..16).filter(|nibble| present & 1 << nibble != 0) {
                    let hash = StateRoot::new(take(&mut input)?);
                    let count = u32::from_be_bytes(take(&mut input)?);
                    children.0[nibble] = Some(Child { hash, count });
                }
                Self::Inner(Box::new(children))
            }
            _ => return None,
        };
        input.is_empty().then_some(node)
    }
}

const FORMAT: u8 = 1;
const LEAF: u8 = 0;
const INNER: u8 = 1;

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = input.split_first_chunk()?;
    *input = tail;
    Some(*head)
}

fn take_text<'a>(input: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::from(u16::from_be_bytes(take(input)?));
    let (head, tail) = input.split_at_checked(length)?;
    *input = tail;
    str::from_utf8(head).ok()
}

fn take_entry(input: &mut &[u8]) -> Option<StateEntry> {
    let event_type = take_text(input)?.into();
    let state_key = take_text(input)?.into();
    let event_id = take_text(input)?.try_into().ok()?;
    Some(StateEntry { event_type, state_key, event_id })
}

impl Value for Node {
    fn encode(&self) -> Result<Vec<u8>, CodecError> {
        Ok(self.to_bytes())
    }

    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        Self::from_bytes(bytes).ok_or_else(|| CodecError::Value("state node".to_owned()))
    }
}

/// An entry's place in the trie: SHA-256 of its type, a zero byte and its key, four bits a level.
pub(super) struct Path([u8; 32]);

impl Path {
    pub(super) fn nibble(&self, depth: usize) -> usize {
        let byte = usize::from(self.0[depth / 2]);
        if depth.is_multiple_of(2) { byte >> 4 } else { byte & 0x0F }
    }
}

pub(super) fn path_of(event_type: &str, state_key: &str) -> Path {
    let mut hasher = Sha256::new();
    hasher.update(event_type.as_bytes());
    hasher.update([0]);
    hasher.update(state_key.as_bytes());
    Path(hasher.finalize().into())
}
