//! Changing a state: pure, over nodes that are in memory already.

use std::sync::Arc;

use super::{
    LEAF_LIMIT, NodeOverlay, StateChange, StateEntry, StateRoot,
    node::{Child, Children, Node, Path, path_of},
};

/// A node is needed that isn't in memory: load it and try again.
pub(super) struct Missing(pub(super) StateRoot);

struct Change<'a> {
    path: Path,
    change: &'a StateChange,
}

struct Rebuild<F> {
    find: F,
    new_nodes: NodeOverlay,
}

/// The root with the changes applied, and the nodes made on the way.
pub(super) fn apply(
    root: StateRoot,
    changes: &[StateChange],
    find: impl Fn(StateRoot) -> Option<Arc<Node>>,
) -> Result<(StateRoot, NodeOverlay), Missing> {
    let mut current = root;
    let mut new_nodes = NodeOverlay::new();
    // One after the other: of two changes of the same entry the later one holds.
    for change in changes {
        let found = |hash: StateRoot| new_nodes.get(&hash).cloned().or_else(|| find(hash));
        let mut rebuild = Rebuild { find: found, new_nodes: NodeOverlay::new() };
        let change = Change { path: path_of(&change.event_type, &change.state_key), change };
        let child = rebuild.change_below(current, 0, &change)?;
        let made = rebuild.new_nodes;
        new_nodes.extend(made);
        current = child.map_or(StateRoot::EMPTY, |child| child.hash);
    }
    // What an earlier change made and a later one replaced isn't part of the result.
    let mut kept = NodeOverlay::new();
    keep_reachable(current, &new_nodes, &mut kept);
    Ok((current, kept))
}

fn keep_reachable(hash: StateRoot, made: &NodeOverlay, kept: &mut NodeOverlay) {
    let Some(node) = made.get(&hash) else { return };
    if kept.insert(hash, Arc::clone(node)).is_some() {
        return;
    }
    if let Node::Inner(children) = &**node {
        for (_, child) in children.iter() {
            keep_reachable(child.hash, made, kept);
        }
    }
}

impl<F: Fn(StateRoot) -> Option<Arc<Node>>> Rebuild<F> {
    fn node(&self, hash: StateRoot) -> Result<Arc<Node>, Missing> {
        let made = self.new_nodes.get(&hash).cloned();
        made.or_else(|| (self.find)(hash)).ok_or(Missing(hash))
    }

    fn change_below(
        &mut self,
        hash: StateRoot,
        depth: usize,
        change: &Change<'_>,
    ) -> Result<Option<Child>, Missing> {
        if hash.is_empty() {
            let entries = changed_entries(&[], change.change);
            return Ok(self.build(entries, depth));
        }
        let node = self.node(hash)?;
        match &*node {
            Node::Leaf(entries) => {
                let entries = changed_entries(entries, change.change);
                Ok(self.build(entries, depth))
            }
            Node::Inner(children) => {
                let nibble = change.path.nibble(depth);
                let mut children = children.clone();
                let below = children.hash_at(nibble);
                children.0[nibble] = self.change_below(below, depth + 1, change)?;
                let node = Node::Inner(children);
                if node.len() > LEAF_LIMIT {
                    return Ok(Some(self.keep(node)));
                }
                let mut entries = Vec::new();
                self.gather(&node, &mut entries)?;
                entries.sort_unstable_by(|left, right| {
                    left.compare_key(&right.event_type, &right.state_key)
                });
                Ok(self.build(entries, depth))
            }
        }
    }

    /// The subtree of these sorted entries.
    fn build(&mut self, entries: Vec<StateEntry>, depth: usize) -> Option<Child> {
        if entries.is_empty() {
            return None;
        }
        if entries.len() <= LEAF_LIMIT {
            return Some(self.keep(Node::Leaf(entries)));
        }
        let mut parts: [Vec<StateEntry>; 16] = Default::default();
        for entry in entries {
            let nibble = path_of(&entry.event_type, &entry.state_key).nibble(depth);
            parts[nibble].push(entry);
        }
        let mut children = Children::default();
        for (nibble, part) in parts.into_iter().enumerate() {
            children.0[nibble] = self.build(part, depth + 1);
        }
        Some(self.keep(Node::Inner(Box::new(children))))
    }

    fn gather(&self, node: &Node, entries: &mut Vec<StateEntry>) -> Result<(), Missing> {
        match node {
            Node::Leaf(leaf) => entries.extend(leaf.iter().cloned()),
            Node::Inner(children) => {
                for (_, child) in children.iter() {
                    self.gather(&*self.node(child.hash)?, entries)?;
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, node: Node) -> Child {
        let count = u32::try_from(node.len()).unwrap_or(u32::MAX);
        let hash = node.hash();
        self.new_nodes.insert(hash, Arc::new(node));
        Child { hash, count }
    }
}

fn changed_entries(entries: &[StateEntry], change: &StateChange) -> Vec<StateEntry> {
    let place =
        entries.binary_search_by(|entry| entry.compare_key(&change.event_type, &change.state_key));
    let mut changed = entries.to_vec();
    match (place, &change.event_id) {
        (Ok(index), Some(event_id)) => changed[index].event_id.clone_from(event_id),
        (Ok(index), None) => {
            changed.remove(index);
        }
        (Err(index), Some(event_id)) => changed.insert(
            index,
            StateEntry {
                event_type: change.event_type.as_str().into(),
                state_key: change.state_key.as_str().into(),
                event_id: event_id.clone(),
            },
        ),
        (Err(_), None) => {}
    }
    changed
}
