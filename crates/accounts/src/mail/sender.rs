use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::{StreamExt, stream};
use lettre::{
    Message,
    message::{Mailbox, MultiPart},
};
use pli_store::{Batch, Direction, Expect, Row, Stamp, Store, ambient::Ambient};

use super::{MAIL_QUEUE, Mail, MailTransport, Mailer, transport::Failure};
use crate::{AccountsError, MailConfig};

/// How many mails are looked at in one round.
const ROUND: usize = 500;
/// How many mails are sent at once.
const CONCURRENT: usize = 4;
/// How long to wait after the first failure; doubled after each further one.
const FIRST_RETRY: Duration = Duration::from_secs(15);
/// The longest wait between two attempts.
const LONGEST_RETRY: Duration = Duration::from_secs(15 * 60);
/// How long to wait when the store fails.
const STORE_RETRY: Duration = Duration::from_secs(5);

/// Sends what is in the mail queue.
pub struct MailSender {
    store: Store,
    ambient: Ambient,
    mailer: Mailer,
    transport: MailTransport,
    from: Mailbox,
}

impl MailSender {
    /// A sender for a queue.
    ///
    /// # Errors
    /// [`AccountsError::Configuration`] if the address of the mail server or the sender can't be
    /// used.
    pub fn new(
        store: Store,
        ambient: Ambient,
        mailer: Mailer,
        config: &MailConfig,
    ) -> Result<Self, AccountsError> {
        let transport = MailTransport::open(&config.url, ambient.clone())?;
        let from = config
            .from
            .parse()
            .map_err(|error| AccountsError::Configuration(format!("mail.from: {error}")))?;
        Ok(Self { store, ambient, mailer, transport, from })
    }

    /// Sends mail as it comes, until the future is dropped. Dropping it loses nothing.
    pub async fn run(self) {
        loop {
            match self.send_due().await {
                Ok(None) => self.mailer.wait_for_mail().await,
                Ok(Some(wait)) => {
                    // New mail ends the wait early; the time-out is for what failed before.
                    let _ = tokio::time::timeout(wait, self.mailer.wait_for_mail()).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the mail queue can't be read");
                    tokio::time::sleep(STORE_RETRY).await;
                }
            }
        }
    }

    /// Tries to send every mail that is due. Returns how long to wait for the next that is; `None` if
    /// the queue is empty.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn send_due(&self) -> Result<Option<Duration>, AccountsError> {
        let rows = self
            .store
            .snapshot()
            .await?
            .scan(&MAIL_QUEUE, MAIL_QUEUE.all(), ROUND, Direction::Forward)
            .await?;
        let now_ms = self.ambient.now_ms();
        let (due, later): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.value.next_attempt_ms <= now_ms);
        let outcomes: Vec<Result<Option<u64>, AccountsError>> =
            stream::iter(due.into_iter().map(|row| self.send_one(row)))
                .buffer_unordered(CONCURRENT)
                .collect()
                .await;

        let mut next_ms = later.iter().map(|row| row.value.next_attempt_ms).min();
        for outcome in outcomes {
            if let Some(retry_ms) = outcome? {
                next_ms = Some(next_ms.map_or(retry_ms, |next_ms| next_ms.min(retry_ms)));
            }
        }
        let now_ms = self.ambient.now_ms();
        Ok(next_ms.map(|next_ms| Duration::from_millis(next_ms.saturating_sub(now_ms))))
    }

    /// Sends one mail; returns when to try again, if that makes sense.
    async fn send_one(&self, row: Row<(Stamp,), Mail>) -> Result<Option<u64>, AccountsError> {
        let Row { key, value: mut mail, version } = row;
        let domain = mail.to.rsplit_once('@').map_or("", |(_, domain)| domain);
        let outcome = match self.message(&mail) {
            Ok(message) => self.transport.send(&mail, message).await,
            Err(error) => Err(Failure::Permanent(error.to_string())),
        };
        let now_ms = self.ambient.now_ms();
        let mut batch = Batch::new();
        // Another node may have taken it at the same time.
        batch.require(&MAIL_QUEUE, key, Expect::Version(version));
        let mut retry_ms = None;
        match outcome {
            Ok(()) => {
                batch.delete(&MAIL_QUEUE, key);
            }
            Err(Failure::Permanent(error)) => {
                tracing::warn!(domain, error, "a mail was refused for good and is dropped");
                batch.delete(&MAIL_QUEUE, key);
            }
            Err(Failure::Temporary(error)) => {
                let wait =
                    FIRST_RETRY.saturating_mul(1 << mail.attempts.min(16)).min(LONGEST_RETRY);
                let next_attempt_ms =
                    now_ms.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
                mail.attempts += 1;
                mail.next_attempt_ms = next_attempt_ms;
                if next_attempt_ms >= mail.expires_ms {
                    tracing::warn!(
                        domain,
                        error,
                        "a mail could not be sent in time and is dropped"
                    );
                    batch.delete(&MAIL_QUEUE, key);
                } else {
                    let attempts = mail.attempts;
                    tracing::warn!(domain, error, attempts, "a mail could not be sent yet");
                    batch.put(&MAIL_QUEUE, key, &mail);
                    retry_ms = Some(next_attempt_ms);
                }
            }
        }
        match self.store.commit(batch).await.map_err(AccountsError::from) {
            Err(error) if error.is_conflict() => Ok(None),
            outcome => outcome.map(|_| retry_ms),
        }
    }

    fn message(&self, mail: &Mail) -> Result<Message, AccountsError> {
        let failed = |error: &dyn std::fmt::Display| AccountsError::Mail(error.to_string());
        let to: lettre::Address = mail.to.parse().map_err(|error| failed(&error))?;
        let date: SystemTime = UNIX_EPOCH + Duration::from_millis(self.ambient.now_ms());
        let message_id =
            format!("<{}@{}>", self.ambient.random_string(24), self.from.email.domain());
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject.clone())
            .date(date)
            .message_id(Some(message_id))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))
            .map_err(|error| failed(&error))
    }
}
