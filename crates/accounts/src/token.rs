//! Secrets that clients hold: made here, stored only as hashes.

use pli_store::ambient::Ambient;
use sha2::{Digest, Sha256};

/// The SHA-256 of a token: what the store knows of it.
///
/// Tokens are long random strings, so that a plain hash gives nothing away.
pub(crate) type TokenHash = [u8; 32];

/// How many random characters a token has: 190 bits.
const RANDOM_CHARACTERS: usize = 32;

/// What a token is for: its prefix lets people and secret scanners recognise one that leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Access,
    Refresh,
    Login,
    OpenId,
    AuthorisationCode,
    DeviceCode,
    Browser,
    UpstreamState,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Access => "pli_at_",
            Self::Refresh => "pli_rt_",
            Self::Login => "pli_lt_",
            Self::OpenId => "pli_oi_",
            Self::AuthorisationCode => "pli_ac_",
            Self::DeviceCode => "pli_dc_",
            Self::Browser => "pli_bs_",
            Self::UpstreamState => "pli_us_",
        }
    }
}

/// A new token.
pub(crate) fn generate(ambient: &Ambient, kind: TokenKind) -> String {
    let mut token = String::with_capacity(kind.prefix().len() + RANDOM_CHARACTERS);
    token.push_str(kind.prefix());
    token.push_str(&ambient.random_string(RANDOM_CHARACTERS));
    token
}

/// A token's hash.
pub(crate) fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

/// The hash of several parts: each with its length before it, so that no two lists look the same.
pub(crate) fn hash_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> TokenHash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}
