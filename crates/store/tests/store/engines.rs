//! The engines under test, and the keyspaces that the tests use.

use pli_store::{Counter, Keyspace, KeyspaceInfo, Stamp, Store, testing::PostgresServer};
use tempfile::TempDir;

pub(crate) const NAMES: Keyspace<String, String> = Keyspace::new("test_names");
pub(crate) const PAIRS: Keyspace<(String, u64), u64> = Keyspace::new("test_pairs");
pub(crate) const COUNTERS: Keyspace<u64, Counter> = Keyspace::new("test_counters");
pub(crate) const LOG: Keyspace<(String, Stamp), String> = Keyspace::new("test_log");
/// Never written to.
pub(crate) const UNUSED: Keyspace<u64, u64> = Keyspace::new("test_unused");

/// What an operator's tools know of the tests' keyspaces.
pub(crate) const CATALOGUE: &[KeyspaceInfo] =
    &[NAMES.info(), PAIRS.info(), COUNTERS.info(), LOG.info(), UNUSED.info()];

/// An empty store of its own, and what keeps it alive.
pub(crate) struct TestStore {
    pub(crate) store: Store,
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

impl TestStore {
    pub(crate) async fn memory() -> Self {
        let url = "memory:".to_owned();
        Self { store: Store::open(&url).await.unwrap(), url, _folder: None }
    }

    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("pli.db").display());
        Self { store: Store::open(&url).await.unwrap(), url, _folder: Some(folder) }
    }

    pub(crate) async fn postgres(server: &PostgresServer, database: &str) -> Self {
        let url = server.create_database(database).await.unwrap();
        Self { store: Store::open(&url).await.unwrap(), url, _folder: None }
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Store::open(&self.url).await.unwrap();
    }
}

/// Runs each case on every engine: as a test of its own, or one after the other where they share
/// a server.
macro_rules! on_every_engine {
    ($($case:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::engines::TestStore::memory().await).await;
            })+
        }
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case($crate::engines::TestStore::sqlite().await).await;
            })+
        }
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgres() {
            let server = pli_store::testing::PostgresServer::start().unwrap();
            $(
                eprintln!("on postgres: {}", stringify!($case));
                $case($crate::engines::TestStore::postgres(&server, stringify!($case)).await).await;
            )+
        }
    };
}
pub(crate) use on_every_engine;
