//! A room's state as a persistent, content-addressed trie.
//!
//! A state is a set of entries (event type, state key) → event id, and it is known by its
//! [`StateRoot`]: a hash. An entry's place follows from the SHA-256 of its type and key, nodes branch
//! sixteen ways, and a node is a leaf if and only if at most [`LEAF_LIMIT`] entries lie below it. So
//! the same state has the same root whatever the order of the changes that led to it, two states
//! share every node that they have in common, and comparing two of them costs what they differ by.
//!
//! Nodes are immutable and addressed by their hash: they are written once and cached without ever
//! being invalidated.

mod apply;
mod node;
mod root;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use pli_store::{Batch, Keyspace, Snapshot};
use quick_cache::{Weighter, sync::Cache};
use ruma::OwnedEventId;

use self::{
    apply::Missing,
    node::{Path, path_of},
};
pub use self::{
    node::{Node, StateEntry},
    root::StateRoot,
};
use crate::{error::RoomError, lazy_snapshot::LazySnapshot};

/// The most entries that a leaf holds.
pub(crate) const LEAF_LIMIT: usize = 16;

/// Nodes by their hash.
pub const STATE_NODE: Keyspace<[u8; 32], Node> = Keyspace::new("state_node");

/// A change of one entry: its new event, or `None` to take it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// The event type, for example `m.room.member`.
    pub event_type: String,
    /// The state key.
    pub state_key: String,
    /// The event that holds from now on; `None`: no event does.
    pub event_id: Option<OwnedEventId>,
}

/// One entry in which two states differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDifference {
    /// The event type.
    pub event_type: String,
    /// The state key.
    pub state_key: String,
    /// The event in the first state, if it has one.
    pub before: Option<OwnedEventId>,
    /// The event in the second state, if it has one.
    pub after: Option<OwnedEventId>,
}

/// Nodes that exist in memory only, until the batch that writes them is committed.
pub(crate) type NodeOverlay = HashMap<StateRoot, Arc<Node>>;

#[derive(Clone)]
struct NodeWeight;

impl Weighter<StateRoot, Arc<Node>> for NodeWeight {
    fn weight(&self, _root: &StateRoot, node: &Arc<Node>) -> u64 {
        node.weight()
    }
}

/// Reads and changes states.
pub struct StateTree {
    /// Nodes that are in the store. A node is put here only once its batch is committed.
    committed: Cache<StateRoot, Arc<Node>, NodeWeight>,
}

impl StateTree {
    /// A tree that keeps at most about `capacity` bytes of nodes in memory.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let usual_node_bytes = 2048;
        let items = usize::try_from(capacity / usual_node_bytes).unwrap_or(usize::MAX).max(16);
        Self { committed: Cache::with_weighter(items, capacity, NodeWeight) }
    }

    /// The event of one entry.
    ///
    /// # Errors
    /// When the store fails or a node is missing.
    pub async fn get(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<OwnedEventId>, RoomError> {
        let source = LazySnapshot::given(snapshot);
        self.get_from(&source, &NodeOverlay::new(), root, event_type, state_key).await
    }

    pub(crate) async fn get_from(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &NodeOverlay,
        root: StateRoot,
        event_type: &str,
        state_key: &str,
    ) -> Result<Option<OwnedEventId>, RoomError> {
        if root.is_empty() {
            return Ok(None);
        }
        let path = path_of(event_type, state_key);
        let mut hash = root;
        let mut depth = 0;
        loop {
            let node = self.load(source, overlay, hash).await?;
            match &*node {
                Node::Leaf(entries) => {
                    let found = entries.iter().find(|entry| entry.is(event_type, state_key));
                    return Ok(found.map(|entry| entry.event_id.clone()));
                }
                Node::Inner(children) => match children.at(path.nibble(depth)) {
                    Some(child) => hash = child.hash,
                    None => return Ok(None),
                },
            }
            depth += 1;
        }
    }

    /// The events of many entries, in the order of the keys.
    ///
    /// # Errors
    /// When the store fails or a node is missing.
    pub async fn get_many(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
        keys: &[(&str, &str)],
    ) -> Result<Vec<Option<OwnedEventId>>, RoomError> {
        let source = LazySnapshot::given(snapshot);
        self.get_many_from(&source, &NodeOverlay::new(), root, keys).await
    }

    pub(crate) async fn get_many_from(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &NodeOverlay,
        root: StateRoot,
        keys: &[(&str, &str)],
    ) -> Result<Vec<Option<OwnedEventId>>, RoomError> {
        let mut found = vec![None; keys.len()];
        if root.is_empty() {
            return Ok(found);
        }
        let paths: Vec<Path> =
            keys.iter().map(|(event_type, state_key)| path_of(event_type, state_key)).collect();
        // One look-up of many nodes a level, so that a store across a network is asked few times.
        let mut pending: Vec<(usize, StateRoot)> = (0..keys.len()).map(|key| (key, root)).collect();
        let mut depth = 0;
        while !pending.is_empty() {
            let nodes =
                self.load_many(source, overlay, pending.iter().map(|(_, hash)| *hash)).await?;
            let mut deeper = Vec::new();
            for (key, hash) in pending {
                match &**nodes.get(&hash).ok_or(RoomError::MissingStateNode(hash))? {
                    Node::Leaf(entries) => {
                        let (event_type, state_key) = keys[key];
                        let entry = entries.iter().find(|entry| entry.is(event_type, state_key));
                        found[key] = entry.map(|entry| entry.event_id.clone());
                    }
                    Node::Inner(children) => {
                        if let Some(child) = children.at(paths[key].nibble(depth)) {
                            deeper.push((key, child.hash));
                        }
                    }
                }
            }
            pending = deeper;
            depth += 1;
        }
        Ok(found)
    }

    /// How many entries a state has. Reads one node.
    ///
    /// # Errors
    /// When the store fails or a node is missing.
    pub async fn len(&self, snapshot: &Snapshot, root: StateRoot) -> Result<usize, RoomError> {
        if root.is_empty() {
            return Ok(0);
        }
        let source = LazySnapshot::given(snapshot);
        Ok(self.load(&source, &NodeOverlay::new(), root).await?.len())
    }

    /// Every entry, in no meaningful order.
    ///
    /// # Errors
    /// When the store fails or a node is missing.
    pub async fn entries(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
    ) -> Result<Vec<StateEntry>, RoomError> {
        self.entries_from(&LazySnapshot::given(snapshot), &NodeOverlay::new(), root).await
    }

    pub(crate) async fn entries_from(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &NodeOverlay,
        root: StateRoot,
    ) -> Result<Vec<StateEntry>, RoomError> {
        self.collect(source, overlay, root, |_| true).await
    }

    /// Every entry of one event type, in no meaningful order. Walks the whole state: for members,
    /// page through the `member` keyspace instead.
    ///
    /// # Errors
    /// When the store fails or a node is missing.
    pub async fn entries_of_type(
        &self,
        snapshot: &Snapshot,
        root: StateRoot,
        event_type: &str,
    ) -> Result<Vec<StateEntry>, RoomError> {
        let source = LazySnapshot::given(snapshot);
        let of_type = |entry: &StateEntry| &*entry.event_type == event_type;
        self.collect(&source, &NodeOverlay::new(), root, of_type).await
    }

    async fn collect(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &NodeOverlay,
        root: StateRoot,
        wanted: impl Fn(&StateEntry) -> bool,
    ) -> Result<Vec<StateEntry>, RoomError> {
        let mut collected = Vec::new();
        let mut level = if root.is_empty() { Vec::new() } else { vec![root] };
        while !level.is_empty() {
            let nodes = self.load_many(source, overlay, level.iter().copied()).await?;
            let mut deeper = Vec::new();
            for hash in level {
                match &**nodes.get(&hash).ok_or(RoomError::MissingStateNode(hash))? {
                    Node::Leaf(entries) => {
                        collected.extend(entries.iter().filter(|entry| wanted(entry)).cloned());
                    }
                    Node::Inner(children) => {
                        deeper.extend(children.iter().map(|(_, child)| child.hash));
                    }
                }
            }
            level = deeper;
        }
        Ok(collected)
    }

    /// The entries in which two states differ, in no meaningful order. Costs what they differ by.
    ///
    /// # Errors
    /// When the store fails or a node is missing.
    pub async fn diff(
        &self,
        snapshot: &Snapshot,
        before: StateRoot,
        after: StateRoot,
    ) -> Result<Vec<StateDifference>, RoomError> {
        self.diff_from(&LazySnapshot::given(snapshot), &NodeOverlay::new(), before, after).await
    }

    pub(crate) async fn diff_from(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &NodeOverlay,
        before: StateRoot,
        after: StateRoot,
    ) -> Result<Vec<StateDifference>, RoomError> {
        // Subtrees that differ are walked down side by side; equal hashes are equal subtrees.
        let mut removed: HashMap<(String, String), OwnedEventId> = HashMap::new();
        let mut added: HashMap<(String, String), OwnedEventId> = HashMap::new();
        let mut level = vec![(before, after)];
        while !level.is_empty() {
            level.retain(|(left, right)| left != right);
            let hashes = level.iter().flat_map(|(left, right)| [*left, *right]);
            let hashes: Vec<_> = hashes.filter(|hash| !hash.is_empty()).collect();
            let nodes = self.load_many(source, overlay, hashes).await?;
            let mut deeper = Vec::new();
            for (left, right) in level {
                let node = |hash: StateRoot| {
                    if hash.is_empty() {
                        return Ok(None);
                    }
                    nodes.get(&hash).map(Some).ok_or(RoomError::MissingStateNode(hash))
                };
                match (node(left)?.map(|node| &**node), node(right)?.map(|node| &**node)) {
                    (Some(Node::Inner(lefts)), Some(Node::Inner(rights))) => {
                        for nibble in 0..16 {
                            deeper.push((lefts.hash_at(nibble), rights.hash_at(nibble)));
                        }
                    }
                    (left_node, right_node) => {
                        for (side, other, out) in
                            [(left_node, false, &mut removed), (right_node, true, &mut added)]
                        {
                            match side {
                                Some(Node::Leaf(entries)) => {
                                    out.extend(entries.iter().map(StateEntry::to_pair));
                                }
                                Some(Node::Inner(children)) => {
                                    deeper.extend(children.iter().map(|(_, child)| {
                                        if other {
                                            (StateRoot::EMPTY, child.hash)
                                        } else {
                                            (child.hash, StateRoot::EMPTY)
                                        }
                                    }));
                                }
                                None => {}
                            }
                        }
                    }
                }
            }
            level = deeper;
        }

        let mut differences = Vec::new();
        for ((event_type, state_key), event_id) in removed {
            let key = (event_type, state_key);
            let new_event = added.remove(&key);
            if new_event.as_ref() == Some(&event_id) {
                continue;
            }
            let (event_type, state_key) = key;
            differences.push(StateDifference {
                event_type,
                state_key,
                before: Some(event_id),
                after: new_event,
            });
        }
        differences.extend(added.into_iter().map(|((event_type, state_key), event_id)| {
            StateDifference { event_type, state_key, before: None, after: Some(event_id) }
        }));
        Ok(differences)
    }

    /// Makes a state with some entries changed. The nodes that it needs are put into `overlay`;
    /// [`StateTree::write`] writes them with the batch, [`StateTree::committed`] tells that it was.
    pub(crate) async fn apply(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &mut NodeOverlay,
        root: StateRoot,
        changes: &[StateChange],
    ) -> Result<StateRoot, RoomError> {
        let mut loaded = NodeOverlay::new();
        loop {
            let find = |hash: StateRoot| {
                overlay
                    .get(&hash)
                    .or_else(|| loaded.get(&hash))
                    .cloned()
                    .or_else(|| self.committed.get(&hash))
            };
            match apply::apply(root, changes, find) {
                Ok((new_root, new_nodes)) => {
                    let unknown = new_nodes
                        .into_iter()
                        .filter(|(hash, _)| !self.committed.contains_key(hash));
                    overlay.extend(unknown);
                    return Ok(new_root);
                }
                Err(Missing(hash)) => {
                    let node = self.load(source, overlay, hash).await?;
                    loaded.insert(hash, node);
                }
            }
        }
    }

    /// Adds the new nodes to a batch. Writing a node that exists already changes nothing.
    pub(crate) fn write(overlay: &NodeOverlay, batch: &mut Batch) {
        for (hash, node) in overlay {
            batch.put(&STATE_NODE, hash.as_bytes(), node);
        }
    }

    /// Says that a batch with these nodes was committed.
    pub(crate) fn committed(&self, overlay: &NodeOverlay) {
        for (hash, node) in overlay {
            self.committed.insert(*hash, Arc::clone(node));
        }
    }

    async fn load(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &NodeOverlay,
        hash: StateRoot,
    ) -> Result<Arc<Node>, RoomError> {
        if let Some(node) = overlay.get(&hash) {
            return Ok(Arc::clone(node));
        }
        if let Some(node) = self.committed.get(&hash) {
            return Ok(node);
        }
        let stored = source.get().await?.get(&STATE_NODE, hash.as_bytes()).await?;
        let node = Arc::new(stored.ok_or(RoomError::MissingStateNode(hash))?);
        self.committed.insert(hash, Arc::clone(&node));
        Ok(node)
    }

    async fn load_many(
        &self,
        source: &LazySnapshot<'_>,
        overlay: &NodeOverlay,
        hashes: impl IntoIterator<Item = StateRoot>,
    ) -> Result<NodeOverlay, RoomError> {
        let mut nodes = NodeOverlay::new();
        let mut missing = Vec::new();
        for hash in hashes {
            if nodes.contains_key(&hash) {
                continue;
            }
            let known = overlay.get(&hash).cloned().or_else(|| self.committed.get(&hash));
            match known {
                Some(node) => {
                    nodes.insert(hash, node);
                }
                None => missing.push(hash),
            }
        }
        if missing.is_empty() {
            return Ok(nodes);
        }
        missing.sort_unstable();
        missing.dedup();
        let snapshot = source.get().await?;
        let stored =
            snapshot.get_many(&STATE_NODE, missing.iter().map(StateRoot::as_bytes)).await?;
        for (hash, found) in missing.into_iter().zip(stored) {
            let (node, _) = found.ok_or(RoomError::MissingStateNode(hash))?;
            let node = Arc::new(node);
            self.committed.insert(hash, Arc::clone(&node));
            nodes.insert(hash, node);
        }
        Ok(nodes)
    }
}
