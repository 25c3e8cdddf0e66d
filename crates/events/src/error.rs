use ruma::{
    IdParseError, RoomVersionId,
    canonical_json::{CanonicalJsonError, CanonicalJsonFieldError},
    signatures::{JsonError, VerificationError},
};

/// Why an event could not be read, built or verified.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    /// The text is not JSON, or not of an event's shape.
    #[error("not a valid event: {0}")]
    Json(#[from] serde_json::Error),
    /// The JSON has no canonical form: a float, or an integer beyond ±(2^53 - 1).
    #[error("only integers from -(2^53 - 1) to 2^53 - 1 are allowed as numbers: {0}")]
    NotCanonical(CanonicalJsonError),
    /// The JSON is not an object.
    #[error("`{path}` must be a JSON object")]
    NotAnObject {
        /// Where in the event: `content`, or `event` for the event itself.
        path: &'static str,
    },
    /// A required field is missing.
    #[error("the event has no field `{field}`")]
    MissingField {
        /// The field's name.
        field: &'static str,
    },
    /// A field has the wrong type.
    #[error("`{field}` must be {expected}")]
    WrongType {
        /// The field's name.
        field: &'static str,
        /// What it must be, with its article.
        expected: &'static str,
    },
    /// A field that must hold an identifier doesn't.
    #[error("`{field}` is not a valid identifier: {source}")]
    Identifier {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        source: IdParseError,
    },
    /// A field that should not be there is: the room version gives it no place.
    #[error("`{field}` must be absent: {reason}")]
    UnexpectedField {
        /// The field's name.
        field: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// The whole event is larger than 65,535 bytes.
    #[error(
        "the event is {size} bytes, at most {} are allowed: make it shorter, or send a file",
        crate::MAX_PDU_BYTES
    )]
    TooLarge {
        /// The event's size in bytes, as canonical JSON.
        size: usize,
    },
    /// A string field is longer than 255 bytes.
    #[error("`{field}` is {size} bytes, at most {} are allowed", crate::MAX_FIELD_BYTES)]
    FieldTooLong {
        /// The field's name.
        field: &'static str,
        /// Its length in bytes.
        size: usize,
    },
    /// The event has more than 20 `prev_events` or 10 `auth_events`.
    #[error("`{field}` has {count} entries, at most {limit} are allowed")]
    TooManyReferences {
        /// `prev_events` or `auth_events`.
        field: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The depth is negative or greater than 2^53 - 1.
    #[error("`depth` must be from 0 to 2^53 - 1")]
    Depth,
    /// The auth events of this event can't be chosen, because its content is malformed.
    #[error("the event's content is malformed: {0}")]
    Content(String),
    /// The room version is not one that Pli knows.
    #[error("room version `{0}` is not supported, use 2 to 12")]
    RoomVersion(RoomVersionId),
    /// A signature is missing or wrong: the event must be dropped.
    #[error("the event's signatures can't be verified: {0}")]
    Signature(#[source] Box<VerificationError>),
    /// The signing key's text can't be read.
    #[error("the signing key is malformed ({0}): it must read `ed25519 a_NAME BASE64`")]
    SigningKey(&'static str),
}

impl EventError {
    /// Whether the event is too large as a whole or in one of its fields (`M_TOO_LARGE`).
    #[must_use]
    pub fn is_too_large(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::FieldTooLong { .. })
    }
}

impl From<CanonicalJsonError> for EventError {
    fn from(error: CanonicalJsonError) -> Self {
        Self::NotCanonical(error)
    }
}

impl From<CanonicalJsonFieldError> for EventError {
    fn from(error: CanonicalJsonFieldError) -> Self {
        Self::Content(error.to_string())
    }
}

impl From<JsonError> for EventError {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Serde(error) => Self::Json(error),
            other => Self::Content(other.to_string()),
        }
    }
}
