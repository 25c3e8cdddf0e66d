use std::time::Duration;

/// Which addresses a client connects to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Addresses of the public internet only: for addresses that users write.
    Public,
    /// Loopback, private and link-local ones too: for addresses that the operator writes, and closed
    /// networks.
    Anywhere,
}

/// What a client of other servers may do.
#[derive(Clone, Debug)]
pub struct OutboundConfig {
    /// Which addresses it connects to.
    pub reach: Reach,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long the other side may be silent.
    pub read_timeout: Duration,
    /// How long a request may take from beginning to end.
    pub total_timeout: Duration,
    /// The greatest body of an answer, in bytes.
    pub max_answer: usize,
    /// Certificate authorities trusted besides the system's: PEM, one or more certificates.
    pub extra_ca: Option<Vec<u8>>,
}

impl OutboundConfig {
    /// Ten seconds to connect, thirty of silence, a minute in all; answers up to 1 MiB.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(60),
            max_answer: 1024 * 1024,
            extra_ca: None,
        }
    }
}
