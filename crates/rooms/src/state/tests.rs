use std::collections::BTreeMap;

use pli_store::{Batch, Store};
use proptest::prelude::*;
use ruma::{EventId, OwnedEventId};

use super::{NodeOverlay, StateChange, StateRoot, StateTree};
use crate::lazy_snapshot::LazySnapshot;

type Model = BTreeMap<(String, String), OwnedEventId>;

fn event(number: u16) -> OwnedEventId {
    EventId::parse(format!("$event{number}")).unwrap()
}

fn change(key: u16, event_number: Option<u16>) -> StateChange {
    StateChange {
        event_type: if key.is_multiple_of(3) { "m.room.topic" } else { "m.room.member" }.to_owned(),
        state_key: format!("@user{key}:pli.test"),
        event_id: event_number.map(event),
    }
}

fn changes() -> impl Strategy<Value = Vec<StateChange>> {
    let one = (0_u16..120, prop::option::weighted(0.7, 0_u16..500));
    prop::collection::vec(one.prop_map(|(key, event_number)| change(key, event_number)), 0..200)
}

fn apply_to_model(model: &mut Model, changes: &[StateChange]) {
    for StateChange { event_type, state_key, event_id } in changes {
        let key = (event_type.clone(), state_key.clone());
        match event_id {
            Some(event_id) => model.insert(key, event_id.clone()),
            None => model.remove(&key),
        };
    }
}

async fn commit(
    store: &Store,
    tree: &StateTree,
    root: StateRoot,
    changes: &[StateChange],
) -> StateRoot {
    let snapshot = store.snapshot().await.unwrap();
    let mut overlay = NodeOverlay::new();
    let source = LazySnapshot::given(&snapshot);
    let new_root = tree.apply(&source, &mut overlay, root, changes).await.unwrap();
    let mut batch = Batch::new();
    StateTree::write(&overlay, &mut batch);
    store.commit(batch).await.unwrap();
    tree.committed(&overlay);
    new_root
}

async fn as_model(store: &Store, tree: &StateTree, root: StateRoot) -> Model {
    let snapshot = store.snapshot().await.unwrap();
    let entries = tree.entries(&snapshot, root).await.unwrap();
    entries.iter().map(super::StateEntry::to_pair).collect()
}

fn run(check: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(check)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_state_holds_what_was_put_into_it(steps in prop::collection::vec(changes(), 1..4)) {
        run(async move {
            let store = Store::memory();
            let tree = StateTree::new(1 << 20);
            let mut model = Model::new();
            let mut root = StateRoot::EMPTY;
            for step in &steps {
                let before = model.clone();
                let old_root = root;
                apply_to_model(&mut model, step);
                root = commit(&store, &tree, root, step).await;

                // Nothing in memory, so that what is stored is what is read.
                let cold = StateTree::new(1 << 20);
                prop_assert_eq!(&as_model(&store, &cold, root).await, &model);
                prop_assert_eq!(root.is_empty(), model.is_empty());
                let snapshot = store.snapshot().await.unwrap();
                prop_assert_eq!(cold.len(&snapshot, root).await.unwrap(), model.len());
                for number in 0..120 {
                    let key = change(number, None);
                    let found =
                        cold.get(&snapshot, root, &key.event_type, &key.state_key).await.unwrap();
                    let expected = model.get(&(key.event_type, key.state_key));
                    prop_assert_eq!(found.as_ref(), expected);
                }
                let keys: Vec<_> = model
                    .keys()
                    .map(|(event_type, state_key)| (event_type.as_str(), state_key.as_str()))
                    .collect();
                let many = cold.get_many(&snapshot, root, &keys).await.unwrap();
                prop_assert!(many.iter().flatten().eq(model.values()));

                let mut rebuilt = before;
                for difference in cold.diff(&snapshot, old_root, root).await.unwrap() {
                    let key = (difference.event_type, difference.state_key);
                    prop_assert_ne!(&difference.before, &difference.after);
                    prop_assert_eq!(rebuilt.get(&key), difference.before.as_ref());
                    match difference.after {
                        Some(event_id) => rebuilt.insert(key, event_id),
                        None => rebuilt.remove(&key),
                    };
                }
                prop_assert_eq!(&rebuilt, &model);
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_same_state_has_the_same_root_however_it_came_about(steps in changes()) {
        run(async move {
            let store = Store::memory();
            let tree = StateTree::new(1 << 20);
            let mut model = Model::new();
            apply_to_model(&mut model, &steps);

            let at_once = commit(&store, &tree, StateRoot::EMPTY, &steps).await;
            let mut one_by_one = StateRoot::EMPTY;
            for step in &steps {
                one_by_one =
                    commit(&store, &tree, one_by_one, std::slice::from_ref(step)).await;
            }
            let sorted: Vec<_> = model
                .iter()
                .rev()
                .map(|((event_type, state_key), event_id)| StateChange {
                    event_type: event_type.clone(),
                    state_key: state_key.clone(),
                    event_id: Some(event_id.clone()),
                })
                .collect();
            let from_nothing = commit(&store, &tree, StateRoot::EMPTY, &sorted).await;
            prop_assert_eq!(at_once, one_by_one);
            prop_assert_eq!(at_once, from_nothing);
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_change_of_a_large_state_writes_few_nodes() {
    let store = Store::memory();
    let tree = StateTree::new(1 << 24);
    let members: Vec<_> = (0..2000).map(|number| change(number, Some(number))).collect();
    let root = commit(&store, &tree, StateRoot::EMPTY, &members).await;

    let snapshot = store.snapshot().await.unwrap();
    let mut overlay = NodeOverlay::new();
    let source = LazySnapshot::given(&snapshot);
    tree.apply(&source, &mut overlay, root, &[change(2000, Some(1))]).await.unwrap();
    assert!(overlay.len() <= 4, "one node a level, {} written", overlay.len());
}
