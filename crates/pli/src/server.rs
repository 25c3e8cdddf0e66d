//! The running server: listeners, TLS, draining.

mod connections;
mod listener;
pub mod open_files;
mod tls;

use std::{net::SocketAddr, path::Path};

use pli_http::layer::drain::Drain;
use pli_store::{Store, StoreError, ambient::Ambient};
use tokio::task::JoinHandle;
use url::Url;

use self::listener::{Listener, Offer};
use crate::{
    config::{Config, ConfigError},
    wiring,
};

/// How many connections operators' programs may have at a time.
const ADMIN_CONNECTIONS: usize = 256;

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
        let offer = Offer {
            app: pli_http::app(wired.state),
            tls: tls.as_ref().map(tls::Reloadable::current),
            max_connections: config.listen.max_connections,
        };
        let client = Listener::open(config.listen.client, offer)?;
        let admin = match config.listen.admin {
            Some(address) => {
                let metrics = wiring::metrics();
                background.push(tokio::spawn(wiring::keep_metrics_small(metrics.clone())));
                let app = pli_http::admin::routes(store.clone(), metrics);
                let offer = Offer { app, tls: None, max_connections: ADMIN_CONNECTIONS };
                Some(Listener::open(address, offer)?)
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
            listener.stop().await;
        }
        for task in &self.background {
            task.abort();
        }
        for task in self.background {
            // Those that were aborted say so; what else they say was logged when it happened.
            let _ = task.await;
        }
        self.store.close().await;
    }
}

fn create_folder(path: &Path) -> Result<(), ServerError> {
    std::fs::create_dir_all(path)
        .map_err(|error| ServerError::Service(format!("data_dir {}: {error}", path.display())))
}
