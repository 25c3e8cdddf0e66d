//! The running server: listeners, TLS, draining.

mod connections;
pub mod open_files;
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
    tls: Option<tls::Reloadable>,
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

        let mut background = wired.background;
        let tls = config.tls.clone().map(tls::Reloadable::load).transpose()?;
        let rustls = tls.as_ref().map(tls::Reloadable::config);
        let client = listen(config.listen.client, pli_http::app(wired.state), rustls)?;
        let admin = match config.listen.admin {
            Some(address) => {
                let metrics = wiring::metrics();
                background.push(tokio::spawn(wiring::keep_metrics_small(metrics.clone())));
                Some(listen(address, pli_http::admin::routes(store.clone(), metrics), None)?)
            }
            None => None,
        };
        if let Some(admin) = &admin {
            tracing::info!(address = %admin.address, "listening for operators");
        }
        tracing::info!(address = %client.address, "listening");
        Ok(Self { client, admin, public_url: config.public_url, tls, drain, store, background })
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

    /// Reads the certificate and its key again, for connections from now on. Does nothing without
    /// TLS.
    ///
    /// # Errors
    /// When they are unusable: the ones from before stay in use.
    pub fn reload_certificate(&self) -> Result<(), ServerError> {
        self.tls.as_ref().map_or(Ok(()), tls::Reloadable::reload)
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
            connections::limit(server.http_builder(), &connections::Limits::default());
            tokio::spawn(server.serve(service))
        }
        None => {
            let mut server = axum_server::from_tcp(socket).map_err(refused)?.handle(handle.clone());
            connections::limit(server.http_builder(), &connections::Limits::default());
            tokio::spawn(server.serve(service))
        }
    };
    Ok(Listener { address, handle, task })
}

fn create_folder(path: &Path) -> Result<(), ServerError> {
    std::fs::create_dir_all(path)
        .map_err(|error| ServerError::Service(format!("data_dir {}: {error}", path.display())))
}
