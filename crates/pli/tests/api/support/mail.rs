//! The mails that a test server sends: files in its outbox.

use std::{collections::HashSet, path::PathBuf};

use super::{TestServer, waiting::until};

/// A reader of the outbox.
pub(crate) struct Mails {
    outbox: PathBuf,
    read: HashSet<PathBuf>,
}

/// A mail's plain text.
pub(crate) struct Mail(String);

impl Mails {
    pub(crate) fn of(server: &TestServer) -> Self {
        Self { outbox: server.folder.path().join("outbox"), read: HashSet::new() }
    }

    /// The next mail, once it is there.
    pub(crate) async fn next(&mut self) -> Mail {
        let mut found = None;
        until(async || {
            found = self.unread();
            found.is_some()
        })
        .await;
        let path = found.unwrap();
        let raw = std::fs::read_to_string(&path).unwrap();
        self.read.insert(path);
        Mail(plain_text(&raw))
    }

    fn unread(&self) -> Option<PathBuf> {
        let files = std::fs::read_dir(&self.outbox).ok()?;
        let paths = files.map(|entry| entry.unwrap().path());
        let is_mail = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "eml");
        paths.filter(|path| is_mail(path) && !self.read.contains(path)).min()
    }
}

impl Mail {
    /// The six digits.
    pub(crate) fn code(&self) -> String {
        let is_code = |line: &&str| {
            line.len() == 7 && line.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
        };
        self.0.lines().map(str::trim).find(is_code).expect("no code in the mail").replace(' ', "")
    }

    /// The link.
    pub(crate) fn link(&self) -> url::Url {
        self.0.lines().find_map(|line| line.trim().parse().ok()).expect("no link in the mail")
    }
}

/// The plain text of a mail, with quoted-printable undone as far as ASCII goes.
fn plain_text(raw: &str) -> String {
    let (_, body) = raw.split_once("text/plain").unwrap();
    let (_, body) = body.split_once("\r\n\r\n").unwrap();
    body.replace("=\r\n", "").replace("=3D", "=")
}
