//! A listener: lets connections in as long as there is room, and ends them gracefully.

use std::{net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::Router;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use rustls::ServerConfig;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::{
    ServerError,
    connections::{Limits, Protocols, for_client},
};

/// How long requests under way may take after the listener was told to stop.
const DRAIN_FOR: Duration = Duration::from_secs(20);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How many connections wait in the kernel to be accepted: after a restart, everybody comes at once.
const BACKLOG: u32 = 4096;
/// How many of those for whom there is no room are told so at a time, and how long that may take.
/// The rest are closed without a word.
const REFUSALS: usize = 64;
const REFUSAL: Duration = Duration::from_secs(5);
/// How long to wait when the system can't accept connections, most likely for want of open files.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What a listener serves, and to how many.
pub(super) struct Offer {
    /// What answers requests.
    pub(super) app: Router,
    /// TLS as it is at the moment; plain HTTP if absent.
    pub(super) tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    /// How many connections there may be at a time.
    pub(super) max_connections: usize,
}

/// A running listener.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Listener {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the address can't be had.
    pub(super) fn open(address: SocketAddr, offer: Offer) -> Result<Self, ServerError> {
        let refused = |source| ServerError::Listen { address, source };
        let socket = bind(address).map_err(refused)?;
        let address = socket.local_addr().map_err(refused)?;
        let stop = CancellationToken::new();
        let limits = Limits::default();
        let host = Host {
            app: offer.app,
            full: pli_http::full(),
            tls: offer.tls,
            places: Semaphore::new(offer.max_connections.min(Semaphore::MAX_PERMITS)),
            refusals: Semaphore::new(REFUSALS),
            protocols: Protocols::new(&limits),
            limits,
            stop: stop.clone(),
        };
        let task = tokio::spawn(Arc::new(host).receive(socket));
        Ok(Self { address, stop, task })
    }

    /// Stops listening, lets requests under way finish, ends what takes longer.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a listener failed");
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What the connections of a listener share.
struct Host {
    app: Router,
    /// Answers when there is no room.
    full: Router,
    tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    places: Semaphore,
    refusals: Semaphore,
    protocols: Protocols,
    limits: Limits,
    stop: CancellationToken,
}

impl Host {
    async fn receive(self: Arc<Self>, listener: TcpListener) {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        let watcher = graceful.watcher();
                        connections.spawn(Arc::clone(&self).welcome(stream, address, watcher));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted: see `ulimit -n`");
                        sleep(ACCEPT_AGAIN_AFTER).await;
                    }
                },
            }
        }
        // Whoever still tries is refused by the system, and goes to another node.
        drop(listener);
        let finished = async {
            graceful.shutdown().await;
            while connections.join_next().await.is_some() {}
        };
        if timeout(DRAIN_FOR, finished).await.is_err() {
            tracing::warn!(connections = connections.len(), "ended in the middle of a request");
        }
        connections.shutdown().await;
    }

    async fn welcome(self: Arc<Self>, stream: TcpStream, address: SocketAddr, watcher: Watcher) {
        if let Ok(_place) = self.places.try_acquire() {
            self.serve(stream, address, &self.app, watcher).await;
            return;
        }
        let Ok(_refusal) = self.refusals.try_acquire() else { return };
        self.refuse(stream, address, watcher).await;
    }

    /// Says that there is no room. Who doesn't listen isn't told. Boxed, here and below: a
    /// connection keeps no room for what it does not do while its client waits.
    fn refuse(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        watcher: Watcher,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let telling = self.serve(stream, address, &self.full, watcher);
        Box::pin(async { drop(timeout(REFUSAL, telling).await) })
    }

    async fn serve(&self, stream: TcpStream, address: SocketAddr, app: &Router, watcher: Watcher) {
        // Answers are written whole; waiting for more to send with them only delays them.
        if stream.set_nodelay(true).is_err() {
            return;
        }
        if let Some(tls) = &self.tls {
            let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow()));
            let handshake = Box::pin(timeout(HANDSHAKE, acceptor.accept(stream)));
            let Some(Ok(Ok(stream))) = self.stop.run_until_cancelled(handshake).await else {
                return;
            };
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let service = for_client(app.clone(), address);
            Box::pin(self.protocols.speak(stream, is_http2, service, watcher)).await;
        } else {
            let beginning = Box::pin(timeout(self.limits.head, begins_http2(&stream)));
            let Some(Ok(Ok(is_http2))) = self.stop.run_until_cancelled(beginning).await else {
                return;
            };
            let service = for_client(app.clone(), address);
            self.protocols.speak(stream, is_http2, service, watcher).await;
        }
    }
}

/// Waits for a client's first bytes and says whether they begin HTTP/2 (RFC 9113, section 3.4). No
/// method of HTTP/1 begins like that.
async fn begins_http2(stream: &TcpStream) -> std::io::Result<bool> {
    let mut first = [0; 3];
    let length = stream.peek(&mut first).await?;
    Ok(first[..length] == *b"PRI")
}
