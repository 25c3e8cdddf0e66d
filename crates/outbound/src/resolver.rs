use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{address::is_public, error::Refused};

/// Resolves names with the system's resolver and keeps the public addresses only.
///
/// The check is made on the very addresses that are connected to: a name that answers differently
/// the second time gains nothing.
pub(crate) struct PublicResolver;

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refused = found.iter().find(|address| !is_public(address.ip())).copied();
            let public: Vec<SocketAddr> =
                found.into_iter().filter(|address| is_public(address.ip())).collect();
            match refused {
                Some(refused) if public.is_empty() => Err(Refused(refused.ip()).into()),
                _ => Ok(Box::new(public.into_iter()) as Addrs),
            }
        })
    }
}
