use std::{fmt, str::FromStr};

use pli_store::{Position, Stamp};

/// A token for paging through a room's timeline (`from`, `to`, `prev_batch`, `at`): a place between
/// two events.
///
/// Its text is `t{order}_{index}`; a sync token (`s{position}…`) stands for the place after
/// everything up to its position. Clients treat both as opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PaginationToken(Stamp);

/// The text is no token of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a pagination token of this server: leave it out to start from the end")]
pub struct InvalidPaginationToken;

impl PaginationToken {
    /// The place right after the event with this stamp.
    #[must_use]
    pub const fn after(stamp: Stamp) -> Self {
        Self(stamp)
    }

    /// The place right before the event with this stamp.
    #[must_use]
    pub const fn before(stamp: Stamp) -> Self {
        Self(match stamp.index.checked_sub(1) {
            Some(index) => Stamp { index, ..stamp },
            None => Stamp { order: stamp.order.saturating_sub(1), index: u16::MAX },
        })
    }

    /// The last stamp before this place: going back starts with it, going forward right after it.
    #[must_use]
    pub const fn stamp(self) -> Stamp {
        self.0
    }
}

impl FromStr for PaginationToken {
    type Err = InvalidPaginationToken;

    fn from_str(text: &str) -> Result<Self, InvalidPaginationToken> {
        let parsed = if let Some(rest) = text.strip_prefix('t') {
            rest.split_once('_').and_then(|(order, index)| {
                Some(Stamp { order: order.parse().ok()?, index: index.parse().ok()? })
            })
        } else {
            let position = text.strip_prefix('s').and_then(|rest| rest.split('_').next());
            position
                .and_then(|position| position.parse().ok())
                .map(|position| Stamp::last_at(Position(position)))
        };
        parsed.map(Self).ok_or(InvalidPaginationToken)
    }
}

impl fmt::Display for PaginationToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "t{}_{}", self.0.order, self.0.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paging_goes_on_where_it_stopped() {
        let stamp = Stamp { order: -7, index: 3 };
        let token = PaginationToken::after(stamp);
        assert_eq!(token.to_string().parse(), Ok(token));
        assert_eq!(PaginationToken::before(stamp).stamp(), Stamp { order: -7, index: 2 });
    }

    #[test]
    fn a_sync_token_is_a_place_on_the_timeline() {
        let token = PaginationToken::after(Stamp::last_at(Position(42)));
        assert_eq!("s42_7".parse(), Ok(token));
        assert_eq!("s42_7_40".parse(), Ok(token));
        assert!("x1".parse::<PaginationToken>().is_err());
        assert!("t1".parse::<PaginationToken>().is_err());
    }
}
