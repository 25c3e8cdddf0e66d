use std::fmt;

use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD_NO_PAD,
    },
};
use ruma::{
    CanonicalJsonObject, OwnedServerSigningKeyId, ServerName, ServerSigningKeyId,
    serde::Base64,
    signatures::{self, Ed25519KeyPair, KeyPair, Signature},
};
use zeroize::Zeroizing;

use crate::EventError;

/// What precedes the 32 secret bytes of an ed25519 key in a PKCS #8 document (RFC 8410, 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

const SECRET_BYTES: usize = 32;

/// Base64 as key files have it: with or without padding, and with stray bits in the last letter.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The server's ed25519 key pair: it signs events and requests.
///
/// Its text form is one line, `ed25519 a_NAME BASE64`, the same that Synapse writes, so that a
/// server can keep its key when it moves.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    key_id: OwnedServerSigningKeyId,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl SigningKey {
    /// A new key from random bytes; `entropy` fills the buffer it is given.
    pub fn generate(entropy: &mut dyn FnMut(&mut [u8])) -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyzABCDEF";
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        entropy(secret.as_mut_slice());
        let mut name_bytes = [0; 6];
        entropy(&mut name_bytes);
        let name: String =
            name_bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        Self::from_secret(secret, &format!("a_{name}"))
            .expect("letters and an underscore make a key name")
    }

    /// Reads the text form. Of several lines the first is the key; empty lines and lines that
    /// begin with `#` are skipped.
    ///
    /// # Errors
    /// [`EventError::SigningKey`] says what is wrong, without the secret.
    pub fn from_text(text: &str) -> Result<Self, EventError> {
        let line = text
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .ok_or(EventError::SigningKey("the file is empty"))?;
        let mut parts = line.split_ascii_whitespace();
        let (Some(algorithm), Some(name), Some(encoded), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(EventError::SigningKey("there are not three words in the line"));
        };
        if algorithm != "ed25519" {
            return Err(EventError::SigningKey("the algorithm is not ed25519"));
        }
        let decoded = Zeroizing::new(
            LENIENT_BASE64
                .decode(encoded)
                .map_err(|_| EventError::SigningKey("the third word is not base64"))?,
        );
        let secret = <[u8; SECRET_BYTES]>::try_from(decoded.as_slice())
            .map_err(|_| EventError::SigningKey("the secret is not 32 bytes"))?;
        Self::from_secret(Zeroizing::new(secret), name)
    }

    fn from_secret(secret: Zeroizing<[u8; SECRET_BYTES]>, name: &str) -> Result<Self, EventError> {
        let key_id = ServerSigningKeyId::parse(format!("ed25519:{name}"))
            .map_err(|_| EventError::SigningKey("the name has other characters than A-Za-z0-9_"))?;
        let mut document = Zeroizing::new([0; PKCS8_PREFIX.len() + SECRET_BYTES]);
        document[..PKCS8_PREFIX.len()].copy_from_slice(&PKCS8_PREFIX);
        document[PKCS8_PREFIX.len()..].copy_from_slice(secret.as_slice());
        let pair = Ed25519KeyPair::from_der(document.as_slice(), name.to_owned())
            .map_err(|_| EventError::SigningKey("the secret is not an ed25519 key"))?;
        Ok(Self { pair, key_id, secret })
    }

    /// The text form with a line end. It holds the secret: write it to a file that only the
    /// server can read.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(STANDARD_NO_PAD.encode(self.secret.as_slice()));
        Zeroizing::new(format!("ed25519 {} {}\n", self.pair.version(), *secret))
    }

    /// The key's id, `ed25519:a_NAME`.
    #[must_use]
    pub fn key_id(&self) -> &ServerSigningKeyId {
        &self.key_id
    }

    /// The key pair, for signing requests.
    #[must_use]
    pub fn pair(&self) -> &Ed25519KeyPair {
        &self.pair
    }

    /// The public half, as `/_matrix/key/v2/server` publishes it.
    #[must_use]
    pub fn public_key(&self) -> Base64 {
        Base64::new(self.pair.public_key().to_vec())
    }
}

impl KeyPair for SigningKey {
    fn sign(&self, message: &[u8]) -> Signature {
        self.pair.sign(message)
    }
}

/// Signs a JSON object that is not an event, such as a request or the server's key document
/// ([specification](https://spec.matrix.org/v1.19/appendices/#signing-json)).
///
/// # Errors
/// [`EventError::Content`] when the object has `signatures` that are not an object of objects.
pub fn sign_json(
    object: &mut CanonicalJsonObject,
    server_name: &ServerName,
    key: &SigningKey,
) -> Result<(), EventError> {
    Ok(signatures::sign_json(server_name.as_str(), key, object)?)
}

impl fmt::Debug for SigningKey {
    /// Names the key without its secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SigningKey").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
