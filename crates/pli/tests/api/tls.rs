//! TLS by the server itself. If these fail, what people write can be read on the way, now or once
//! there are quantum computers.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, NamedGroup, ProtocolVersion, RootCertStore,
    crypto::SupportedKxGroup,
};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::task::spawn_blocking;

use crate::support::TestServer;

/// What a client and the server agreed upon.
struct Agreed {
    version: Option<ProtocolVersion>,
    group: Option<NamedGroup>,
    alpn: Option<Vec<u8>>,
    certificate: CertificateDer<'static>,
}

/// Writes a certificate for `pli.test` and its key.
fn issue(folder: &Path) -> CertificateDer<'static> {
    let issued = rcgen::generate_simple_self_signed(vec!["pli.test".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), issued.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), issued.signing_key.serialize_pem()).unwrap();
    issued.cert.der().clone()
}

async fn server_with_tls(folder: &Path) -> TestServer {
    let folder = folder.display();
    TestServer::start_with(&format!(
        "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
         tls.certificate = \"{folder}/cert.pem\"\ntls.key = \"{folder}/key.pem\""
    ))
    .await
}

async fn connect(address: SocketAddr, trusted: CertificateDer<'static>) -> Agreed {
    spawn_blocking(move || {
        let mut roots = RootCertStore::empty();
        roots.add(trusted).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let name = ServerName::try_from("pli.test").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut socket = TcpStream::connect(address).unwrap();
        while client.is_handshaking() {
            client.complete_io(&mut socket).unwrap();
        }
        Agreed {
            version: client.protocol_version(),
            group: client.negotiated_key_exchange_group().map(SupportedKxGroup::name),
            alpn: client.alpn_protocol().map(<[u8]>::to_vec),
            certificate: client.peer_certificates().unwrap()[0].clone(),
        }
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn today_s_recordings_stay_unreadable_for_tomorrow_s_computers() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = issue(folder.path());
    let server = server_with_tls(folder.path()).await;
    let agreed = connect(server.client_address(), certificate).await;
    assert_eq!(agreed.version, Some(ProtocolVersion::TLSv1_3));
    assert_eq!(agreed.group, Some(NamedGroup::X25519MLKEM768));
    assert_eq!(agreed.alpn.as_deref(), Some(&b"h2"[..]));
}

#[tokio::test]
async fn requests_go_over_http_2() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = issue(folder.path());
    let server = server_with_tls(folder.path()).await;
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_der(&certificate).unwrap()])
        .resolve("pli.test", server.client_address())
        .build()
        .unwrap();
    let port = server.client_address().port();
    let url = format!("https://pli.test:{port}/_matrix/client/versions");
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    assert!(answer.status().is_success());
}

/// A certificate lives for weeks, a server for longer.
#[tokio::test]
async fn a_renewed_certificate_is_used_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let server = server_with_tls(folder.path()).await;
    let renewed = issue(folder.path());
    server.running().reload_certificate().unwrap();
    let agreed = connect(server.client_address(), renewed.clone()).await;
    assert_eq!(agreed.certificate, renewed);
    std::fs::write(folder.path().join("cert.pem"), "half a file").unwrap();
    let error = server.running().reload_certificate().unwrap_err().to_string();
    assert!(error.contains("cert.pem"), "{error}");
    assert_eq!(connect(server.client_address(), renewed.clone()).await.certificate, renewed);
}

/// The first message of a client that knows nothing newer than the given version.
fn client_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([7; 32]);
    // No session; one cipher suite of then, which TLS 1.2 still had; no compression.
    body.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    // The signature algorithms RSA with SHA-256 and SHA-1, the group P-256.
    let extensions = [0, 13, 0, 6, 0, 4, 4, 1, 2, 1, 0, 10, 0, 4, 0, 2, 0, 23];
    body.extend([0, u8::try_from(extensions.len()).unwrap()]);
    body.extend(extensions);
    let mut handshake = vec![1, 0, 0, u8::try_from(body.len()).unwrap()];
    handshake.extend(body);
    let mut record = vec![22, 3, 1, 0, u8::try_from(handshake.len()).unwrap()];
    record.extend(handshake);
    record
}

#[tokio::test]
async fn what_was_broken_long_ago_is_not_spoken() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let server = server_with_tls(folder.path()).await;
    let address = server.client_address();
    for version in [[3, 0], [3, 1], [3, 2]] {
        let answer = spawn_blocking(move || {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            socket.write_all(&client_hello(version)).unwrap();
            let mut answer = Vec::new();
            socket.read_to_end(&mut answer).unwrap();
            answer
        })
        .await
        .unwrap();
        // A fatal alert: this version of the protocol is not supported.
        assert_eq!(answer.first(), Some(&21), "{version:?}: {answer:?}");
        assert_eq!(answer[5..7], [2, 70], "{version:?}: {answer:?}");
    }
}

#[tokio::test]
async fn plain_http_gets_nothing_from_a_tls_listener() {
    let folder = tempfile::tempdir().unwrap();
    issue(folder.path());
    let server = server_with_tls(folder.path()).await;
    let url = format!("http://{}/_matrix/client/versions", server.client_address());
    server.http.get(url).send().await.unwrap_err();
}
