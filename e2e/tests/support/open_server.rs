//! A server of one's own where everybody may sign up.

use std::{net::SocketAddr, path::Path};

use pli::{config::Config, server::Server};

/// Starts it on a folder, with these lines of configuration besides.
pub(crate) async fn start(folder: &Path, address: SocketAddr, lines: &str) -> Server {
    let folder = folder.display();
    let text = format!(
        "server_name = \"pli.test\"\n\
         public_url = \"http://{address}\"\n\
         data_dir = \"{folder}\"\n\
         listen.client = \"{address}\"\n\
         listen.admin = \"127.0.0.1:0\"\n\
         registration.mode = \"open\"\n\
         rate_limits.enabled = false\n\
         mail.url = \"outbox:{folder}/outbox\"\n\
         passwords.argon2_memory = \"64 KiB\"\n\
         passwords.argon2_iterations = 1\n\
         {lines}\n"
    );
    let config: Config = toml::from_str(&text).unwrap();
    Server::start(config).await.unwrap()
}
