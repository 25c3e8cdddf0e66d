//! Tokens with which members of a room take part in its calls, at a LiveKit server
//! ([MSC4143](https://github.com/matrix-org/matrix-spec-proposals/pull/4143),
//! [MSC4195](https://github.com/matrix-org/matrix-spec-proposals/pull/4195)).

use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use pli_accounts::OpenIdTokens;
use ruma::{
    OwnedUserId, RoomId, ServerName, UserId,
    serde::{Base64, base64::Standard},
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{Rooms, error::RoomError};

/// For how long a token lets somebody in. Who is in stays in.
const TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// How far the LiveKit server's clock may be behind.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// What clients call the one call of a room when they don't know of several.
const ROOM_SLOT: &str = "m.call#ROOM";
/// The longest name of a slot or a member, in bytes.
const MAX_NAME_BYTES: usize = 255;

/// A LiveKit server. Its keys are a secret.
#[derive(Clone)]
pub struct LiveKit {
    /// Where clients reach it (`wss://…`).
    pub url: String,
    /// The name of its API key.
    pub key: String,
    /// The secret of its API key.
    pub secret: String,
}

/// What a client proves its user with.
#[derive(Clone, Copy, Debug)]
pub struct OpenIdProof<'a> {
    /// An OpenID token of the user's server.
    pub token: &'a str,
    /// Which server that is.
    pub server_name: &'a ServerName,
}

/// As whom somebody takes part in a call.
#[derive(Clone, Copy, Debug)]
pub enum CallIdentity<'a> {
    /// As this device of theirs, for everybody at the LiveKit server to see.
    Device(&'a str),
    /// Under a name that says nothing, made of their device and of how they are called in the call.
    Pseudonym {
        /// The device.
        device_id: &'a str,
        /// How they are called in the call.
        member_id: &'a str,
    },
}

/// Who lets people into calls. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    rooms: Rooms,
    open_id_tokens: OpenIdTokens,
    livekit: Option<LiveKit>,
}

#[derive(Serialize)]
struct Claims {
    iss: String,
    sub: String,
    nbf: u64,
    exp: u64,
    video: VideoGrant,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VideoGrant {
    room: String,
    room_join: bool,
    room_create: bool,
    can_publish: bool,
    can_subscribe: bool,
}

impl Calls {
    /// Calls at a LiveKit server, if there is one.
    #[must_use]
    pub fn new(rooms: Rooms, open_id_tokens: OpenIdTokens, livekit: Option<LiveKit>) -> Self {
        Self { rooms, open_id_tokens, livekit }
    }

    /// Where the LiveKit server is; `None` without one.
    #[must_use]
    pub fn livekit_url(&self) -> Option<&str> {
        self.livekit.as_ref().map(|livekit| livekit.url.as_str())
    }

    /// Who proves themselves with an OpenID token of this server.
    ///
    /// # Errors
    /// [`RoomError::Forbidden`] if the token isn't good, or another server's; when the store fails.
    pub async fn prove(&self, proof: OpenIdProof<'_>) -> Result<OwnedUserId, RoomError> {
        if proof.server_name != self.rooms.inner.config.server_name {
            return Err(RoomError::Forbidden(
                "calls are for people of this server: use your own server's".to_owned(),
            ));
        }
        self.open_id_tokens.bearer(proof.token).await?.ok_or_else(|| {
            RoomError::Forbidden("the OpenID token is not good: ask for a new one".to_owned())
        })
    }

    /// A token with which a member of a room takes part in the call in one of the room's slots (the
    /// usual one if none is named).
    ///
    /// # Errors
    /// [`RoomError::Forbidden`] for whoever isn't in the room; [`RoomError::NoCalls`] without a
    /// LiveKit server; [`RoomError::InvalidParam`] for overlong names; when the store fails.
    pub async fn token(
        &self,
        user_id: &UserId,
        room_id: &RoomId,
        slot_id: Option<&str>,
        identity: CallIdentity<'_>,
    ) -> Result<String, RoomError> {
        let livekit = self.livekit.as_ref().ok_or(RoomError::NoCalls)?;
        let slot_id = slot_id.unwrap_or(ROOM_SLOT);
        let identity = match identity {
            CallIdentity::Device(device_id) => {
                check_names([slot_id, device_id])?;
                format!("{user_id}:{device_id}")
            }
            CallIdentity::Pseudonym { device_id, member_id } => {
                check_names([slot_id, device_id, member_id])?;
                digest(&format!("{user_id}|{device_id}|{member_id}"))
            }
        };
        let snapshot = self.rooms.inner.store.snapshot().await?;
        if !self.rooms.is_joined(&snapshot, user_id, room_id).await? {
            return Err(RoomError::Forbidden("you are not in this room".to_owned()));
        }
        drop(snapshot);
        let now = self.rooms.inner.ambient.now_ms() / 1000;
        let claims = Claims {
            iss: livekit.key.clone(),
            sub: identity,
            nbf: now.saturating_sub(CLOCK_SKEW.as_secs()),
            exp: now.saturating_add(TOKEN_LIFETIME.as_secs()),
            video: VideoGrant {
                room: digest(&format!("{room_id}|{slot_id}")),
                room_join: true,
                room_create: true,
                can_publish: true,
                can_subscribe: true,
            },
        };
        let key = EncodingKey::from_secret(livekit.secret.as_bytes());
        encode(&Header::default(), &claims, &key)
            .map_err(|error| RoomError::CallToken(error.to_string()))
    }
}

fn check_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), RoomError> {
    if names.into_iter().any(|name| name.is_empty() || name.len() > MAX_NAME_BYTES) {
        return Err(RoomError::InvalidParam(format!(
            "slots, devices and members have names of 1 to {MAX_NAME_BYTES} bytes"
        )));
    }
    Ok(())
}

/// What the LiveKit server is told instead of a name that says something.
fn digest(text: &str) -> String {
    Base64::<Standard, _>::new(Sha256::digest(text.as_bytes()).to_vec()).encode()
}
