use std::io::Write as _;

use clap::Subcommand;
use pli_store::{
    KeyspaceInfo, Store,
    tools::{check, copy},
};

use super::{CommandError, runtime};

/// `pli store …`
#[derive(Debug, Subcommand)]
pub(super) enum StoreAction {
    /// List the keyspaces, or show the rows of one.
    Inspect {
        /// The store's address: sqlite:PATH or postgres://…
        store: String,
        /// The keyspace whose rows to show; without it, all keyspaces with their sizes.
        keyspace: Option<String>,
        /// The most rows to show.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Read every row and say which ones can't be understood.
    Check {
        /// The store's address.
        store: String,
    },
    /// Copy a store into an empty one, on any engine; positions stay.
    Copy {
        /// The store to copy.
        #[arg(long)]
        from: String,
        /// The empty store to fill.
        #[arg(long)]
        to: String,
    },
}

pub(super) fn run(action: StoreAction) -> Result<(), CommandError> {
    runtime()?.block_on(async {
        match action {
            StoreAction::Inspect { store, keyspace: None, .. } => list(&store).await,
            StoreAction::Inspect { store, keyspace: Some(keyspace), limit } => {
                show(&store, &keyspace, limit).await
            }
            StoreAction::Check { store } => check_rows(&store).await,
            StoreAction::Copy { from, to } => copy_all(&from, &to).await,
        }
    })
}

/// Every keyspace of every crate.
fn catalogue() -> Vec<KeyspaceInfo> {
    [
        pli_store::derived::KEYSPACES,
        pli_accounts::KEYSPACES,
        pli_accounts::keys::KEYSPACES,
        pli_accounts::backup::KEYSPACES,
        pli_accounts::to_device::KEYSPACES,
        pli_accounts::device_lists::KEYSPACES,
        pli_appservice::KEYSPACES,
        pli_media::KEYSPACES,
        pli_push::KEYSPACES,
        pli_rooms::KEYSPACES,
        pli_sync::KEYSPACES,
        pli_sync::sliding::KEYSPACES,
    ]
    .concat()
}

async fn list(url: &str) -> Result<(), CommandError> {
    let store = Store::open(url).await?;
    let snapshot = store.snapshot().await?;
    println!("position {}", snapshot.position());
    println!("{:<32} {:>12} {:>16}", "keyspace", "rows", "bytes");
    for keyspace in snapshot.keyspaces().await? {
        let size = snapshot.keyspace_size(&keyspace).await?;
        println!("{:<32} {:>12} {:>16}", size.name, size.rows, size.key_bytes + size.value_bytes);
    }
    Ok(())
}

async fn show(url: &str, keyspace: &str, limit: usize) -> Result<(), CommandError> {
    let known = catalogue().into_iter().find(|info| info.name == keyspace);
    let Some(info) = known else {
        return Err(CommandError::Refused(format!(
            "there is no keyspace `{keyspace}`: `pli store inspect {url}` lists them"
        )));
    };
    let store = Store::open(url).await?;
    let snapshot = store.snapshot().await?;
    let mut rows = snapshot.raw_rows(keyspace, Vec::new());
    for _ in 0..limit {
        let Some(row) = rows.next().await? else { return Ok(()) };
        match (info.describe)(&row.key, &row.value) {
            Ok((key, value)) => println!("{key} @{} {value}", row.version),
            Err(error) => println!("(unreadable: {error})"),
        }
    }
    if rows.next().await?.is_some() {
        println!("… more: use --limit");
    }
    Ok(())
}

async fn check_rows(url: &str) -> Result<(), CommandError> {
    let store = Store::open(url).await?;
    let report = check(&store, &catalogue(), |size| {
        println!("{:<32} {:>12} rows", size.name, size.rows);
    })
    .await?;
    for problem in &report.problems {
        let place = problem.keyspace.as_deref().unwrap_or("store");
        println!("{place}: {}", problem.description);
    }
    if report.is_sound() {
        println!("in order, at position {}", report.position);
        Ok(())
    } else {
        Err(CommandError::Refused(format!(
            "{} problems: restore a backup, and keep this store for whoever looks into it",
            report.problem_count
        )))
    }
}

async fn copy_all(from: &str, to: &str) -> Result<(), CommandError> {
    let from = Store::open(from).await?;
    let to = Store::open(to).await?;
    let copied = copy(&from, &to, |copied| {
        print!("\r{:<32} {:>12} rows in all", copied.keyspace, copied.rows);
        // Progress only: a closed terminal is no reason to stop.
        let _ = std::io::stdout().flush();
    })
    .await
    .map_err(|error| CommandError::Refused(error.to_string()))?;
    println!("\ncopied {} rows, at position {}", copied.rows, copied.position);
    to.close().await;
    Ok(())
}
