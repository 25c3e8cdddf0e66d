//! Mail servers as operators have them: with TLS and a password. If these fail, nobody gets the code to
//! sign up, or whoever listens on the way gets it too.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
    time::Duration,
};

use reqwest::Method;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::support::process::Installation;

/// Pli's own user name and password at the mail server, as `AUTH PLAIN` says them.
const CREDENTIALS: &str = "AUTH PLAIN AHBsaQBwQHNzOndvcmQ=";

/// When the mail server begins to talk TLS.
#[derive(Clone, Copy, PartialEq)]
enum Tls {
    Never,
    WhenAsked,
    AtOnce,
}

/// The lines that a mail server was told.
#[derive(Default)]
struct Told {
    readably: Vec<String>,
    encrypted: Vec<String>,
}

/// A certificate for `localhost`, written to this file, and its key for the mail server.
fn issue(certificate: &Path) -> Arc<ServerConfig> {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(certificate, issued.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    Arc::new(config)
}

/// Starts a mail server that listens to one client.
fn mail_server(tls: Tls, config: Arc<ServerConfig>) -> (SocketAddr, JoinHandle<Told>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let listening = spawn_blocking(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut told = Told::default();
        if tls != Tls::AtOnce {
            socket.write_all(b"220 mail.test ESMTP\r\n").unwrap();
            let offered: &[u8] =
                if tls == Tls::WhenAsked { b"250 STARTTLS\r\n" } else { b"250 AUTH PLAIN\r\n" };
            told.readably = listen(&mut socket, offered);
            if told.readably.last().is_none_or(|line| line != "STARTTLS") {
                return told;
            }
        }
        let mut stream = StreamOwned::new(ServerConnection::new(config).unwrap(), socket);
        // A client that doesn't trust the certificate ends it here.
        if tls == Tls::AtOnce && stream.write_all(b"220 mail.test ESMTP\r\n").is_err() {
            return told;
        }
        told.encrypted = listen(&mut stream, b"250 AUTH PLAIN\r\n");
        told
    });
    (address, listening)
}

/// Answers what a client says until it asks for TLS, goes away or has handed in a mail.
fn listen(stream: &mut (impl Read + Write), offered: &[u8]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut is_mail = false;
    while let Some(line) = read_line(stream) {
        let answer: &[u8] = match line.as_str() {
            "." => b"250 taken\r\n",
            _ if is_mail => b"",
            "DATA" => b"354 go on\r\n",
            "STARTTLS" => b"220 go on\r\n",
            line if line.starts_with("EHLO") => offered,
            line if line.starts_with("AUTH") => b"235 welcome\r\n",
            _ => b"250 ok\r\n",
        };
        is_mail |= line == "DATA";
        let is_end = line == "." || line == "STARTTLS";
        lines.push(line);
        if stream.write_all(answer).and_then(|()| stream.flush()).is_err() || is_end {
            break;
        }
    }
    lines
}

/// The next line, byte by byte: what follows `STARTTLS` is for somebody else to read.
fn read_line(stream: &mut impl Read) -> Option<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        stream.read_exact(&mut byte).ok()?;
        line.extend(byte);
    }
    Some(String::from_utf8_lossy(&line).trim_end().to_owned())
}

/// Lets Claire ask for a code from a server that knows this mail server and trusts this certificate.
/// Returns what the mail server was told.
async fn ask_for_code(scheme: &str, tls: Tls, config: Arc<ServerConfig>, trusted: &Path) -> Told {
    let (address, listening) = mail_server(tls, config);
    let port = address.port();
    // Only a mail server on another machine has to talk TLS unasked.
    let query = if scheme == "smtp" { "?tls=required" } else { "" };
    let url = format!("{scheme}://pli:p%40ss%3Aword@localhost:{port}{query}");
    let installation = Installation::new();
    installation.configure("registration.domains = [\"interieur.example\"]");
    let environment = [
        ("PLI_REGISTRATION__MODE", "email"),
        ("PLI_MAIL__URL", &url),
        ("SSL_CERT_FILE", trusted.to_str().unwrap()),
    ];
    let process = installation.serve_with(&environment).await;
    let asking = json!({
        "client_secret": "a_secret",
        "email": "claire.martin@interieur.example",
        "send_attempt": 1,
    });
    let path = "/_matrix/client/v3/register/email/requestToken";
    process.send(Method::POST, path, None, Some(&asking)).await.unwrap().ok();
    listening.await.unwrap()
}

#[tokio::test]
async fn a_code_goes_encrypted_to_a_mail_server_that_knows_the_operator() {
    for (scheme, tls) in [("smtp", Tls::WhenAsked), ("smtps", Tls::AtOnce)] {
        let folder = tempfile::tempdir().unwrap();
        let trusted = folder.path().join("cert.pem");
        let told = ask_for_code(scheme, tls, issue(&trusted), &trusted).await;
        let was_told = |start: &str| told.encrypted.iter().any(|line| line.starts_with(start));
        assert!(was_told(CREDENTIALS), "{scheme}: {:?}", told.encrypted);
        assert!(was_told("RCPT TO:<claire.martin@interieur.example>"), "{:?}", told.encrypted);
        assert!(was_told("Subject: "), "{scheme}: {:?}", told.encrypted);
        let greeting = |line: &String| line.starts_with("EHLO") || line == "STARTTLS";
        assert!(told.readably.iter().all(greeting), "{scheme}: {:?}", told.readably);
    }
}

/// Neither to somebody on the way who removes the offer of TLS, nor to one who shows a certificate of
/// their own.
#[tokio::test]
async fn a_code_goes_to_nobody_who_only_claims_to_be_the_mail_server() {
    for (scheme, tls) in [("smtp", Tls::Never), ("smtp", Tls::WhenAsked), ("smtps", Tls::AtOnce)] {
        let folder = tempfile::tempdir().unwrap();
        let trusted = folder.path().join("cert.pem");
        issue(&trusted);
        let pretended = issue(&folder.path().join("pretended.pem"));
        let told = ask_for_code(scheme, tls, pretended, &trusted).await;
        let harmless =
            |line: &String| line.starts_with("EHLO") || line == "STARTTLS" || line == "QUIT";
        assert!(told.readably.iter().all(harmless), "{scheme}: {:?}", told.readably);
        assert!(told.encrypted.is_empty(), "{scheme}: {:?}", told.encrypted);
    }
}
