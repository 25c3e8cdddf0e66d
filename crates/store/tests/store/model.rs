//! Whatever is done to an engine, it answers as the memory engine does.

use pli_store::{
    Batch, CommitError, Counter, Direction, Expect, Position, Range, Row, Snapshot, Store,
    testing::PostgresServer,
};
use proptest::{
    arbitrary::any,
    collection::vec,
    option,
    prelude::{Just, Strategy},
    prop_oneof,
    sample::select,
    test_runner::{Config, TestRunner},
};

use crate::engines::{COUNTERS, LOG, NAMES, PAIRS, TestStore};

const NAMES_IN_USE: [&str; 6] = ["", "\0", "a", "a\0", "ab", "b"];
type Name = &'static str;
type PairKey = (Name, u64);

#[derive(Clone, Debug)]
enum Operation {
    /// Batches that are handed in together: engines commit them in groups.
    Commit(Vec<Steps>),
    TakeSnapshot,
    DropSnapshot(usize),
    Look(usize, Look),
    Reopen,
}

type Steps = Vec<Step>;

#[derive(Clone, Debug)]
enum Step {
    Require(PairKey, Required),
    PutPair(PairKey, u64),
    DeletePair(PairKey),
    PutName(Name, Name),
    DeleteName(Name),
    Add(u64, i64),
    SetCounter(u64, i64),
    DeleteCounter(u64),
    Append(Name, u64),
}

#[derive(Clone, Debug)]
enum Required {
    Absent,
    AsItIs,
    Version(u64),
}

#[derive(Clone, Debug)]
enum Look {
    Name(Name),
    Pairs(Vec<PairKey>),
    Counters,
    Log(Name, usize, Direction),
    PairRange {
        prefix: Option<Name>,
        from: Option<PairKey>,
        before: Option<PairKey>,
        limit: usize,
        direction: Direction,
    },
}

fn name() -> impl Strategy<Value = Name> {
    select(NAMES_IN_USE.to_vec())
}

fn pair() -> impl Strategy<Value = PairKey> {
    (name(), prop_oneof![0_u64..3, Just(u64::MAX)])
}

fn direction() -> impl Strategy<Value = Direction> {
    select(vec![Direction::Forward, Direction::Backward])
}

fn step() -> impl Strategy<Value = Step> {
    let required = prop_oneof![
        1 => Just(Required::Absent),
        3 => Just(Required::AsItIs),
        1 => (0_u64..30).prop_map(Required::Version),
    ];
    prop_oneof![
        1 => (pair(), required).prop_map(|(key, required)| Step::Require(key, required)),
        3 => (pair(), any::<u64>()).prop_map(|(key, value)| Step::PutPair(key, value)),
        1 => pair().prop_map(Step::DeletePair),
        1 => (name(), name()).prop_map(|(key, value)| Step::PutName(key, value)),
        1 => name().prop_map(Step::DeleteName),
        2 => (0_u64..3, -5_i64..5).prop_map(|(key, amount)| Step::Add(key, amount)),
        1 => (0_u64..3, any::<i64>()).prop_map(|(key, value)| Step::SetCounter(key, value)),
        1 => (0_u64..3).prop_map(Step::DeleteCounter),
        2 => (name(), any::<u64>()).prop_map(|(prefix, value)| Step::Append(prefix, value)),
    ]
}

fn look() -> impl Strategy<Value = Look> {
    let range =
        (option::of(name()), option::of(pair()), option::of(pair()), 0_usize..6, direction());
    prop_oneof![
        1 => name().prop_map(Look::Name),
        1 => vec(pair(), 0..5).prop_map(Look::Pairs),
        1 => Just(Look::Counters),
        1 => (name(), 0_usize..5, direction())
            .prop_map(|(prefix, limit, direction)| Look::Log(prefix, limit, direction)),
        3 => range.prop_map(|(prefix, from, before, limit, direction)| Look::PairRange {
            prefix, from, before, limit, direction
        }),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => vec(vec(step(), 0..6), 1..6).prop_map(Operation::Commit),
        3 => Just(Operation::TakeSnapshot),
        2 => any::<usize>().prop_map(Operation::DropSnapshot),
        8 => (any::<usize>(), look()).prop_map(|(index, look)| Operation::Look(index, look)),
        1 => Just(Operation::Reopen),
    ]
}

async fn batch(steps: &Steps, now: &Snapshot) -> Batch {
    let mut batch = Batch::new();
    for step in steps {
        match step {
            Step::Require(key, required) => {
                let expect = match required {
                    Required::Absent => Expect::Absent,
                    Required::Version(version) => Expect::Version(Position(*version)),
                    Required::AsItIs => {
                        let found = now.get_versioned(&PAIRS, *key).await.unwrap();
                        Expect::unchanged(found.map(|(_, version)| version))
                    }
                };
                batch.require(&PAIRS, *key, expect);
            }
            Step::PutPair(key, value) => {
                batch.put(&PAIRS, *key, value);
            }
            Step::DeletePair(key) => {
                batch.delete(&PAIRS, *key);
            }
            Step::PutName(key, value) => {
                batch.put(&NAMES, *key, &(*value).to_owned());
            }
            Step::DeleteName(key) => {
                batch.delete(&NAMES, *key);
            }
            Step::Add(key, amount) => {
                batch.add(&COUNTERS, key, *amount);
            }
            Step::SetCounter(key, value) => {
                batch.put(&COUNTERS, key, &Counter(*value));
            }
            Step::DeleteCounter(key) => {
                batch.delete(&COUNTERS, key);
            }
            Step::Append(prefix, value) => {
                batch.append(&LOG, ((*prefix).to_owned(),), &value.to_string());
            }
        }
    }
    batch
}

/// What a look shows, in a form that can be compared.
async fn seen(look: &Look, snapshot: &Snapshot) -> String {
    fn show<K: std::fmt::Debug, V: std::fmt::Debug>(rows: Vec<Row<K, V>>) -> String {
        format!("{rows:?}")
    }
    match look {
        Look::Name(name) => format!("{:?}", snapshot.get_versioned(&NAMES, *name).await.unwrap()),
        Look::Pairs(keys) => format!("{:?}", snapshot.get_many(&PAIRS, keys).await.unwrap()),
        Look::Counters => {
            show(snapshot.scan(&COUNTERS, COUNTERS.all(), 99, Direction::Forward).await.unwrap())
        }
        Look::Log(prefix, limit, direction) => {
            show(snapshot.scan(&LOG, LOG.prefix((*prefix,)), *limit, *direction).await.unwrap())
        }
        Look::PairRange { prefix, from, before, limit, direction } => {
            let mut range: Range<(String, u64)> =
                prefix.map_or_else(|| PAIRS.all(), |prefix| PAIRS.prefix((prefix,)));
            if let Some(from) = from {
                range = range.from(*from);
            }
            if let Some(before) = before {
                range = range.before(*before);
            }
            show(snapshot.scan(&PAIRS, range, *limit, *direction).await.unwrap())
        }
    }
}

fn outcome(result: Result<Position, CommitError>) -> String {
    match result {
        Ok(position) => position.to_string(),
        Err(CommitError::Conflict(conflict)) => format!("{conflict:?}"),
        Err(error) => panic!("{error}"),
    }
}

async fn compare(mut test: TestStore, operations: Vec<Operation>) {
    let model = Store::memory();
    let mut snapshots = Vec::new();
    for operation in operations {
        match operation {
            Operation::Commit(batches) => {
                let now = model.snapshot().await.unwrap();
                let (mut expected, mut answers) = (Vec::new(), Vec::new());
                for steps in &batches {
                    let batch = batch(steps, &now).await;
                    expected.push(outcome(model.commit(batch.clone()).await));
                    answers.push(test.store.commit(batch));
                }
                for (expected, answer) in expected.into_iter().zip(answers) {
                    assert_eq!(outcome(answer.await), expected);
                }
            }
            Operation::TakeSnapshot => {
                if snapshots.len() < 10 {
                    let pair =
                        (model.snapshot().await.unwrap(), test.store.snapshot().await.unwrap());
                    assert_eq!(pair.1.position(), pair.0.position());
                    snapshots.push(pair);
                }
            }
            Operation::DropSnapshot(index) => {
                if !snapshots.is_empty() {
                    snapshots.swap_remove(index % snapshots.len());
                }
            }
            Operation::Look(index, look) => {
                if !snapshots.is_empty() {
                    let (expected, actual) = &snapshots[index % snapshots.len()];
                    assert_eq!(seen(&look, actual).await, seen(&look, expected).await, "{look:?}");
                }
            }
            Operation::Reopen => {
                snapshots.clear();
                test.reopen().await;
            }
        }
    }
    let (expected, actual) =
        (model.snapshot().await.unwrap(), test.store.snapshot().await.unwrap());
    assert_eq!(actual.position(), expected.position());
    for keyspace in [NAMES.name(), PAIRS.name(), COUNTERS.name(), LOG.name()] {
        let mut expected = expected.raw_rows(keyspace, Vec::new());
        let mut actual = actual.raw_rows(keyspace, Vec::new());
        while let Some(row) = expected.next().await.unwrap() {
            assert_eq!(actual.next().await.unwrap(), Some(row));
        }
        assert_eq!(actual.next().await.unwrap(), None);
    }
    // Closing waits for them.
    drop((expected, actual, snapshots));
    test.store.close().await;
}

fn run(cases: u32, compare: impl Fn(Vec<Operation>)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&vec(operation(), 1..60), |operations| {
        compare(operations);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

#[test]
fn sqlite_behaves_like_memory() {
    let runtime = runtime();
    run(64, |operations| {
        runtime.block_on(async { compare(TestStore::sqlite().await, operations).await });
    });
}

#[test]
fn postgres_behaves_like_memory() {
    let runtime = runtime();
    let server = PostgresServer::start().unwrap();
    let case = std::cell::Cell::new(0);
    run(24, |operations| {
        case.set(case.get() + 1);
        let database = format!("case{}", case.get());
        runtime.block_on(async {
            compare(TestStore::postgres(&server, &database).await, operations).await;
        });
    });
}
