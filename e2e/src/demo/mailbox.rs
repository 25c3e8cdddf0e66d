//! The mails that the server wrote into its outbox.

use std::{path::Path, time::Duration};

use super::DemoError;

/// How often the outbox is looked at, and how many times at most.
const EVERY: Duration = Duration::from_millis(20);
const TIMES: u32 = 1_500;

/// The six-digit code of the mail to an address; waits until it is there.
pub(super) async fn code_for(outbox: &Path, email: &str) -> Result<String, DemoError> {
    for _ in 0..TIMES {
        if let Some(code) = find(outbox, email) {
            return Ok(code);
        }
        tokio::time::sleep(EVERY).await;
    }
    Err(DemoError::Unexpected(format!("no mail with a code came to {email}")))
}

fn find(outbox: &Path, email: &str) -> Option<String> {
    let addressed = format!("To: {email}");
    std::fs::read_dir(outbox).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        path.extension().filter(|extension| *extension == "eml")?;
        let mail = std::fs::read_to_string(path).ok()?;
        if !mail.lines().any(|line| line.trim_end() == addressed) {
            return None;
        }
        mail.lines().map(str::trim).find(|line| is_code(line)).map(|line| line.replace(' ', ""))
    })
}

/// The code stands on a line of its own: "123 456".
fn is_code(line: &str) -> bool {
    line.len() == 7 && line.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
}
