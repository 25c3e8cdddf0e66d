use std::{fmt, str::FromStr};

use pli_store::Position;

/// Where a connection stands (`pos`).
///
/// Its text is `s{position}_{ephemeral}_c{connection}_{epoch}`: a place in the log, as for `/sync`,
/// so that `/messages` takes it too, and which memory of what was sent goes with it. Clients treat it
/// as opaque.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pos {
    /// Everything that is sent live has been sent up to here.
    pub(crate) position: Position,
    /// Typing changes up to here have been sent. Starts again from 0 with the process.
    pub(crate) ephemeral: u64,
    /// The connection. Drawn at random, so that nobody else's is the same.
    pub(crate) connection: u64,
    /// Which version of what the server remembers of the connection.
    pub(crate) epoch: u64,
}

impl FromStr for Pos {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (position, rest) =
            text.strip_prefix('s').and_then(|rest| rest.split_once('_')).ok_or(())?;
        let (ephemeral, rest) = rest.split_once("_c").ok_or(())?;
        let (connection, epoch) = rest.split_once('_').ok_or(())?;
        Ok(Self {
            position: Position(position.parse().map_err(drop)?),
            ephemeral: ephemeral.parse().map_err(drop)?,
            connection: u64::from_str_radix(connection, 16).map_err(drop)?,
            epoch: epoch.parse().map_err(drop)?,
        })
    }
}

impl fmt::Display for Pos {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, ephemeral, connection, epoch } = self;
        write!(formatter, "s{position}_{ephemeral}_c{connection:016x}_{epoch}")
    }
}

#[cfg(test)]
mod tests {
    use pli_rooms::PaginationToken;
    use pli_store::Stamp;

    use super::*;
    use crate::SyncToken;

    #[test]
    fn a_connection_goes_on_where_it_was_and_pages_back_from_there() {
        let pos = Pos { position: Position(42), ephemeral: 7, connection: u64::MAX, epoch: 3 };
        let text = pos.to_string();
        assert_eq!(text.parse(), Ok(pos));
        assert_eq!(text.parse(), Ok(PaginationToken::after(Stamp::last_at(Position(42)))));
        assert!(text.parse::<SyncToken>().is_err(), "`/sync` knows nothing of connections");
        for malformed in ["", "s42", "s42_7", "s42_7_3", "s42_7_c_1", "s42_7_c1_", "42_7_c1_1"] {
            assert_eq!(malformed.parse::<Pos>(), Err(()), "{malformed}");
        }
    }
}
