//! Connections to the server. If these fail, whoever opens enough of them keeps everybody else out,
//! or the server grows until the system ends it.

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::support::TestServer;

/// A connection on which one asks without a client library, which would open further ones.
struct Connection(TcpStream);

impl Connection {
    async fn open(server: &TestServer) -> Self {
        Self(TcpStream::connect(server.client_address()).await.unwrap())
    }

    /// Asks for the versions. Returns the answer's head, in lower case, and body.
    async fn ask(&mut self) -> (String, Value) {
        let request = b"GET /_matrix/client/versions HTTP/1.1\r\nhost: pli.test\r\n\r\n";
        self.0.write_all(request).await.unwrap();
        self.answer().await
    }

    /// The next answer's head, in lower case, and body.
    async fn answer(&mut self) -> (String, Value) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        let mut body = vec![0; length.split("\r\n").next().unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).await.unwrap();
        (head, serde_json::from_slice(&body).unwrap())
    }

    async fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]).await, Ok(0))
    }
}

#[tokio::test]
async fn who_finds_no_room_is_told_to_come_back() {
    let server =
        TestServer::start_with("store.url = \"memory:\"\nlisten.max_connections = 2").await;
    let mut first = Connection::open(&server).await;
    let mut second = Connection::open(&server).await;
    for connection in [&mut first, &mut second] {
        let (head, _) = connection.ask().await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
    }
    let mut third = Connection::open(&server).await;
    let (head, body) = third.ask().await;
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert!(head.contains("retry-after: 1\r\n"), "{head}");
    // A web client of another origin reads it too.
    assert!(head.contains("access-control-allow-origin: *"), "{head}");
    assert_eq!(body["errcode"], "M_UNKNOWN");
    assert!(third.is_closed().await);

    // Those who are in stay in, and whoever leaves makes room.
    let (head, _) = second.ask().await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    drop(first);
    loop {
        let (head, _) = Connection::open(&server).await.ask().await;
        if head.starts_with("http/1.1 200") {
            break;
        }
    }
}

/// Some proxies speak it with the servers behind them.
#[tokio::test]
async fn http_2_needs_no_tls() {
    let server = TestServer::start_with("store.url = \"memory:\"").await;
    let client = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let answer = client.get(server.url("/_matrix/client/versions")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert!(answer.status().is_success());
}

/// Whose access token has expired renews it and goes on: on the same connection, behind a proxy
/// with everybody else's.
#[tokio::test]
async fn a_request_that_is_refused_before_its_body_came_costs_no_connection() {
    let server = TestServer::start_with("store.url = \"memory:\"").await;
    let mut connection = Connection::open(&server).await;
    for request in [
        "POST /_matrix/client/v3/createRoom",
        "PUT /_matrix/client/v3/rooms/x/send/m.room.message/x",
        "POST /_matrix/client/v3/rooms/x/send/m.room.message/x",
        "POST /_matrix/client/v3/nothing",
    ] {
        let head = format!("{request} HTTP/1.1\r\nhost: pli.test\r\ncontent-length: 2\r\n\r\n");
        connection.0.write_all(head.as_bytes()).await.unwrap();
        // The server reads what it has before the rest is there.
        Connection::open(&server).await.ask().await;
        connection.0.write_all(b"{}").await.unwrap();
        let (head, _) = connection.answer().await;
        assert!(head.starts_with("http/1.1 40"), "{head}");
        assert!(!head.contains("connection: close"), "{head}");
    }
    let (head, _) = connection.ask().await;
    assert!(head.starts_with("http/1.1 200"), "{head}");

    // Of what is too long to be waited for the client learns that the connection ends.
    let request = "POST /_matrix/client/v3/createRoom HTTP/1.1\r\nhost: pli.test\r\n\
                   content-length: 1000000\r\n\r\n";
    connection.0.write_all(request.as_bytes()).await.unwrap();
    let (head, _) = connection.answer().await;
    assert!(head.contains("connection: close"), "{head}");
    assert!(connection.is_closed().await);
}

/// Strangers who announce large bodies, a thousand at once, would fill the server's memory.
#[tokio::test]
async fn nobody_without_an_account_has_a_body_read() {
    let server = TestServer::start_with("store.url = \"memory:\"").await;
    for request in [
        "PUT /_matrix/client/v3/profile/@claire:pli.test/displayname",
        "PUT /_matrix/client/v3/pushrules/global/content/x",
        "PUT /_matrix/client/v3/rooms/!x:pli.test/typing/@claire:pli.test",
        "PUT /_matrix/client/v3/directory/list/room/!x:pli.test",
        "POST /_matrix/client/v3/search",
        "PUT /_matrix/client/v3/rooms/!x:pli.test/redact/$x/x",
        "POST /_matrix/client/v3/rooms/!x:pli.test/join",
        "POST /_matrix/client/v3/pushers/set",
    ] {
        let mut connection = Connection::open(&server).await;
        let head =
            format!("{request} HTTP/1.1\r\nhost: pli.test\r\ncontent-length: 8000000\r\n\r\n");
        connection.0.write_all(head.as_bytes()).await.unwrap();
        let (head, body) = connection.answer().await;
        assert!(head.starts_with("http/1.1 401"), "{request}: {head}");
        assert_eq!(body["errcode"], "M_MISSING_TOKEN", "{request}");
    }
}
