//! Outgoing mail: a durable queue in the store and a sender that works through it.
//!
//! A mail is part of the batch that causes it: a crash loses none, and no request waits for a mail
//! server.

mod language;
mod queue;
mod sender;
mod texts;
mod transport;

pub use self::{
    language::Language,
    queue::{Mail, Mailer},
    sender::MailSender,
    transport::MailTransport,
};
pub(crate) use self::{
    queue::MAIL_QUEUE,
    texts::{Confirmation, Letter, LetterKind},
};
