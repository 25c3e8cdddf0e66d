//! The keys of a backup as a JSON body, written page by page: a backup can be larger than what
//! should be in memory for one request.

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use http::header;
use pli_accounts::{
    AccountsError,
    backup::{BackedUpKey, KeyBackup, PAGE},
};
use ruma::{OwnedRoomId, OwnedUserId};

use crate::MatrixError;

/// What the body looks like.
pub(super) enum Shape {
    /// `{"rooms":{"!room":{"sessions":{…}},…}}`
    AllRooms,
    /// `{"sessions":{…}}`
    OneRoom(OwnedRoomId),
}

impl Shape {
    fn room(&self) -> Option<&OwnedRoomId> {
        match self {
            Self::AllRooms => None,
            Self::OneRoom(room_id) => Some(room_id),
        }
    }
}

/// Where the writing stands.
struct Writer {
    backup: KeyBackup,
    user_id: OwnedUserId,
    version: String,
    shape: Shape,
    last: Option<BackedUpKey>,
    finished: bool,
}

/// The keys of a version. An unknown version fails before the first byte is sent; a failure after
/// that breaks the answer off, which no client takes for a whole one.
pub(super) async fn stream(
    backup: KeyBackup,
    user_id: OwnedUserId,
    version: String,
    shape: Shape,
) -> Result<Response, MatrixError> {
    let mut writer = Writer { backup, user_id, version, shape, last: None, finished: false };
    let first = writer.next().await?;
    let rest = stream::try_unfold(writer, async |mut writer| {
        if writer.finished {
            return Ok::<_, AccountsError>(None);
        }
        let part = writer.next().await?;
        Ok(Some((part, writer)))
    });
    let parts = stream::StreamExt::chain(stream::iter([Ok(first)]), rest);
    let body = Body::from_stream(parts);
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

impl Writer {
    /// The next part of the body.
    async fn next(&mut self) -> Result<Bytes, AccountsError> {
        let room = self.shape.room().map(|room_id| &**room_id);
        let page = self.backup.page(&self.user_id, &self.version, room, self.last.as_ref()).await?;
        self.finished = page.len() < PAGE;
        let mut json = String::new();
        if self.last.is_none() {
            json.push_str(match self.shape {
                Shape::AllRooms => "{\"rooms\":{",
                Shape::OneRoom(_) => "{\"sessions\":{",
            });
        }
        for key in page {
            self.push(&mut json, &key);
            self.last = Some(key);
        }
        if self.finished {
            let in_a_room = matches!(self.shape, Shape::AllRooms) && self.last.is_some();
            json.push_str(if in_a_room { "}}}}" } else { "}}" });
        }
        Ok(json.into())
    }

    fn push(&self, json: &mut String, key: &BackedUpKey) {
        let last_room = self.last.as_ref().map(|last| &last.room_id);
        let in_this_room = match self.shape {
            Shape::AllRooms => last_room == Some(&key.room_id),
            Shape::OneRoom(_) => self.last.is_some(),
        };
        if in_this_room {
            json.push(',');
        } else if matches!(self.shape, Shape::AllRooms) {
            json.push_str(if last_room.is_some() { "}}," } else { "" });
            push_string(json, key.room_id.as_str());
            json.push_str(":{\"sessions\":{");
        }
        push_string(json, &key.session_id);
        json.push(':');
        key.push_json(json);
    }
}

fn push_string(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}
