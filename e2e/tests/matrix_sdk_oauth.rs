//! Signing in through the browser with the Matrix Rust SDK, on which Element X is built: its own
//! discovery, registration, code exchange, refresh and sign-out, over TLS as it insists. The browser
//! is played by plain requests that fill in the pages' forms.
#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::{collections::BTreeMap, future::IntoFuture, net::SocketAddr, pin::pin, time::Duration};

use futures_util::StreamExt;
use matrix_sdk::{
    Client,
    authentication::oauth::{
        qrcode::{GeneratedQrProgress, GrantLoginProgress, LoginProgress},
        registration::{ApplicationType, ClientMetadata, Localized, OAuthGrantType},
    },
    config::SyncSettings,
    ruma::{api::client::discovery::get_authorization_server_metadata::v1::Prompt, serde::Raw},
};
use pli::{config::Config, server::Server};
use reqwest::redirect::Policy;
use tokio::sync::oneshot;
use url::Url;

const PASSWORD: &str = "correct horse battery staple";
const REDIRECT: &str = "http://127.0.0.1:4711/";

#[tokio::test(flavor = "multi_thread")]
async fn somebody_signs_in_through_the_browser_and_stays_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let (server, certificate) = start(folder.path()).await;
    let base = format!("https://localhost:{}", server.client_address().port());
    let client = app(&base, &certificate).await;
    let oauth = client.oauth();
    let metadata = oauth.server_metadata().await.unwrap();
    assert_eq!(metadata.issuer.as_str(), format!("{base}/"));
    let mut browser = Browser::new(&base, &certificate);
    sign_up(&client, &mut browser).await;

    let user_id = client.user_id().unwrap().to_owned();
    assert_eq!(user_id.as_str(), "@claire.martin:pli.test");
    client.sync_once(SyncSettings::default()).await.unwrap();
    client.encryption().wait_for_e2ee_initialization_tasks().await;
    let devices = client.devices().await.unwrap().devices;
    assert_eq!(devices.len(), 1);
    assert_eq!(devices[0].display_name.as_deref(), Some("Pli test app"));

    // The session goes on with other tokens.
    let before = client.session_tokens().unwrap();
    oauth.refresh_access_token().await.unwrap();
    let after = client.session_tokens().unwrap();
    assert_ne!(before.access_token, after.access_token);
    assert_ne!(before.refresh_token, after.refresh_token);
    client.sync_once(SyncSettings::default().timeout(Duration::ZERO)).await.unwrap();

    // And ends when its owner signs out.
    oauth.logout().await.unwrap();
    client.whoami().await.unwrap_err();
    server.stop().await;
}

/// Who has one phone holds it before the new one: the new one is signed in, with all its keys, and
/// nobody types a password.
#[tokio::test(flavor = "multi_thread")]
async fn a_phone_signs_in_another_one_by_a_qr_code() {
    let folder = tempfile::tempdir().unwrap();
    let (server, certificate) = start(folder.path()).await;
    let base = format!("https://localhost:{}", server.client_address().port());
    let old = app(&base, &certificate).await;
    let mut browser = Browser::new(&base, &certificate);
    sign_up(&old, &mut browser).await;
    old.encryption().wait_for_e2ee_initialization_tasks().await;
    old.encryption().bootstrap_cross_signing(None).await.unwrap();

    let (show_code, shown_code) = oneshot::channel();
    let (ask_digits, asked_digits) = oneshot::channel();
    let (open_page, opened_page) = oneshot::channel();
    let granting = tokio::spawn({
        let old = old.clone();
        async move {
            let oauth = old.oauth();
            let grant = oauth.grant_login_with_qr_code().generate();
            let mut progress = pin!(grant.subscribe_to_progress());
            let watching = async {
                let (mut code, mut digits, mut page) =
                    (Some(show_code), Some(ask_digits), Some(open_page));
                while let Some(step) = progress.next().await {
                    match step {
                        GrantLoginProgress::EstablishingSecureChannel(
                            GeneratedQrProgress::QrReady(data),
                        ) => {
                            if let Some(code) = code.take() {
                                code.send(data).expect("the new phone waits for the code");
                            }
                        }
                        GrantLoginProgress::EstablishingSecureChannel(
                            GeneratedQrProgress::QrScanned(sender),
                        ) => drop(digits.take().map(|digits| digits.send(sender))),
                        GrantLoginProgress::WaitingForAuth { verification_uri } => {
                            drop(page.take().map(|page| page.send(verification_uri)));
                        }
                        _ => {}
                    }
                }
            };
            tokio::join!(grant.into_future(), watching).0
        }
    });

    let code = shown_code.await.unwrap();
    let new = app(&base, &certificate).await;
    let (show_digits, shown_digits) = oneshot::channel();
    let signing_in = tokio::spawn({
        let new = new.clone();
        async move {
            let oauth = new.oauth();
            let registration = client_metadata().into();
            let login = oauth.login_with_qr_code(Some(&registration)).scan(&code);
            let mut progress = pin!(login.subscribe_to_progress());
            let watching = async {
                let mut digits = Some(show_digits);
                while let Some(step) = progress.next().await {
                    if let LoginProgress::EstablishingSecureChannel(shown) = step
                        && let Some(digits) = digits.take()
                    {
                        digits.send(shown.check_code.to_digit()).unwrap();
                    }
                }
            };
            tokio::join!(login.into_future(), watching).0
        }
    });
    // The person reads the digits on the new phone and types them on the old one, which then opens
    // the page that asks.
    let digits = shown_digits.await.unwrap();
    asked_digits.await.unwrap().send(digits).await.unwrap();
    let question = browser.open(opened_page.await.unwrap().as_str()).await;
    let page = browser.submit(&question, &[("decision", "allow")]).await.unwrap();
    assert!(page.html.contains("The app is signed in"), "{}", page.html);

    granting.await.unwrap().unwrap();
    signing_in.await.unwrap().unwrap();
    assert_eq!(new.user_id(), old.user_id());
    assert_ne!(new.device_id(), old.device_id());
    let status = new.encryption().cross_signing_status().await.unwrap();
    assert!(status.is_complete(), "the new phone has its owner's keys");
    server.stop().await;
}

async fn app(base: &str, certificate: &[u8]) -> Client {
    Client::builder()
        .homeserver_url(base)
        .add_root_certificates(vec![reqwest::Certificate::from_der(certificate).unwrap()])
        .build()
        .await
        .unwrap()
}

/// A new colleague comes from the app, creates an account in the browser and lets the app in.
async fn sign_up(client: &Client, browser: &mut Browser) {
    let oauth = client.oauth();
    let redirect = Url::parse(REDIRECT).unwrap();
    let request = oauth
        .login(redirect, None, Some(client_metadata().into()), None)
        .prompt(vec![Prompt::Create])
        .build()
        .await
        .unwrap();
    let form = browser.open(request.url.as_str()).await;
    let question = browser
        .submit(&form, &[("username", "claire.martin"), ("password", PASSWORD)])
        .await
        .expect("the page that asks whether to let the app in");
    let Err(callback) = browser.submit(&question, &[("decision", "allow")]).await else {
        panic!("the browser was not sent back to the app");
    };
    oauth.finish_login(callback.into()).await.unwrap();
}

fn client_metadata() -> Raw<ClientMetadata> {
    let redirect_uris = vec![Url::parse("http://127.0.0.1/").unwrap()];
    let grants =
        vec![OAuthGrantType::AuthorizationCode { redirect_uris }, OAuthGrantType::DeviceCode];
    let home = Localized::new(Url::parse("https://app.example.com/").unwrap(), []);
    let mut metadata = ClientMetadata::new(ApplicationType::Native, grants, home);
    metadata.client_name = Some(Localized::new("Pli test app".to_owned(), []));
    Raw::new(&metadata).unwrap()
}

/// A server with TLS on a free port, and the certificate to trust.
async fn start(folder: &std::path::Path) -> (Server, Vec<u8>) {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(folder.join("cert.pem"), issued.cert.pem()).unwrap();
    std::fs::write(folder.join("key.pem"), issued.signing_key.serialize_pem()).unwrap();
    // The address has to be known before the server starts: it tells it to clients.
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = reserved.local_addr().unwrap();
    drop(reserved);
    let path = folder.display();
    let text = format!(
        "server_name = \"pli.test\"\n\
         public_url = \"https://localhost:{port}\"\n\
         data_dir = \"{path}\"\n\
         listen.client = \"{address}\"\n\
         listen.admin = \"127.0.0.1:0\"\n\
         tls.certificate = \"{path}/cert.pem\"\n\
         tls.key = \"{path}/key.pem\"\n\
         store.url = \"memory:\"\n\
         registration.mode = \"open\"\n\
         mail.url = \"outbox:{path}/outbox\"\n\
         passwords.argon2_memory = \"64 KiB\"\n\
         passwords.argon2_iterations = 1\n",
        port = address.port(),
    );
    let config: Config = toml::from_str(&text).unwrap();
    (Server::start(config).await.unwrap(), issued.cert.der().to_vec())
}

/// A browser without script.
struct Browser {
    base: Url,
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Page {
    url: Url,
    html: String,
}

impl Browser {
    fn new(base: &str, certificate: &[u8]) -> Self {
        let certificate = reqwest::Certificate::from_der(certificate).unwrap();
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .add_root_certificate(certificate)
            .no_proxy()
            .build()
            .unwrap();
        Self { base: Url::parse(base).unwrap(), http, cookies: BTreeMap::new() }
    }

    async fn open(&mut self, url: &str) -> Page {
        let request = self.http.get(url);
        self.follow(Url::parse(url).unwrap(), request).await.expect("a page of the server")
    }

    /// Sends a page's first form. An error is the address of an app that the browser is sent to.
    async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Result<Page, Url> {
        let hidden = page.hidden_fields();
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(hidden.chain(fields.iter().copied()))
            .finish();
        let request = self
            .http
            .post(page.url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body);
        self.follow(page.url.clone(), request).await
    }

    async fn follow(
        &mut self,
        mut url: Url,
        mut request: reqwest::RequestBuilder,
    ) -> Result<Page, Url> {
        loop {
            let cookies: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let response = request.header("cookie", cookies.join("; ")).send().await.unwrap();
            for cookie in response.headers().get_all("set-cookie") {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = response.headers().get("location") else {
                return Ok(Page { url, html: response.text().await.unwrap() });
            };
            url = url.join(location.to_str().unwrap()).unwrap();
            if url.origin() != self.base.origin() {
                return Err(url);
            }
            request = self.http.get(url.clone());
        }
    }
}

impl Page {
    fn hidden_fields(&self) -> Vec<(String, String)> {
        let form = self.html.split("</form>").next().unwrap_or_default();
        let attribute = |tag: &str, name: &str| {
            let after = tag.split(&format!("{name}=\"")).nth(1).unwrap();
            after.split('"').next().unwrap().replace("&amp;", "&")
        };
        let inputs = form.split("<input type=\"hidden\"").skip(1);
        inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
    }
}
