use std::{fmt, str::FromStr};

use pli_store::Position;

/// A sync token (`next_batch`, `since`): how far a client has seen the store's log, and how far it
/// has seen what lives only in memory (typing).
///
/// Its text is `s{position}_{ephemeral}`, followed by `_{to_device}` while more to-device messages
/// wait than fitted into one answer, and by `_{sticky}` after that while more sticky events do.
/// Clients treat it as opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncToken {
    /// Everything up to here has been sent.
    pub position: Position,
    /// Typing changes up to here have been sent. Starts again from 0 with the process.
    pub ephemeral: u64,
    /// To-device messages up to here have been sent.
    pub to_device: Position,
    /// Sticky events up to here have been sent.
    pub sticky: Position,
}

/// The text is not a sync token of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sync token of this server: sync again without `since`")]
pub struct InvalidSyncToken;

impl FromStr for SyncToken {
    type Err = InvalidSyncToken;

    fn from_str(text: &str) -> Result<Self, InvalidSyncToken> {
        let mut parts = text.strip_prefix('s').ok_or(InvalidSyncToken)?.split('_');
        let mut number = || -> Result<Option<u64>, InvalidSyncToken> {
            parts.next().map(|part| part.parse().map_err(|_| InvalidSyncToken)).transpose()
        };
        let position = Position(number()?.ok_or(InvalidSyncToken)?);
        let ephemeral = number()?.ok_or(InvalidSyncToken)?;
        let to_device = number()?.map_or(position, Position);
        let sticky = number()?.map_or(position, Position);
        if parts.next().is_some() {
            return Err(InvalidSyncToken);
        }
        Ok(Self { position, ephemeral, to_device, sticky })
    }
}

impl fmt::Display for SyncToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "s{}_{}", self.position, self.ephemeral)?;
        let has_more_sticky = self.sticky != self.position;
        if has_more_sticky || self.to_device != self.position {
            write!(formatter, "_{}", self.to_device)?;
        }
        if has_more_sticky {
            write!(formatter, "_{}", self.sticky)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_back_where_it_was() {
        let position = Position(42);
        let token = SyncToken { position, ephemeral: 7, to_device: position, sticky: position };
        assert_eq!(token.to_string(), "s42_7");
        assert_eq!("s42_7".parse(), Ok(token));

        let behind = SyncToken { to_device: Position(40), ..token };
        assert_eq!(behind.to_string(), "s42_7_40");
        assert_eq!("s42_7_40".parse(), Ok(behind));

        let sticky = SyncToken { sticky: Position(39), ..token };
        assert_eq!(sticky.to_string(), "s42_7_42_39");
        assert_eq!("s42_7_42_39".parse(), Ok(sticky));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in ["", "42", "s42", "s_", "s-1_0", "s1_x", "t1_2", "s1_2_3_4_5"] {
            assert_eq!(text.parse::<SyncToken>(), Err(InvalidSyncToken), "{text}");
        }
    }
}
