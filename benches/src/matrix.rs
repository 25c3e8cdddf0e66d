//! The client-server API, as much of it as the scenarios need.

mod accounts;

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) use self::accounts::{Accounts, PASSWORD};
use crate::error::BenchError;

/// How many bytes the ciphertext of a message has.
const CIPHERTEXT_BYTES: usize = 1_024;

/// The content of an encrypted message of 1 KiB. The number says which it is.
pub(crate) fn encrypted_content(number: usize) -> Value {
    json!({
        "algorithm": "m.megolm.v1.aes-sha2",
        "ciphertext": "AwgAEpAB".repeat(CIPHERTEXT_BYTES / 8),
        "device_id": "BENCHDEVICE",
        "sender_key": "3C5BFWi2Y8MaVvjM8M22DBmh24PmgR0nPvJOIArzgyI",
        "session_id": "lEuiRJBit0IG6nUf5pUzWTUEsRVVeHJkoKuEww9ULI0",
        "number": number,
    })
}

/// Somebody who is signed in.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Account {
    pub(crate) user_id: String,
    pub(crate) device_id: String,
    pub(crate) access_token: String,
}

/// A server and how to reach it.
#[derive(Clone)]
pub(crate) struct Matrix {
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
}

impl Matrix {
    /// A request whose answer is JSON.
    pub(crate) async fn request(
        &self,
        account: Option<&Account>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, BenchError> {
        let bytes = self.request_bytes(account, method, path, body).await?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// A request whose answer doesn't matter, as long as it is a good one.
    pub(crate) async fn do_request(
        &self,
        account: &Account,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(), BenchError> {
        self.request_bytes(Some(account), method, path, body).await.map(drop)
    }

    pub(crate) async fn request_bytes(
        &self,
        account: Option<&Account>,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Vec<u8>, BenchError> {
        let mut request = self.http.request(method, format!("{}{path}", self.base_url));
        if let Some(account) = account {
            request = request.bearer_auth(&account.access_token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        read(path, request).await
    }

    /// Creates a room in which everything is encrypted; returns its id.
    pub(crate) async fn create_room(
        &self,
        account: &Account,
        is_public: bool,
    ) -> Result<String, BenchError> {
        let body = json!({
            "preset": if is_public { "public_chat" } else { "private_chat" },
            "name": "Benchmark",
            "initial_state": [{
                "type": "m.room.encryption",
                "state_key": "",
                "content": { "algorithm": "m.megolm.v1.aes-sha2" },
            }],
        });
        let path = "/_matrix/client/v3/createRoom";
        let answer = self.request(Some(account), Method::POST, path, Some(&body)).await?;
        text(&answer, path, "room_id")
    }

    pub(crate) async fn join(&self, account: &Account, room_id: &str) -> Result<(), BenchError> {
        let path = format!("/_matrix/client/v3/rooms/{}/join", encode(room_id));
        self.do_request(account, Method::POST, &path, Some(&json!({}))).await
    }

    /// Sends an encrypted message of 1 KiB.
    pub(crate) async fn send(
        &self,
        account: &Account,
        room_id: &str,
        transaction: &str,
        number: usize,
    ) -> Result<(), BenchError> {
        let room_id = encode(room_id);
        let path =
            format!("/_matrix/client/v3/rooms/{room_id}/send/m.room.encrypted/{transaction}");
        self.do_request(account, Method::PUT, &path, Some(&encrypted_content(number))).await
    }

    /// Creates a room in which nothing is encrypted; returns its id.
    pub(crate) async fn create_clear_room(&self, account: &Account) -> Result<String, BenchError> {
        let body = json!({ "preset": "private_chat", "name": "Benchmark" });
        let path = "/_matrix/client/v3/createRoom";
        let answer = self.request(Some(account), Method::POST, path, Some(&body)).await?;
        text(&answer, path, "room_id")
    }

    /// Sends an event of any type; returns its id.
    pub(crate) async fn send_event(
        &self,
        account: &Account,
        room_id: &str,
        event_type: &str,
        transaction: &str,
        content: &Value,
    ) -> Result<String, BenchError> {
        let room_id = encode(room_id);
        let path = format!("/_matrix/client/v3/rooms/{room_id}/send/{event_type}/{transaction}");
        let answer = self.request(Some(account), Method::PUT, &path, Some(content)).await?;
        text(&answer, &path, "event_id")
    }

    /// One sync as bytes.
    pub(crate) async fn sync_bytes(
        &self,
        account: &Account,
        since: Option<&str>,
        timeout_ms: u32,
    ) -> Result<Vec<u8>, BenchError> {
        let since = since.map(|since| format!("&since={}", encode(since))).unwrap_or_default();
        let filter = encode(r#"{"room":{"state":{"lazy_load_members":true}}}"#);
        let path = format!("/_matrix/client/v3/sync?timeout={timeout_ms}&filter={filter}{since}");
        self.request_bytes(Some(account), Method::GET, &path, None).await
    }

    /// One sync; returns the token for the next.
    pub(crate) async fn sync(
        &self,
        account: &Account,
        since: Option<&str>,
    ) -> Result<String, BenchError> {
        #[derive(Deserialize)]
        struct Answer {
            next_batch: String,
        }
        let bytes = self.sync_bytes(account, since, 0).await?;
        Ok(serde_json::from_slice::<Answer>(&bytes)?.next_batch)
    }
}

/// Sends a request and reads the whole answer.
pub(crate) async fn read(
    path: &str,
    request: reqwest::RequestBuilder,
) -> Result<Vec<u8>, BenchError> {
    let answer = request.send().await?;
    let status = answer.status();
    let bytes = answer.bytes().await?;
    if !status.is_success() {
        let body = String::from_utf8_lossy(&bytes).into_owned();
        return Err(BenchError::Refused { path: path.to_owned(), status, body });
    }
    Ok(bytes.into())
}

/// A string field of an answer.
pub(crate) fn text(answer: &Value, path: &str, field: &'static str) -> Result<String, BenchError> {
    answer[field]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| BenchError::Missing { path: path.to_owned(), field })
}

/// Percent-encodes a part of a path or query.
pub(crate) fn encode(part: &str) -> String {
    part.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
