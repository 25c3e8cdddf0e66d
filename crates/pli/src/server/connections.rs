//! What one connection may take. Slow or greedy ones don't hold the server up.

use std::time::Duration;

use hyper_util::{rt::TokioTimer, server::conn::auto::Builder};

/// The limits of a connection.
pub(super) struct Limits {
    /// How long the head of a request may take, and how long a connection may idle before it.
    head: Duration,
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

/// Makes connections keep to the limits.
pub(super) fn limit<E>(builder: &mut Builder<E>, limits: &Limits) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_buf_size(limits.head_bytes as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams)
        .max_header_list_size(limits.head_bytes)
        .keep_alive_interval(limits.ping_every)
        .keep_alive_timeout(limits.ping_timeout);
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::body::Body;
    use hyper::{Request, Response, body::Incoming, service::service_fn};
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// What a server with these limits says to a client that sends this and then waits.
    async fn answer(limits: Limits, sent: &[u8]) -> String {
        let (mut client, server) = tokio::io::duplex(1024 * 1024);
        let mut builder = Builder::new(TokioExecutor::new());
        limit(&mut builder, &limits);
        let serving = tokio::spawn(async move {
            let service = service_fn(async |_: Request<Incoming>| {
                Ok::<_, Infallible>(Response::new(Body::empty()))
            });
            // How the connection ended is for its client to see.
            let _ = builder.serve_connection(TokioIo::new(server), service).await;
        });
        client.write_all(sent).await.unwrap();
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        serving.await.unwrap();
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
