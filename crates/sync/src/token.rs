use std::{fmt, str::FromStr};

use pli_store::Position;

/// A sync token (`next_batch`, `since`): how far a client has seen the store's log, and how far it
/// has seen what lives only in memory (typing).
///
/// Its text is `s{position}_{ephemeral}`. Clients treat it as opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncToken {
    /// Everything up to here has been sent.
    pub position: Position,
    /// Typing changes up to here have been sent. Starts again from 0 with the process.
    pub ephemeral: u64,
}

/// The text is not a sync token of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token of this server: sync again without `since`")]
pub struct InvalidSyncToken;

impl FromStr for SyncToken {
    type Err = InvalidSyncToken;

    fn from_str(text: &str) -> Result<Self, InvalidSyncToken> {
        let (position, ephemeral) =
            text.strip_prefix('s').and_then(|rest| rest.split_once('_')).ok_or(InvalidSyncToken)?;
        Ok(Self {
            position: Position(position.parse().map_err(|_| InvalidSyncToken)?),
            ephemeral: ephemeral.parse().map_err(|_| InvalidSyncToken)?,
        })
    }
}

impl fmt::Display for SyncToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s{}_{}", self.position, self.ephemeral)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_back_where_it_was() {
        let token = SyncToken { position: Position(42), ephemeral: 7 };
        assert_eq!(token.to_string(), "s42_7");
        assert_eq!("s42_7".parse(), Ok(token));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "42", "s42", "s_", "s-1_0", "s1_x", "t1_2"] {
            assert_eq!(text.parse::<SyncToken>(), Err(InvalidSyncToken), "{text}");
        }
    }
}
