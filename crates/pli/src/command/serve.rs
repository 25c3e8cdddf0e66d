use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, runtime};
use crate::{
    config::Config,
    log,
    server::{Server, ServerError, open_files},
};

/// Serves until SIGTERM or SIGINT, then drains. SIGHUP reads the certificate again.
pub(super) fn run(path: &Path) -> Result<(), CommandError> {
    let config = Config::load(path)?;
    log::start(&config.log).map_err(CommandError::Refused)?;
    open_files::allow_many();
    runtime()?.block_on(async {
        let server = Server::start(config).await?;
        println!("\n  Pli is ready: open {}\n", server.public_url());

        let mut terminate = signal(SignalKind::terminate()).map_err(ServerError::Io)?;
        let mut hang_up = signal(SignalKind::hangup()).map_err(ServerError::Io)?;
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = tokio::signal::ctrl_c() => break,
                _ = hang_up.recv() => reload_certificate(&server),
            }
        }
        tracing::info!("draining");
        server.stop().await;
        Ok(())
    })
}

fn reload_certificate(server: &Server) {
    match server.reload_certificate() {
        Ok(()) => tracing::info!("certificate read again"),
        Err(error) => tracing::error!(%error, "the certificate from before stays in use"),
    }
}
