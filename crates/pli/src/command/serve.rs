use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::{CommandError, runtime};
use crate::{
    config::Config,
    log,
    server::{Server, ServerError},
};

/// Serves until SIGTERM or SIGINT, then drains.
pub(super) fn run(path: &Path) -> Result<(), CommandError> {
    let config = Config::load(path)?;
    log::start(&config.log).map_err(CommandError::Refused)?;
    runtime()?.block_on(async {
        let server = Server::start(config).await?;
        println!("\n  Pli is ready: open {}\n", server.public_url());

        let mut terminate = signal(SignalKind::terminate()).map_err(ServerError::Io)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("draining");
        server.stop().await;
        Ok(())
    })
}
