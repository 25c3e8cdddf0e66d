use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::sync::watch;

use super::ServerError;
use crate::config::Tls;

/// A certificate that can be renewed while the server runs.
pub(super) struct Reloadable {
    tls: Tls,
    config: watch::Sender<Arc<ServerConfig>>,
}

impl Reloadable {
    pub(super) fn load(tls: Tls) -> Result<Self, ServerError> {
        let config = watch::Sender::new(server_config(&tls)?);
        Ok(Self { tls, config })
    }

    /// What connections from now on are to use, whenever they come.
    pub(super) fn current(&self) -> watch::Receiver<Arc<ServerConfig>> {
        self.config.subscribe()
    }

    pub(super) fn reload(&self) -> Result<(), ServerError> {
        self.config.send_replace(server_config(&self.tls)?);
        Ok(())
    }
}

/// TLS 1.3 and 1.2 by rustls with aws-lc-rs, whose defaults prefer the hybrid post-quantum key
/// exchange X25519MLKEM768.
fn server_config(tls: &Tls) -> Result<Arc<ServerConfig>, ServerError> {
    let certificates = CertificateDer::pem_file_iter(&tls.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| {
            ServerError::Tls(format!("certificate {}: {error}", tls.certificate.display()))
        })?;
    if certificates.is_empty() {
        let path = tls.certificate.display();
        return Err(ServerError::Tls(format!("certificate {path}: there is none in the file")));
    }
    let key = PrivateKeyDer::from_pem_file(&tls.key)
        .map_err(|error| ServerError::Tls(format!("key {}: {error}", tls.key.display())))?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ServerError::Tls(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| ServerError::Tls(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
