use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, redirect};
use url::{Host, Url};

use crate::{OutboundConfig, OutboundError, Reach, address::is_public, resolver::PublicResolver};

const USER_AGENT: &str = concat!("Pli/", env!("CARGO_PKG_VERSION"));

/// A client of other servers. Cheap to clone; connections are kept and shared by the clones.
#[derive(Clone, Debug)]
pub struct Outbound {
    client: reqwest::Client,
    reach: Reach,
    max_answer: usize,
}

impl Outbound {
    /// A client within these limits.
    ///
    /// # Errors
    /// [`OutboundError::Configuration`] if the certificate authorities are unusable.
    pub fn new(config: &OutboundConfig) -> Result<Self, OutboundError> {
        let unusable = |error: reqwest::Error| OutboundError::Configuration(error.to_string());
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            // A redirect could lead anywhere, and none of the protocols spoken here uses them.
            .redirect(redirect::Policy::none())
            // A proxy would connect where this client must not.
            .no_proxy()
            .connect_timeout(config.connect_timeout)
            .read_timeout(config.read_timeout)
            .timeout(config.total_timeout);
        if config.reach == Reach::Public {
            builder = builder.dns_resolver(PublicResolver);
        }
        if let Some(pem) = &config.extra_ca {
            let certificates = Certificate::from_pem_bundle(pem).map_err(unusable)?;
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(unusable)?;
        Ok(Self { client, reach: config.reach, max_answer: config.max_answer })
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`OutboundError`] if there is no whole answer. Its text never holds the query of the address.
    pub async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, OutboundError> {
        self.check_address(&request.uri().to_string())?;
        let request = reqwest::Request::try_from(request)
            .map_err(|error| OutboundError::InvalidUrl(error.without_url().to_string()))?;
        let mut response = self
            .client
            .execute(request)
            .await
            .map_err(|error| OutboundError::from_reqwest(&error))?;

        let announced = response.content_length().unwrap_or(0);
        if announced > u64::try_from(self.max_answer).unwrap_or(u64::MAX) {
            return Err(self.too_large());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| OutboundError::from_reqwest(&error))?
        {
            if body.len() + chunk.len() > self.max_answer {
                return Err(self.too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = http::Response::new(body.freeze());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }

    fn too_large(&self) -> OutboundError {
        OutboundError::TooLarge { limit: self.max_answer }
    }

    /// An address that is a number never reaches the resolver: it is looked at here.
    fn check_address(&self, address: &str) -> Result<(), OutboundError> {
        let invalid = || OutboundError::InvalidUrl(address.split('?').next().unwrap_or("").into());
        let url = Url::parse(address).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid());
        }
        let number = match url.host() {
            None => return Err(invalid()),
            Some(Host::Domain(_)) => None,
            Some(Host::Ipv4(number)) => Some(number.into()),
            Some(Host::Ipv6(number)) => Some(number.into()),
        };
        match number {
            Some(number) if self.reach == Reach::Public && !is_public(number) => {
                Err(OutboundError::ForbiddenAddress(number))
            }
            _ => Ok(()),
        }
    }
}
