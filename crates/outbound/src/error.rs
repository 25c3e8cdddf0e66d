use std::{error::Error, io, net::IpAddr};

/// Why a request to another server has no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The client can't be made: the certificate authorities are unusable.
    #[error("the outgoing client cannot be set up: {0}")]
    Configuration(String),
    /// The address is no `http` or `https` address with a host.
    #[error("{0:?} is not an address of a web server: use http:// or https:// and a host")]
    InvalidUrl(String),
    /// The address leads into a network that this client must not reach.
    #[error("{0} is not a public address: requests to it are not allowed here")]
    ForbiddenAddress(IpAddr),
    /// No connection could be made: no such name, nobody listens, TLS failed.
    #[error("no connection could be made: {0}")]
    Connect(String),
    /// It took too long.
    #[error("the other server did not answer in time")]
    TimedOut,
    /// The answer is larger than allowed.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The connection broke off, or what came is no HTTP.
    #[error("the answer broke off: {0}")]
    Broken(String),
}

impl OutboundError {
    /// Whether the other side was slow rather than absent or wrong.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut)
    }

    /// Whether no connection came about.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::ForbiddenAddress(_))
    }

    pub(crate) fn from_reqwest(error: &reqwest::Error) -> Self {
        if let Some(refused) = find::<Refused>(error) {
            return Self::ForbiddenAddress(refused.0);
        }
        if error.is_timeout() {
            return Self::TimedOut;
        }
        let reason = innermost(error);
        if error.is_connect() { Self::Connect(reason) } else { Self::Broken(reason) }
    }
}

/// The resolver's refusal, on its way through the client's own error.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not a public address")]
pub(crate) struct Refused(pub(crate) IpAddr);

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        // An I/O error hides what it wraps from `source`.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = wrapped.and_then(|wrapped| wrapped.downcast_ref::<T>()) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// What went wrong at the bottom. The layers above repeat the address, which may hold a secret.
fn innermost(error: &reqwest::Error) -> String {
    let mut inner: &dyn Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
