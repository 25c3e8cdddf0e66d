use std::{
    io::Write,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use pli_store::ambient::Ambient;

use super::Mail;
use crate::AccountsError;

/// How long a mail server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where mails go.
pub enum MailTransport {
    /// To a mail server.
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// Into a directory, and the code onto the terminal: for a developer's machine.
    Outbox {
        /// The directory.
        directory: PathBuf,
        /// For file names.
        ambient: Ambient,
    },
}

/// What became of a mail.
#[derive(Debug)]
pub(super) enum Failure {
    /// The mail server is away or busy: try again.
    Temporary(String),
    /// The mail will never be taken.
    Permanent(String),
}

impl MailTransport {
    /// The transport at an address: `smtp://…`, `smtps://…` or `outbox:DIRECTORY`.
    ///
    /// `smtp://` means STARTTLS, which the server has to offer; add `?tls=opportunistic` to send in
    /// clear where it doesn't, or name a loopback address.
    ///
    /// # Errors
    /// [`AccountsError::Configuration`] if the address can't be used.
    pub fn open(url: &str, ambient: Ambient) -> Result<Self, AccountsError> {
        if let Some(directory) = url.strip_prefix("outbox:") {
            return Ok(Self::Outbox { directory: PathBuf::from(directory), ambient });
        }
        let invalid = |error: &dyn std::fmt::Display| {
            AccountsError::Configuration(format!(
                "mail.url: {error}; use smtp://user:password@host:port, smtps://… or \
                 outbox:DIRECTORY"
            ))
        };
        let mut parsed = url::Url::parse(url).map_err(|error| invalid(&error))?;
        // A mail server on the same machine (a relay, a test) rarely has a certificate.
        let host = parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let is_loopback = host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let says_tls = parsed.query_pairs().any(|(name, _)| name == "tls");
        if parsed.scheme() == "smtp" && !says_tls && !is_loopback {
            parsed.query_pairs_mut().append_pair("tls", "required");
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(parsed.as_str())
            .map_err(|error| invalid(&error))?;
        Ok(Self::Smtp(builder.timeout(Some(TIMEOUT)).build()))
    }

    pub(super) async fn send(&self, mail: &Mail, message: Message) -> Result<(), Failure> {
        match self {
            Self::Smtp(transport) => match transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(Failure::Permanent(error.to_string())),
                Err(error) => Err(Failure::Temporary(error.to_string())),
            },
            Self::Outbox { directory, ambient } => {
                let name = format!("{:013}-{}.eml", ambient.now_ms(), ambient.random_string(6));
                let path = directory.join(name);
                write_file(directory, &path, &message.formatted())
                    .await
                    .map_err(|error| Failure::Temporary(format!("{}: {error}", path.display())))?;
                announce(mail, &path);
                Ok(())
            }
        }
    }
}

async fn write_file(directory: &Path, path: &Path, content: &[u8]) -> std::io::Result<()> {
    tokio::fs::create_dir_all(directory).await?;
    // Readers of the directory never see half a mail.
    let unfinished = path.with_extension("part");
    tokio::fs::write(&unfinished, content).await?;
    tokio::fs::rename(&unfinished, path).await
}

/// Shows the developer what would have been mailed. Not part of the log: it holds the code.
fn announce(mail: &Mail, path: &Path) {
    let code = mail.code.as_deref().map(|code| format!(" · code {code}")).unwrap_or_default();
    let line = format!("mail for {}: {}{code} ({})\n", mail.to, mail.subject, path.display());
    // A closed terminal is no reason to fail.
    let _ = std::io::stdout().write_all(line.as_bytes());
}
