//! A small world: services on a store in memory, a clock that stands still, mails in a folder.

use std::{sync::Arc, time::Duration};

use bytesize::ByteSize;
use pli_accounts::{
    AccountsError, Assembly, AssemblyConfig, Language, MailConfig, MailSender, OAuthConfig,
    PasswordsConfig, RegistrationConfig, RegistrationMode, Requester, SessionsConfig,
    accounts::Email,
    devices::{NewSession, SessionRequest},
    login::Identifier,
    registration::NewAccount,
    validation::TokenRequest,
};
use pli_store::{
    Store,
    ambient::{Ambient, ManualClock, SeededEntropy},
};
use ruma::{
    ClientSecret, OwnedUserId,
    api::client::uiaa::{AuthData, UiaaInfo},
    server_name,
};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const CLAIRE: &str = "claire.martin@interieur.example";
pub(crate) const SAMIR: &str = "samir.benali@interieur.example";

pub(crate) struct World {
    pub(crate) services: Assembly,
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    ambient: Ambient,
    config: AssemblyConfig,
    outbox: TempDir,
}

/// A mail as the recipient sees it.
#[derive(Debug)]
pub(crate) struct ReceivedMail {
    pub(crate) raw: String,
}

impl World {
    /// Sign-up by mail for the addresses of interieur.example.
    pub(crate) fn by_mail() -> Self {
        let mut registration = RegistrationConfig {
            domains: vec!["interieur.example".to_owned()],
            ..RegistrationConfig::default()
        };
        registration.organisations.insert("interieur.example".to_owned(), "Intérieur".to_owned());
        Self::new(registration)
    }

    /// Everybody may sign up.
    pub(crate) fn open() -> Self {
        Self::new(RegistrationConfig {
            mode: RegistrationMode::Open,
            ..RegistrationConfig::default()
        })
    }

    pub(crate) fn new(registration: RegistrationConfig) -> Self {
        let config = AssemblyConfig {
            oauth: OAuthConfig::default(),
            server_name: server_name!("interieur.example").to_owned(),
            public_url: "https://pli.interieur.example".parse().unwrap(),
            registration,
            passwords: cheap_passwords(),
            sessions: SessionsConfig::default(),
            upstream: Vec::new(),
        };
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let entropy = Arc::new(SeededEntropy::new(7));
        let ambient = Ambient { clock: Arc::clone(&clock) as _, entropy };
        let store = Store::memory();
        let services = Assembly::build(&store, &ambient, config.clone(), Vec::new()).unwrap();
        let outbox = tempfile::tempdir().unwrap();
        Self { services, store, clock, ambient, config, outbox }
    }

    /// What a restart leaves: the store and nothing else. The configuration may change meanwhile.
    pub(crate) fn restart_with(mut self, change: impl FnOnce(&mut AssemblyConfig)) -> Self {
        change(&mut self.config);
        self.services =
            Assembly::build(&self.store, &self.ambient, self.config.clone(), Vec::new()).unwrap();
        self
    }

    pub(crate) fn restart(self) -> Self {
        self.restart_with(|_| {})
    }

    pub(crate) fn advance(&self, minutes: u64) {
        self.clock.advance(Duration::from_secs(minutes * 60));
    }

    pub(crate) fn sender(&self) -> MailSender {
        let url = format!("outbox:{}", self.outbox.path().display());
        self.sender_to(&url)
    }

    pub(crate) fn sender_to(&self, url: &str) -> MailSender {
        let from = "Pli <ne-pas-repondre@interieur.example>".to_owned();
        let config = MailConfig { url: url.to_owned(), from };
        let mailer = self.services.mailer.clone();
        MailSender::new(self.store.clone(), self.ambient.clone(), mailer, &config).unwrap()
    }

    /// Sends what is queued and empties the outbox.
    pub(crate) async fn receive_mails(&self) -> Vec<ReceivedMail> {
        self.sender().send_due().await.unwrap();
        let mut files: Vec<_> = std::fs::read_dir(self.outbox.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "eml"))
            .collect();
        files.sort();
        files
            .into_iter()
            .map(|path| {
                let raw = std::fs::read_to_string(&path).unwrap();
                std::fs::remove_file(path).unwrap();
                ReceivedMail { raw }
            })
            .collect()
    }

    /// Asks for a sign-up mail and returns the session's id.
    pub(crate) async fn request_sign_up(
        &self,
        address: &str,
        secret: &str,
        attempt: u64,
    ) -> Result<String, AccountsError> {
        let sid = self
            .services
            .registration
            .request_email_token(TokenRequest {
                client_secret: &ClientSecret::parse(secret).unwrap(),
                email: &Email::parse(address)?,
                send_attempt: attempt,
                next_link: None,
                language: Language::French,
            })
            .await?;
        Ok(sid.to_string())
    }

    /// Confirms an address for signing up, by the code; returns the session's id.
    pub(crate) async fn confirm_address(&self, address: &str, secret: &str) -> String {
        let sid = self.request_sign_up(address, secret, 1).await.unwrap();
        let mail = self.receive_mails().await.pop().unwrap();
        self.services.validation.submit(&sid, Some(secret), &mail.code()).await.unwrap();
        sid
    }

    /// Signs somebody up by mail.
    pub(crate) async fn sign_up_by_mail(&self, address: &str) -> NewSession {
        let secret = "a_secret_of_the_client";
        let sid = self.confirm_address(address, secret).await;
        let registered = self
            .services
            .registration
            .register(&new_account(None), Some(&email_auth(&sid, secret, None)))
            .await
            .unwrap();
        registered.session.unwrap()
    }

    /// Signs somebody up where everybody may.
    pub(crate) async fn sign_up(&self, name: &str) -> NewSession {
        let registered = self
            .services
            .registration
            .register(&new_account(Some(name)), Some(&auth(json!({ "type": "m.login.dummy" }))))
            .await
            .unwrap();
        registered.session.unwrap()
    }

    pub(crate) async fn sign_in(&self, name: &str, refresh_token: bool) -> NewSession {
        let request = SessionRequest { refresh_token, ..SessionRequest::default() };
        let identifier = Identifier::User(name.to_owned());
        self.services.login.with_password(&identifier, PASSWORD, &request).await.unwrap()
    }

    pub(crate) async fn who_is(&self, access_token: &str) -> Result<Requester, AccountsError> {
        self.services.sessions.authenticate(access_token).await
    }
}

impl ReceivedMail {
    /// The six digits, from the subject in French.
    pub(crate) fn code(&self) -> String {
        let text = self.text();
        let line = text.lines().find(|line| is_code(line.trim())).expect("no code in the mail");
        line.trim().to_owned()
    }

    /// The link.
    pub(crate) fn link(&self) -> url::Url {
        let text = self.text();
        text.lines().find_map(|line| line.trim().parse().ok()).expect("no link in the mail")
    }

    /// The plain text, decoded.
    pub(crate) fn text(&self) -> String {
        let (_, body) = self.raw.split_once("text/plain").unwrap();
        let (_, body) = body.split_once("\r\n\r\n").unwrap();
        let (body, _) = body.split_once("\r\n--").unwrap();
        quoted_printable(body)
    }
}

fn is_code(line: &str) -> bool {
    line.len() == 7 && line.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
}

fn quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = joined.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'=' {
            let hex = std::str::from_utf8(&tail[..2]).unwrap();
            bytes.push(u8::from_str_radix(hex, 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

pub(crate) fn cheap_passwords() -> PasswordsConfig {
    PasswordsConfig {
        argon2_memory: ByteSize::kib(64),
        argon2_iterations: 1,
        ..PasswordsConfig::default()
    }
}

pub(crate) fn new_account(name: Option<&str>) -> NewAccount {
    NewAccount {
        username: name.map(str::to_owned),
        password: Some(PASSWORD.to_owned()),
        session: Some(SessionRequest::default()),
    }
}

pub(crate) fn auth(data: Value) -> AuthData {
    serde_json::from_value(data).unwrap()
}

pub(crate) fn email_auth(sid: &str, secret: &str, session: Option<&str>) -> AuthData {
    auth(json!({
        "type": "m.login.email.identity",
        "threepid_creds": { "sid": sid, "client_secret": secret },
        "session": session,
    }))
}

pub(crate) fn password_auth(
    user_id: &OwnedUserId,
    password: &str,
    session: Option<&str>,
) -> AuthData {
    auth(json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": user_id },
        "password": password,
        "session": session,
    }))
}

/// The flows that an operation asks for.
#[track_caller]
pub(crate) fn challenge<T: std::fmt::Debug>(outcome: Result<T, AccountsError>) -> UiaaInfo {
    match outcome {
        Err(AccountsError::UserInteractive(info)) => *info,
        other => panic!("expected a challenge, got {other:?}"),
    }
}
