//! The running server: listeners, TLS, draining.

mod tls;

use std::{net::SocketAddr, path::Path, time::Duration};

use axum::Router;
use axum_server::Handle;
use pli_http::layer::drain::Drain;
use pli_store::{Store, StoreError, ambient::Ambient};
use tokio::task::JoinHandle;
use url::Url;

use crate::{
    config::{Config, ConfigError},
    wiring,
};

/// How long requests under way may take after the server was told to stop.
const DRAIN_FOR: Duration = Duration::from_secs(20);

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The store can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The configuration doesn't fit.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address can't be listened on.
    #[error("can't listen on {address}: {source}; is another server running there?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate or its key is unusable.
    #[error("TLS: {0}")]
    Tls(String),
    /// A service can't start.
    #[error("{0}")]
    Service(String),
    /// The system refused something else.
    #[error(transparent)]
    Io(std::io::Error),
}

/// A running server.
pub struct Server {
    client: Listener,
    admin: Option<Listener>,
    public_url: Url,
    drain: Drain,
    store: Store,
    background: Vec<JoinHandle<()>>,
}

struct Listener {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts a server with the system's clock and randomness.
    ///
    /// # Errors
    /// When the store, a listener or a certificate is unusable; the text says what to do.
    pub async fn start(config: Config) -> Result<Self, ServerError> {
        Self::start_with(config, Ambient::system()).await
    }

    /// Starts a server with a given clock and randomness.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_with(config: Config, ambient: Ambient) -> Result<Self, ServerError> {
        create_folder(&config.data_dir)?;
        let store = Store::open(&config.store_url()).await?;
        let drain = Drain::default();
        let wired = wiring::wire(&config, &store, &ambient, &drain).await?;

        let tls = config.tls.as_ref().map(tls::server_config).transpose()?;
        let client = listen(config.listen.client, pli_http::app(wired.state), tls)?;
        let admin = match config.listen.admin {
            Some(address) => {
                let metrics = wiring::metrics();
                Some(listen(address, pli_http::admin::routes(store.clone(), metrics), None)?)
            }
            None => None,
        };
        tracing::info!(address = %client.address, "listening");
        Ok(Self {
            client,
            admin,
            public_url: config.public_url,
            drain,
            store,
            background: wired.background,
        })
    }

    /// Where the client API and the web app are.
    #[must_use]
    pub fn client_address(&self) -> SocketAddr {
        self.client.address
    }

    /// Where metrics and health are, if anywhere.
    #[must_use]
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|listener| listener.address)
    }

    /// The configured public address.
    #[must_use]
    pub fn public_url(&self) -> &Url {
        &self.public_url
    }

    /// Stops: lets requests under way finish, ends long-polls, closes the store.
    pub async fn stop(self) {
        self.drain.begin();
        for listener in [Some(self.client), self.admin].into_iter().flatten() {
            listener.handle.graceful_shutdown(Some(DRAIN_FOR));
            match listener.task.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(%error, "listener failed"),
                Err(error) => tracing::error!(%error, "listener task failed"),
            }
        }
        for task in self.background {
            task.abort();
        }
        self.store.close().await;
    }
}

fn listen(
    address: SocketAddr,
    app: Router,
    tls: Option<axum_server::tls_rustls::RustlsConfig>,
) -> Result<Listener, ServerError> {
    let refused = |source| ServerError::Listen { address, source };
    let socket = std::net::TcpListener::bind(address).map_err(refused)?;
    socket.set_nonblocking(true).map_err(refused)?;
    let address = socket.local_addr().map_err(refused)?;
    let handle = Handle::new();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let task = match tls {
        Some(tls) => {
            let mut server =
                axum_server::from_tcp_rustls(socket, tls).map_err(refused)?.handle(handle.clone());
            limit_connections(server.http_builder());
            tokio::spawn(server.serve(service))
        }
        None => {
            let mut server = axum_server::from_tcp(socket).map_err(refused)?.handle(handle.clone());
            limit_connections(server.http_builder());
            tokio::spawn(server.serve(service))
        }
    };
    Ok(Listener { address, handle, task })
}

/// Slow or greedy connections don't hold the server up.
fn limit_connections<E>(builder: &mut hyper_util::server::conn::auto::Builder<E>) {
    builder
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .max_buf_size(64 * 1024);
    builder
        .http2()
        .timer(hyper_util::rt::TokioTimer::new())
        .max_concurrent_streams(256)
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(20));
}

fn create_folder(path: &Path) -> Result<(), ServerError> {
    std::fs::create_dir_all(path)
        .map_err(|error| ServerError::Service(format!("data_dir {}: {error}", path.display())))
}
