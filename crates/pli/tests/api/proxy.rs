//! nginx before Pli, configured with the very lines of the operator's guide. If these fail, an operator
//! who followed the guide has a server whose files, waiting clients or limits break.

use std::{net::TcpListener, path::Path, process::Stdio};

use reqwest::{Certificate, Method, StatusCode, Version};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};

use crate::support::{Answer, Person, TestServer, process::Installation, waiting::until};

const GUIDE: &str = include_str!("../../../../docs/operating.md");
const NAME: &str = "pli.interieur.example";
const V3: &str = "/_matrix/client/v3";

/// An nginx that passes on to the server at an address, and a client that trusts it.
struct Proxy {
    port: u16,
    http: reqwest::Client,
    _folder: TempDir,
    _process: Child,
}

/// The guide's configuration with addresses and paths of this test.
fn configuration(folder: &Path, port: u16, server_url: &str) -> String {
    let (_, block) = GUIDE.split_once("```nginx\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let folder = folder.display();
    let mut block = block.to_owned();
    for (theirs, ours) in [
        ("listen 443 ", format!("listen 127.0.0.1:{port} ")),
        ("/etc/ssl/pli.pem", format!("{folder}/cert.pem")),
        ("/etc/ssl/private/pli.key", format!("{folder}/key.pem")),
        ("http://127.0.0.1:8008", server_url.to_owned()),
    ] {
        assert!(block.contains(theirs), "the guide no longer says {theirs}");
        block = block.replace(theirs, &ours);
    }
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {folder}/{kind};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nevents {{}}\n\
         http {{\naccess_log off;\n{folders}{block}}}\n"
    )
}

impl Proxy {
    async fn before(server_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issued = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        std::fs::write(folder.path().join("cert.pem"), issued.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), issued.signing_key.serialize_pem()).unwrap();
        // nginx can't choose a free port itself.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let path = folder.path().join("nginx.conf");
        std::fs::write(&path, configuration(folder.path(), port, server_url)).unwrap();

        // Debian keeps it where only root looks for programs.
        let search = format!("{}:/usr/sbin", std::env::var("PATH").unwrap());
        let mut process = Command::new("nginx")
            .env("PATH", search)
            .args(["-e", "stderr", "-c"])
            .arg(&path)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("nginx starts; scripts/need.sh nginx installs it");
        until(async || {
            assert_eq!(process.try_wait().unwrap(), None, "nginx ended");
            TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_certs_only([Certificate::from_der(issued.cert.der()).unwrap()])
            .resolve(NAME, ([127, 0, 0, 1], port).into())
            .build()
            .unwrap();
        Self { port, http, _folder: folder, _process: process }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("https://{NAME}:{}{path}", self.port))
    }

    async fn get(&self, person: &Person, path: &str) -> reqwest::Response {
        let request = self.request(Method::GET, path).bearer_auth(&person.access_token);
        request.send().await.unwrap()
    }
}

#[tokio::test]
async fn the_web_app_comes_over_http_2_with_the_server_s_own_rules() {
    let server = TestServer::start().await;
    let proxy = Proxy::before(&server.url("")).await;
    let page = proxy.request(Method::GET, "/").send().await.unwrap();
    assert_eq!((page.status(), page.version()), (StatusCode::OK, Version::HTTP_2));
    let policies = page.headers().get_all("content-security-policy");
    assert_eq!(policies.iter().count(), 1, "{:?}", page.headers());
}

#[tokio::test]
async fn a_large_file_passes_the_proxy_both_ways() {
    let server = TestServer::start().await;
    let proxy = Proxy::before(&server.url("")).await;
    let claire = server.sign_up("claire").await;
    // More than nginx takes unasked.
    let file = vec![7; 3 << 20];
    let upload = proxy
        .request(Method::POST, "/_matrix/media/v3/upload")
        .bearer_auth(&claire.access_token)
        .body(file.clone());
    let answer = Answer::read(upload.send().await.unwrap()).await.ok();
    let address = answer["content_uri"].as_str().unwrap().strip_prefix("mxc://").unwrap();
    let path = format!("/_matrix/client/v1/media/download/{address}");
    let received = proxy.get(&claire, &path).await.bytes().await.unwrap();
    assert!(received == file, "{} bytes came back", received.len());
}

#[tokio::test]
async fn who_waits_behind_the_proxy_hears_at_once() {
    let installation = Installation::new();
    let server = installation.serve().await;
    let proxy = Proxy::before(&server.url("")).await;
    let claire = server.sign_up("claire").await;
    let room_id = server.create_room(&claire).await;
    let known = Answer::read(proxy.get(&claire, &format!("{V3}/sync")).await).await.ok();
    let since = known["next_batch"].as_str().unwrap();
    let path = format!("{V3}/sync?timeout=80000&since={since}");
    let (news, ()) = tokio::join!(proxy.get(&claire, &path), async {
        until(async || server.metric("pli_sync_requests").await == Some(1.0)).await;
        server.say(&claire, &room_id, "1", 5).await.unwrap().ok();
    });
    let news = Answer::read(news).await.ok();
    let said = &news["rooms"]["join"][&room_id]["timeline"]["events"][0]["content"]["body"];
    assert_eq!(said, "xxxxx", "{news}");
}

/// Otherwise whoever guesses passwords writes another address into each request and is never stopped.
#[tokio::test]
async fn an_invented_address_does_not_get_round_the_limits() {
    let limited = "store.url = \"memory:\"\nregistration.mode = \"open\"\n\
                   rate_limits.enabled = true";
    let server = TestServer::start_with(limited).await;
    let proxy = Proxy::before(&server.url("")).await;
    let mut refused = None;
    for number in 0..100 {
        let guess: Value = json!({
            "type": "m.login.password",
            "identifier": { "type": "m.id.user", "user": format!("user{number}") },
            "password": "wrong",
        });
        let request = proxy
            .request(Method::POST, &format!("{V3}/login"))
            .header("x-forwarded-for", format!("192.0.2.{number}"))
            .json(&guess);
        let answer = Answer::read(request.send().await.unwrap()).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(number);
            break;
        }
    }
    assert_eq!(refused, Some(30), "after how many attempts it was limited");
}
