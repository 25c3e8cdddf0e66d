use std::{
    collections::HashMap, error::Error as _, future::poll_fn, pin::Pin, sync::Arc, task::Poll,
    time::Duration,
};

use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};
use tokio_postgres::{
    AsyncMessage, Client, Config, NoTls, Row, Statement,
    config::SslMode,
    error::SqlState,
    types::{FromSql, ToSql},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

use crate::{
    Position,
    engine::{FORMAT, refuse_unfinished_copy},
    error::StoreError,
};

/// Nodes that start together must not create the same things at the same time: DDL in PostgreSQL
/// fails then instead of waiting.
const CREATE_META: &str = "
    BEGIN;
    SELECT pg_advisory_xact_lock(1349281073);
    CREATE SCHEMA IF NOT EXISTS pli;
    CREATE TABLE IF NOT EXISTS pli._meta(name text PRIMARY KEY, value bigint NOT NULL);
    INSERT INTO pli._meta(name, value) VALUES ('format', 1), ('position', 0)
        ON CONFLICT DO NOTHING;
    COMMIT;
";
pub(super) const READ_POSITION: &str = "SELECT value FROM pli._meta WHERE name = 'position'";

/// An acknowledged commit is on disk, even where the server is configured to answer earlier.
const WRITER_SETTINGS: &str = "
    SELECT set_config('synchronous_commit', 'on', false)
        WHERE current_setting('synchronous_commit') = 'off';
    SET jit = off;
";
/// All reads are by key or in key order. Without these settings the planner may decide otherwise
/// for a table whose statistics are out of date.
const READER_SETTINGS: &str = "
    SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off; SET jit = off;
    SET plan_cache_mode = force_generic_plan; SET idle_in_transaction_session_timeout = '10min';
";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the network may swallow what was sent before the connection counts as lost.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);
/// After how long a silent connection is tried, unless the address says otherwise.
const KEEPALIVES_IDLE: Duration = Duration::from_secs(10);

/// How to reach the database.
#[derive(Clone)]
pub(super) struct Database {
    config: Arc<Config>,
    /// Absent: the address doesn't ask for TLS.
    tls: Option<MakeRustlsConnect>,
}

impl Database {
    /// Reads an address. `sslmode=require`, `verify-ca` and `verify-full` all verify the server's
    /// certificate and its name: encryption to an unknown server protects little. `sslrootcert`
    /// names a PEM file with the authorities to trust instead of the system's.
    pub(super) fn new(url: &str) -> Result<Self, StoreError> {
        let invalid =
            |error: String| StoreError::Engine(format!("the store's address is invalid: {error}"));
        let mut url = Url::parse(url).map_err(|error| invalid(error.to_string()))?;
        let mut ssl_mode = None;
        let mut root_certificates = None;
        let mut others = Vec::new();
        for (name, value) in url.query_pairs().into_owned() {
            match name.as_str() {
                "sslmode" => ssl_mode = Some(value),
                "sslrootcert" => root_certificates = Some(value),
                _ => others.push((name, value)),
            }
        }
        let sets_keepalives = others.iter().any(|(name, _)| name == "keepalives_idle");
        url.set_query(None);
        if !others.is_empty() {
            url.query_pairs_mut().extend_pairs(others);
        }

        let mut config: Config = url.as_str().parse().map_err(|error| invalid(describe(&error)))?;
        let wants_tls = match ssl_mode.as_deref() {
            None | Some("disable" | "allow" | "prefer") => root_certificates.is_some(),
            Some("require" | "verify-ca" | "verify-full") => true,
            Some(other) => return Err(invalid(format!("unknown sslmode `{other}`"))),
        };
        config.ssl_mode(if wants_tls { SslMode::Require } else { SslMode::Disable });
        if config.get_application_name().is_none() {
            config.application_name("pli");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(TCP_USER_TIMEOUT);
        }
        if !sets_keepalives {
            config.keepalives_idle(KEEPALIVES_IDLE);
        }
        let tls = wants_tls.then(|| tls_connector(root_certificates.as_deref()).map_err(invalid));
        Ok(Self { config: Arc::new(config), tls: tls.transpose()? })
    }

    pub(super) async fn connect_writer(&self) -> Result<Connection, StoreError> {
        self.connect(WRITER_SETTINGS).await
    }

    pub(super) async fn connect_reader(&self) -> Result<Connection, StoreError> {
        self.connect(READER_SETTINGS).await
    }

    /// A connection, and what is said on the channels that it listens to. That ends with the
    /// connection.
    pub(super) async fn connect_listener(
        &self,
    ) -> Result<(Connection, mpsc::UnboundedReceiver<String>), StoreError> {
        let (sender, said) = mpsc::unbounded_channel();
        let client = match &self.tls {
            Some(tls) => {
                let (client, driver) =
                    self.config.connect(tls.clone()).await.map_err(engine_error)?;
                tokio::spawn(drive_listener(driver, sender));
                client
            }
            None => {
                let (client, driver) = self.config.connect(NoTls).await.map_err(engine_error)?;
                tokio::spawn(drive_listener(driver, sender));
                client
            }
        };
        Ok((Connection { client, statements: Mutex::default() }, said))
    }

    async fn connect(&self, settings: &str) -> Result<Connection, StoreError> {
        let client = match &self.tls {
            Some(tls) => {
                let (client, driver) =
                    self.config.connect(tls.clone()).await.map_err(engine_error)?;
                tokio::spawn(drive(driver));
                client
            }
            None => {
                let (client, driver) = self.config.connect(NoTls).await.map_err(engine_error)?;
                tokio::spawn(drive(driver));
                client
            }
        };
        client.batch_execute(settings).await.map_err(engine_error)?;
        Ok(Connection { client, statements: Mutex::default() })
    }
}

/// Moves a connection's bytes until it is closed.
async fn drive(driver: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = driver.await {
        tracing::warn!(error = describe(&error), "a connection to the database was lost");
    }
}

/// The same, passing on what other connections say.
async fn drive_listener<S, T>(
    mut driver: tokio_postgres::Connection<S, T>,
    said: mpsc::UnboundedSender<String>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| driver.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notification(notification)) => {
                // Nobody listens any more: the connection ends soon.
                let _ = said.send(notification.payload().to_owned());
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = describe(&error), "a connection to the database was lost");
                return;
            }
        }
    }
}

fn tls_connector(root_certificates: Option<&str>) -> Result<MakeRustlsConnect, String> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = root_certificates {
        let unreadable = |error: String| format!("sslrootcert {path}: {error}");
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|error| unreadable(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    if roots.is_empty() {
        return Err("no certificate authority to verify the database with".to_owned());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// A connection and the statements that it has prepared.
pub(super) struct Connection {
    client: Client,
    statements: Mutex<HashMap<String, Statement>>,
}

impl Connection {
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Creates the schema if it is missing, and refuses one that can't be used.
    pub(super) async fn create_meta(&self) -> Result<(), StoreError> {
        self.execute_batch(CREATE_META).await?;
        self.check_format().await?;
        let unfinished = "SELECT value FROM pli._meta WHERE name = 'unfinished_copy'";
        refuse_unfinished_copy(!self.query(unfinished, &[]).await?.is_empty())?;
        // From now on there are rows in it that an older version can't read.
        let raise = format!(
            "UPDATE pli._meta SET value = {FORMAT} WHERE name = 'format' AND value < {FORMAT}"
        );
        self.execute_batch(&raise).await
    }

    pub(super) async fn check_format(&self) -> Result<(), StoreError> {
        let rows = self.query("SELECT to_regclass('pli._meta') IS NOT NULL", &[]).await?;
        if !rows.first().map_or(Ok(false), |row| column(row, 0))? {
            return Err(StoreError::Engine("there is no store in this database".to_owned()));
        }
        let rows = self.query("SELECT value FROM pli._meta WHERE name = 'format'", &[]).await?;
        let row = rows.first();
        let row = row.ok_or_else(|| StoreError::Corrupt("the format is missing".to_owned()))?;
        let format = u32::try_from(column::<i64>(row, 0)?).unwrap_or(u32::MAX);
        if format > FORMAT {
            return Err(StoreError::TooNew { found: format, known: FORMAT });
        }
        Ok(())
    }

    /// Statements without parameters; sent at the first poll, so that several can be under way.
    pub(super) async fn execute_batch(&self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).await.map_err(engine_error)
    }

    /// A statement, prepared on its first use.
    pub(super) async fn prepared(&self, sql: &str) -> Result<Statement, StoreError> {
        let known = self.statements.lock().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await.map_err(engine_error)?;
        self.statements.lock().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Like [`Self::execute_batch`], in the form of a query.
    pub(super) async fn command(&self, sql: &str) -> Result<Vec<Row>, StoreError> {
        self.execute_batch(sql).await.map(|()| Vec::new())
    }

    pub(super) async fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql).await?;
        self.client.query(&statement, parameters).await.map_err(engine_error)
    }
}

/// Sends several requests at once, in this order, and returns their answers in the same order.
///
/// A request is sent when its future is first polled. Libraries' combinators promise no order for
/// that, and a `COMMIT` must not overtake a write.
pub(super) async fn pipelined<T>(requests: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    let mut requests: Vec<MaybeDone<_>> = requests.into_iter().map(maybe_done).collect();
    poll_fn(|context| {
        let mut all_done = Poll::Ready(());
        for request in &mut requests {
            if Pin::new(request).poll(context).is_pending() {
                all_done = Poll::Pending;
            }
        }
        all_done
    })
    .await;
    requests.iter_mut().filter_map(|request| Pin::new(request).take_output()).collect()
}

pub(super) fn column<'r, T: FromSql<'r>>(row: &'r Row, index: usize) -> Result<T, StoreError> {
    row.try_get(index).map_err(engine_error)
}

pub(super) fn position_column(row: &Row, index: usize) -> Result<Position, StoreError> {
    let position: i64 = column(row, index)?;
    u64::try_from(position)
        .map(Position)
        .map_err(|_| StoreError::Corrupt(format!("a position is {position}")))
}

pub(super) fn the_position(rows: &[Row]) -> Result<Position, StoreError> {
    match rows {
        [row] => position_column(row, 0),
        _ => Err(StoreError::Corrupt("the row with the position is missing".to_owned())),
    }
}

/// An error with its causes: the outermost one alone says little.
fn describe(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// What PostgreSQL's errors mean to a caller.
pub(super) fn engine_error(error: tokio_postgres::Error) -> StoreError {
    match error.code() {
        Some(&SqlState::DISK_FULL) => StoreError::Full,
        Some(&SqlState::DATA_CORRUPTED | &SqlState::INDEX_CORRUPTED) => {
            StoreError::Corrupt(describe(&error))
        }
        _ => StoreError::Engine(describe(&error)),
    }
}
