//! Signed tokens that are no ID tokens: signed answers of the userinfo endpoint (OpenID Connect Core,
//! section 5.3.2) and logout tokens. `openidconnect` reads neither with every algorithm; the keys and
//! the verification are its own.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    ClientSecret, JsonWebKey, JwsSigningAlgorithm,
    core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    #[error("it is no signed token")]
    Malformed,
    #[error("it is not signed in a way that is understood")]
    Algorithm,
    #[error("its key is not known")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A token in compact form (RFC 7515, section 3.1), taken apart.
struct Parts<'a> {
    header: Header,
    claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, TokenFault> {
        let (signed, signature) = token.trim().rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed);
        Ok(Self {
            header: serde_json::from_slice(&decode(header)?).map_err(|_| TokenFault::Malformed)?,
            claims: serde_json::from_slice(&decode(payload)?).map_err(|_| TokenFault::Malformed)?,
            signed,
            signature: decode(signature)?,
        })
    }
}

/// Whether a token says that it is this issuer's. Anybody can make one that does: it only shows that
/// looking at the signature is worth it.
pub(super) fn names_issuer(token: &str, issuer: &str) -> Result<bool, TokenFault> {
    let parts = Parts::of(token)?;
    Ok(parts.claims.get("iss").is_some_and(|named| named == issuer))
}

/// The claims of a token in compact form, if its signature is good.
pub(super) fn verified(
    token: &str,
    keys: &CoreJsonWebKeySet,
    secret: Option<&ClientSecret>,
) -> Result<Map<String, Value>, TokenFault> {
    let Parts { header, claims, signed, signature } = Parts::of(token)?;
    // RFC 7515, section 4.1.11: what has to be understood and isn't makes the token invalid.
    if header.crit.is_some() {
        return Err(TokenFault::Algorithm);
    }
    // `none` is no algorithm here.
    let algorithm: CoreJwsSigningAlgorithm =
        serde_json::from_value(header.alg.into()).map_err(|_| TokenFault::Algorithm)?;
    let is_good = |key: &CoreJsonWebKey| {
        key.verify_signature(&algorithm, signed.as_bytes(), &signature).is_ok()
    };
    if algorithm.uses_shared_secret() {
        // Never with a public key: everybody knows those.
        let secret = secret.ok_or(TokenFault::Algorithm)?;
        let key = CoreJsonWebKey::new_symmetric(secret.secret().clone().into_bytes());
        if !is_good(&key) {
            return Err(TokenFault::Signature);
        }
    } else {
        let key_type = algorithm.key_type().ok_or(TokenFault::Algorithm)?;
        let kid = header.kid.as_deref();
        let mut candidates = keys
            .keys()
            .iter()
            .filter(|key| kid.is_none() || key.key_id().map(|id| id.as_str()) == kid)
            .filter(|key| *key.key_type() == key_type)
            .peekable();
        if candidates.peek().is_none() {
            return Err(TokenFault::UnknownKey);
        }
        if !candidates.any(is_good) {
            return Err(TokenFault::Signature);
        }
    }
    Ok(claims)
}

/// Whether `aud`, a text or a list of texts, names this client (RFC 7519, section 4.1.3).
pub(super) fn is_for(claims: &Map<String, Value>, client_id: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == client_id),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use serde_json::json;
    use sha2::Sha256;

    use super::*;

    fn signed(header: &Value, secret: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(header), part(&json!({ "sub": "claire" })));
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn nobody_signs_in_the_providers_name() {
        let keys = CoreJsonWebKeySet::new(Vec::new());
        let secret = ClientSecret::new("a secret between the two".to_owned());
        let header = json!({ "alg": "HS256" });
        let good = signed(&header, secret.secret());
        assert_eq!(verified(&good, &keys, Some(&secret)).unwrap()["sub"], "claire");

        let cases = [
            (signed(&header, "another secret"), TokenFault::Signature),
            (signed(&json!({ "alg": "RS256" }), secret.secret()), TokenFault::UnknownKey),
            (signed(&json!({ "alg": "none" }), ""), TokenFault::Algorithm),
            (
                signed(&json!({ "alg": "HS256", "crit": ["x"] }), secret.secret()),
                TokenFault::Algorithm,
            ),
            (good.replacen('.', "", 1), TokenFault::Malformed),
            (String::new(), TokenFault::Malformed),
        ];
        for (token, fault) in cases {
            assert_eq!(verified(&token, &keys, Some(&secret)).unwrap_err(), fault, "{token}");
        }
        assert_eq!(verified(&good, &keys, None).unwrap_err(), TokenFault::Algorithm);
    }

    #[test]
    fn what_is_no_token_of_the_providers_is_not_looked_at() {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = part(&json!({ "alg": "RS256" }));
        let token = format!("{header}.{}.AA", part(&json!({ "iss": "https://a.example" })));
        assert_eq!(names_issuer(&token, "https://a.example"), Ok(true));
        assert_eq!(names_issuer(&token, "https://b.example"), Ok(false));
        let nameless = format!("{header}.{}.AA", part(&json!({})));
        assert_eq!(names_issuer(&nameless, "https://a.example"), Ok(false));
        for bad in ["", "x", "a.b.c", &header, &token.replacen('.', ".x", 1)] {
            let fault = names_issuer(bad, "https://a.example").unwrap_err();
            assert_eq!(fault, TokenFault::Malformed, "{bad}");
        }
    }

    #[test]
    fn a_token_for_another_service_is_none_for_this_one() {
        let is_for_us = |aud: Value| is_for(json!({ "aud": aud }).as_object().unwrap(), "pli");
        assert!(is_for_us(json!("pli")) && is_for_us(json!(["other", "pli"])));
        assert!(!is_for_us(json!("other")) && !is_for_us(json!([])) && !is_for_us(json!(null)));
    }
}
