//! Several nodes on one PostgreSQL, and a PostgreSQL that goes away for a moment.

use std::{collections::BTreeSet, fs};

use pli_store::{
    Batch, CommitError, Counter, Direction, Expect, Position, Store, testing::PostgresServer,
};
use tokio::task::JoinSet;

use crate::engines::{COUNTERS, NAMES, PAIRS, TestStore};

/// Two nodes that both believed to have written a room's last message would split the room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_share_one_order() {
    let server = PostgresServer::start().unwrap();
    let first = TestStore::postgres(&server, "nodes").await;
    let second = Store::open(&first.url).await.unwrap();
    let mut writers = JoinSet::new();
    for (node, store) in [(0_u64, first.store.clone()), (1, second.clone())] {
        for writer in 0..4_u64 {
            let store = store.clone();
            writers.spawn(async move {
                let mut positions = Vec::new();
                for number in 0..10_u64 {
                    // Appends to a list whose head only one batch at a time may move.
                    loop {
                        let snapshot = store.snapshot().await.unwrap();
                        let head = snapshot.get_versioned(&COUNTERS, 1).await.unwrap();
                        let length = head.map_or(0, |(Counter(length), _)| length);
                        drop(snapshot);
                        let mut batch = Batch::new();
                        batch
                            .require(&COUNTERS, 1, Expect::unchanged(head.map(|head| head.1)))
                            .put(&COUNTERS, 1, &Counter(length + 1))
                            .put(&PAIRS, ("list", length.cast_unsigned()), &(node * 100 + writer))
                            .put(&PAIRS, ("own", node * 1000 + writer * 100 + number), &number);
                        match store.commit(batch).await {
                            Ok(position) => break positions.push(position),
                            Err(CommitError::Conflict(_)) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
                positions
            });
        }
    }
    let positions: BTreeSet<_> = writers.join_all().await.concat().into_iter().collect();
    assert_eq!(positions, (1..=80).map(Position).collect());
    let snapshot = second.snapshot().await.unwrap();
    let list = PAIRS.prefix(("list",));
    let list = snapshot.scan(&PAIRS, list, 999, Direction::Forward).await.unwrap();
    assert_eq!(list.len(), 80);
    assert!(list.iter().enumerate().all(|(index, row)| row.version.0 == index as u64 + 1));
}

/// A restart of the database must not need a restart of the nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_outlives_a_restart_of_the_database() {
    let mut server = PostgresServer::start().unwrap();
    let test = TestStore::postgres(&server, "restart").await;
    let mut written = Position::ZERO;
    for round in 0..3 {
        let mut batch = Batch::new();
        batch.put(&NAMES, format!("before {round}"), &"x".to_owned());
        written = test.store.commit(batch).await.unwrap();
        let held = test.store.snapshot().await.unwrap();
        held.get(&NAMES, "before 0").await.unwrap();

        server.restart().unwrap();
        assert!(held.get(&NAMES, "before 0").await.is_err());
        let snapshot = test.store.snapshot().await.unwrap();
        assert_eq!(snapshot.position(), written);
        let mut batch = Batch::new();
        batch.put(&NAMES, format!("after {round}"), &"x".to_owned());
        assert_eq!(test.store.commit(batch).await.unwrap(), written.next());
    }

    server.stop();
    let mut batch = Batch::new();
    batch.put(&NAMES, "while it is away", &"x".to_owned());
    let waiting = test.store.commit(batch);
    server.restart().unwrap();
    assert_eq!(waiting.await.unwrap(), written.next().next());

    server.stop();
    let mut batch = Batch::new();
    batch.put(&NAMES, "it does not come back", &"x".to_owned());
    let error = test.store.commit(batch).await.unwrap_err();
    assert!(matches!(error, CommitError::Store(_)), "{error}");
    assert!(test.store.snapshot().await.is_err());
    test.store.close().await;
}

/// The way to the database must be private, and to the right database.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_verifies_the_server() {
    let names = vec!["localhost".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names.clone()).unwrap();
    let other = rcgen::generate_simple_self_signed(names).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (right, wrong) = (folder.path().join("right.pem"), folder.path().join("wrong.pem"));
    fs::write(&right, cert.pem()).unwrap();
    fs::write(&wrong, other.cert.pem()).unwrap();
    let server = PostgresServer::start_with_tls(&cert.pem(), &signing_key.serialize_pem()).unwrap();
    server.create_database("private").await.unwrap();
    let url = server.tls_url("private").unwrap();

    for mode in ["require", "verify-full"] {
        let url = format!("{url}?sslmode={mode}&sslrootcert={}", right.display());
        let store = Store::open(&url).await.unwrap();
        let mut batch = Batch::new();
        batch.put(&NAMES, mode, &"over TLS".to_owned());
        store.commit(batch).await.unwrap();
        let snapshot = store.snapshot().await.unwrap();
        assert_eq!(snapshot.get(&NAMES, mode).await.unwrap(), Some("over TLS".to_owned()));
    }
    for query in
        [format!("sslmode=require&sslrootcert={}", wrong.display()), "sslmode=require".to_owned()]
    {
        let error = Store::open(&format!("{url}?{query}")).await.err().unwrap();
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    // Not by another name than the certificate's.
    let by_address = url.replace("localhost", "127.0.0.1");
    let by_address = format!("{by_address}?sslmode=require&sslrootcert={}", right.display());
    let error = Store::open(&by_address).await.err().unwrap();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    // Without TLS this server doesn't answer.
    assert!(Store::open(&url).await.is_err());
}
