//! Files that are damaged, foreign, too new or in use: refused with a reason, never overwritten.

use std::{
    fs::{self, File},
    os::unix::fs::{FileExt, PermissionsExt},
    path::PathBuf,
};

use pli_store::{Batch, CommitError, Position, Store, StoreError, testing::PostgresServer, tools};
use tempfile::TempDir;

use crate::engines::{CATALOGUE, NAMES, PAIRS, TestStore};

/// A closed store with some rows.
async fn filled() -> (TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deeper").join("pli.db");
    let url = format!("sqlite:{}", path.display());
    let store = Store::open(&url).await.unwrap();
    for number in 0..50_u64 {
        let mut batch = Batch::new();
        batch.put(&NAMES, number.to_string(), &"text ".repeat(200));
        batch.put(&PAIRS, ("numbers", number), &number);
        store.commit(batch).await.unwrap();
    }
    store.close().await;
    (folder, path, url)
}

async fn refusal(url: &str) -> StoreError {
    Store::open(url).await.err().expect("the store must not open")
}

#[tokio::test]
async fn a_damaged_page_is_found_at_the_start() {
    let (_folder, path, url) = filled().await;
    let before = fs::read(&path).unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    // The middle of the fourth page and of all that follow it.
    for page in 3..before.len() as u64 / 8192 {
        file.write_all_at(&[0xAB; 6000], page * 8192 + 1000).unwrap();
    }
    drop(file);
    let damaged = fs::read(&path).unwrap();
    let error = refusal(&url).await;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert!(error.to_string().contains("restore a backup, or run `pli store check`"), "{error}");
    assert!(fs::read(&path).unwrap() == damaged, "a damaged file must be left as it is");

    // An operator can still see how bad it is.
    let store = Store::open_read_only(&url).await.unwrap();
    let report = tools::check(&store, CATALOGUE, |_| {}).await.unwrap();
    assert!(!report.is_sound());
    assert!(report.problem_count as usize >= report.problems.len());
}

#[tokio::test]
async fn a_cut_off_file_is_found_at_the_start() {
    let (_folder, path, url) = filled().await;
    let file = File::options().write(true).open(&path).unwrap();
    file.set_len(3 * 8192).unwrap();
    let error = refusal(&url).await;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
}

#[tokio::test]
async fn a_file_that_is_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pli.db");
    let url = format!("sqlite:{}", path.display());
    let letter = "Dear minister, ".repeat(1000);
    fs::write(&path, &letter).unwrap();
    let error = refusal(&url).await;
    assert!(matches!(error, StoreError::Corrupt(_)), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);

    fs::remove_file(&path).unwrap();
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE recipes(name TEXT)").unwrap();
    drop(foreign);
    let error = refusal(&url).await;
    assert!(error.to_string().contains("not a store of Pli"), "{error}");
}

#[tokio::test]
async fn a_newer_format_is_refused() {
    let (_folder, path, url) = filled().await;
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.execute("UPDATE _meta SET value = 9 WHERE name = 'format'", []).unwrap();
    drop(newer);
    let error = refusal(&url).await;
    assert!(matches!(error, StoreError::TooNew { found: 9, known: 2 }), "{error}");
    let error = Store::open_read_only(&url).await.err().unwrap();
    assert!(matches!(error, StoreError::TooNew { .. }), "{error}");

    let server = PostgresServer::start().unwrap();
    let test = TestStore::postgres(&server, "newer").await;
    test.store.close().await;
    let (client, driver) = tokio_postgres::connect(&test.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    client.batch_execute("UPDATE pli._meta SET value = 9 WHERE name = 'format'").await.unwrap();
    let error = refusal(&test.url).await;
    assert!(matches!(error, StoreError::TooNew { found: 9, known: 2 }), "{error}");
}

/// An older program would lose what a newer one wrote, and nobody would be told.
#[tokio::test]
async fn a_store_of_before_is_raised_to_the_format_that_is_written_to_it() {
    let (_folder, path, url) = filled().await;
    let open = || rusqlite::Connection::open(&path).unwrap();
    let format = || -> u32 {
        let sql = "SELECT value FROM _meta WHERE name = 'format'";
        open().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(format(), 2);
    open().execute("UPDATE _meta SET value = 1 WHERE name = 'format'", []).unwrap();
    drop(Store::open_read_only(&url).await.unwrap());
    assert_eq!(format(), 1, "who only looks changes nothing");
    Store::open(&url).await.unwrap().close().await;
    assert_eq!(format(), 2);

    let server = PostgresServer::start().unwrap();
    let test = TestStore::postgres(&server, "older").await;
    test.store.close().await;
    let (client, driver) = tokio_postgres::connect(&test.url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(driver);
    client.batch_execute("UPDATE pli._meta SET value = 1 WHERE name = 'format'").await.unwrap();
    Store::open(&test.url).await.unwrap().close().await;
    let sql = "SELECT value FROM pli._meta WHERE name = 'format'";
    let format: i64 = client.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(format, 2);
}

/// Two servers on one file would each give out the same positions.
#[tokio::test]
async fn a_second_writer_is_refused_and_a_reader_is_not() {
    let (folder, _, url) = filled().await;
    let store = Store::open(&url).await.unwrap();
    let error = refusal(&url).await;
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(folder.path().join("deeper/pli.db"), &link).unwrap();
    let error = refusal(&format!("sqlite:{}", link.display())).await;
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");

    let reader = Store::open_read_only(&url).await.unwrap();
    let mut batch = Batch::new();
    batch.put(&NAMES, "new", &"row".to_owned());
    let refused = reader.commit(batch.clone()).await.unwrap_err();
    assert!(matches!(refused, CommitError::Store(StoreError::Closed)), "{refused}");
    let position = store.commit(batch).await.unwrap();
    let snapshot = reader.snapshot().await.unwrap();
    assert_eq!(snapshot.position(), position);
    assert_eq!(snapshot.get(&NAMES, "new").await.unwrap(), Some("row".to_owned()));

    // Dropping the store is enough to give the file free.
    drop(store);
    Store::open(&url).await.unwrap();
}

#[tokio::test]
async fn the_file_is_readable_by_nobody_else() {
    let (_folder, path, _) = filled().await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn what_does_not_exist_is_not_looked_into() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pli.db");
    let url = format!("sqlite:{}", path.display());
    assert!(matches!(Store::open_read_only(&url).await.err(), Some(StoreError::Engine(_))));
    assert!(!path.exists());
    for url in ["sqlite:", "redis://localhost", "pli.db", "memory:x"] {
        let error = refusal(url).await;
        assert!(matches!(error, StoreError::UnknownUrl { .. }), "{error}");
    }
    let error = refusal("postgres://localhost/pli?sslmode=perhaps").await;
    assert!(error.to_string().contains("sslmode"), "{error}");
    let error = refusal("postgres://pli@%2Fnowhere/pli").await;
    assert!(matches!(error, StoreError::Engine(_)), "{error}");
    assert_eq!(Store::memory().position().await.unwrap(), Position::ZERO);
}
