//! Signed JSON objects: the signed part and the signatures, apart.

use std::collections::BTreeMap;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use pli_store::Record;
use ruma::{
    CanonicalJsonObject, CanonicalJsonValue, SigningKeyAlgorithm, UserId,
    signatures::{to_canonical_json_string_for_signing, verify_canonical_json_bytes},
};
use serde::{Deserialize, Serialize};

use super::json::{push_separator, push_string};
use crate::AccountsError;

/// Base64 as Matrix writes it (unpadded), read with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A signed object: what is signed as canonical JSON, and its signatures by its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SignedObject {
    /// Canonical JSON without `signatures` and `unsigned`: exactly the bytes that are signed.
    pub(crate) body: String,
    /// The signatures by the object's owner, by key id (`ed25519:…`).
    pub(crate) signatures: BTreeMap<String, String>,
}

impl Record for SignedObject {}

impl SignedObject {
    /// Takes an object apart. Of its signatures those by `owner` are kept: others would show to
    /// everybody who knows whom.
    pub(crate) fn from_json(json: &str, owner: &UserId) -> Result<Self, AccountsError> {
        let object: CanonicalJsonObject = serde_json::from_str(json)
            .map_err(|error| AccountsError::BadJson(error.to_string().into()))?;
        let signatures = signatures_by(&object, owner)?;
        let body = to_canonical_json_string_for_signing(&object)
            .map_err(|error| AccountsError::BadJson(error.to_string().into()))?;
        Ok(Self { body, signatures })
    }

    /// The one key of a cross-signing key object (unpadded base64, without `ed25519:`), or a
    /// device's key with this id.
    pub(crate) fn key(&self, key_id: &str) -> Option<String> {
        let body: Body = serde_json::from_str(&self.body).ok()?;
        body.keys.get(key_id).cloned()
    }

    /// The public key of a cross-signing key object, without its algorithm.
    pub(crate) fn cross_signing_key(&self) -> Option<String> {
        let body: Body = serde_json::from_str(&self.body).ok()?;
        let (key_id, _) = body.keys.into_iter().next()?;
        key_id.strip_prefix("ed25519:").map(str::to_owned)
    }

    /// Whether this key made this signature on this object.
    pub(crate) fn is_signed(&self, public_key: &str, signature: &str) -> bool {
        let (Ok(public_key), Ok(signature)) = (BASE64.decode(public_key), BASE64.decode(signature))
        else {
            return false;
        };
        let algorithm = SigningKeyAlgorithm::Ed25519;
        verify_canonical_json_bytes(&algorithm, &public_key, &signature, self.body.as_bytes())
            .is_ok()
    }

    /// Appends the object's JSON up to and including the owner's signatures, if there are any, without
    /// the end of `signatures` and of the object: `{…,"signatures":{"@owner:…":{…}`.
    pub(crate) fn push_open(&self, out: &mut String, owner: &UserId) {
        // The body is an object with at least the owner's id in it.
        out.push_str(self.body.strip_suffix('}').unwrap_or(&self.body));
        out.push_str(SIGNATURES);
        push_signatures(out, owner, &self.signatures);
    }

    /// Appends the object's JSON.
    pub(crate) fn push(&self, out: &mut String, owner: &UserId) {
        self.push_open(out, owner);
        close_signed(out);
    }
}

#[derive(Deserialize)]
struct Body {
    keys: BTreeMap<String, String>,
}

/// How the signatures of an object begin.
const SIGNATURES: &str = ",\"signatures\":{";

/// Appends the end of a signed object. Without any signatures it has no `signatures`.
pub(crate) fn close_signed(out: &mut String) {
    match out.strip_suffix(SIGNATURES).map(str::len) {
        Some(unsigned) => out.truncate(unsigned),
        None => out.push('}'),
    }
    out.push('}');
}

/// Appends somebody's signatures by key id, if there are any, to an object's `signatures`.
pub(crate) fn push_signatures(
    out: &mut String,
    signer: &UserId,
    signatures: &BTreeMap<String, String>,
) {
    if signatures.is_empty() {
        return;
    }
    if !out.ends_with(SIGNATURES) {
        out.push(',');
    }
    push_string(out, signer.as_str());
    out.push_str(":{");
    let start = out.len();
    for (key_id, signature) in signatures {
        push_separator(out, start);
        push_string(out, key_id);
        out.push(':');
        push_string(out, signature);
    }
    out.push('}');
}

/// The signatures that an object carries from one signer, by key id.
pub(crate) fn signatures_by(
    object: &CanonicalJsonObject,
    signer: &UserId,
) -> Result<BTreeMap<String, String>, AccountsError> {
    let malformed =
        || AccountsError::BadJson("`signatures` must hold strings by user and key".into());
    let Some(signatures) = object.get("signatures") else {
        return Ok(BTreeMap::new());
    };
    let CanonicalJsonValue::Object(signatures) = signatures else {
        return Err(malformed());
    };
    let Some(by_signer) = signatures.get(signer.as_str()) else {
        return Ok(BTreeMap::new());
    };
    let CanonicalJsonValue::Object(by_signer) = by_signer else {
        return Err(malformed());
    };
    by_signer
        .iter()
        .map(|(key_id, signature)| match signature {
            CanonicalJsonValue::String(signature) => Ok((key_id.clone(), signature.clone())),
            _ => Err(malformed()),
        })
        .collect()
}

/// Whether a text is an ed25519 public key: 32 bytes in base64.
pub(crate) fn is_public_key(text: &str) -> bool {
    BASE64.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}
