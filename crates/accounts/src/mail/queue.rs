use std::sync::Arc;

use pli_store::{Batch, Keyspace, Record, Stamp, ambient::Ambient};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::texts::Letter;
use crate::accounts::Email;

/// stamp → a mail that has not been sent yet.
pub(crate) const MAIL_QUEUE: Keyspace<(Stamp,), Mail> = Keyspace::new("mail_queue");

/// A mail that waits to be sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text in plain form.
    pub text: String,
    /// The text as HTML.
    pub html: String,
    /// What a developer wants to see on the terminal when there is no mail server: the code.
    pub code: Option<String>,
    /// After this it isn't worth sending, in milliseconds since the Unix epoch.
    pub expires_ms: u64,
    /// How often sending has failed.
    pub attempts: u32,
    /// Not to be tried again before this.
    pub next_attempt_ms: u64,
}

impl Record for Mail {}

/// The front of the mail queue.
#[derive(Clone)]
pub struct Mailer {
    ambient: Ambient,
    new_mail: Arc<Notify>,
}

impl Mailer {
    /// A queue in a store.
    #[must_use]
    pub fn new(ambient: Ambient) -> Self {
        Self { ambient, new_mail: Arc::default() }
    }

    /// Queues a mail, in a batch that does more. Call [`Self::wake_sender`] after the commit.
    pub(crate) fn stage(&self, batch: &mut Batch, to: &Email, letter: Letter, expires_ms: u64) {
        let mail = Mail {
            to: to.as_str().to_owned(),
            subject: letter.subject,
            text: letter.text,
            html: letter.html,
            code: letter.code,
            expires_ms,
            attempts: 0,
            next_attempt_ms: self.ambient.now_ms(),
        };
        batch.append(&MAIL_QUEUE, (), &mail);
    }

    /// Tells the sender that there is new mail. If it isn't running, it finds it when it starts.
    pub fn wake_sender(&self) {
        self.new_mail.notify_one();
    }

    pub(super) async fn wait_for_mail(&self) {
        self.new_mail.notified().await;
    }
}
