//! What is spoken on a connection, and what one may take. Slow or greedy ones don't hold the server
//! up.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, routing::future::RouteFuture};
use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::{HttpService, service_fn},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::Watcher,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tower::Service;

/// The limits of a connection.
pub(super) struct Limits {
    /// How long the head of a request may take, and how long a connection may idle before it.
    pub(super) head: Duration,
    /// How many bytes the head of a request may have.
    head_bytes: u32,
    /// How many requests one HTTP/2 connection may have under way.
    streams: u32,
    /// How often a silent HTTP/2 connection is asked whether somebody is still there.
    ping_every: Duration,
    /// How long the answer to that may take.
    ping_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            streams: 256,
            ping_every: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(20),
        }
    }
}

/// The two protocols. Which of them a connection speaks is known before either begins: a connection
/// that could still become the other would take twice the memory for as long as its client waits.
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Protocols {
    /// Both, with these limits.
    pub(super) fn new(limits: &Limits) -> Self {
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(limits.head_bytes as usize);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(limits.streams)
            .max_header_list_size(limits.head_bytes)
            .keep_alive_interval(limits.ping_every)
            .keep_alive_timeout(limits.ping_timeout);
        Self { http1, http2 }
    }

    /// Answers the requests of a connection until it ends. How it ended is for its client to see.
    pub(super) async fn speak<I>(&self, io: I, is_http2: bool, service: impl App, watcher: Watcher)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(io);
        if is_http2 {
            let _ = Box::pin(watcher.watch(self.http2.serve_connection(io, service))).await;
        } else {
            let _ = watcher.watch(self.http1.serve_connection(io, service)).await;
        }
    }
}

/// What answers requests.
pub(super) trait App:
    HttpService<Incoming, ResBody = Body, Error = Infallible, Future = RouteFuture<Infallible>>
    + Send
    + 'static
{
}

impl<S> App for S where
    S: HttpService<Incoming, ResBody = Body, Error = Infallible, Future = RouteFuture<Infallible>>
        + Send
        + 'static
{
}

/// The app as one client's connection sees it.
pub(super) fn for_client(app: Router, address: SocketAddr) -> impl App {
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(address));
        app.clone().call(request)
    })
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use hyper_util::server::graceful::GracefulShutdown;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a server with these limits says to a client that sends this and then waits.
    async fn answer(limits: Limits, sent: &[u8]) -> String {
        let (mut client, server) = tokio::io::duplex(1024 * 1024);
        let app = Router::new().route("/", get(async || ()));
        let service = for_client(app, SocketAddr::from(([127, 0, 0, 1], 1)));
        let shutdown = GracefulShutdown::new();
        let watcher = shutdown.watcher();
        let serving = tokio::spawn(async move {
            Protocols::new(&limits).speak(server, false, service, watcher).await;
        });
        client.write_all(sent).await.unwrap();
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        serving.await.unwrap();
        drop(shutdown);
        String::from_utf8_lossy(&received).into_owned()
    }

    /// Or a handful of machines could take all connections and say nothing on them.
    #[tokio::test]
    async fn who_never_ends_a_head_is_cut_off() {
        let limits = Limits { head: Duration::from_millis(20), ..Limits::default() };
        let said = answer(limits, b"GET / HTTP/1.1\r\nhost: pli.test\r\nx-slow: ").await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    }

    #[tokio::test]
    async fn a_head_has_its_limit() {
        let limits = Limits { head_bytes: 16 * 1024, ..Limits::default() };
        let head = format!("GET / HTTP/1.1\r\nhost: pli.test\r\nx: {}\r\n\r\n", "x".repeat(32_000));
        let said = answer(limits, head.as_bytes()).await;
        assert!(said.starts_with("HTTP/1.1 431"), "{said}");
    }
}
