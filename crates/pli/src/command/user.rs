use std::{
    io::{BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

use clap::{Args, Subcommand};
use pli_accounts::{
    Accounts, AccountsError, Assembly, AssemblyConfig, Devices, Standing,
    accounts::{Email, UserRecord},
};
use pli_store::{Store, ambient::Ambient};
use ruma::{OwnedUserId, UserId};

use super::{CommandError, runtime};
use crate::config::Config;

/// How many accounts are read at once.
const PAGE: usize = 1_000;

/// `pli user …`
#[derive(Debug, Args)]
pub(super) struct UserCommand {
    #[command(subcommand)]
    action: UserAction,
    /// The configuration file.
    #[arg(long, global = true, default_value = "pli.toml", env = "PLI_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum UserAction {
    /// List the accounts: user id, state, number of devices, addresses.
    List,
    /// Deactivate an account for good; its user leaves all rooms at the server's next start.
    Deactivate {
        /// The user id or the e-mail address.
        user: String,
        /// Also forget what is not needed to keep the user id from being given again.
        #[arg(long)]
        erase: bool,
    },
    /// Make an account an administrator's: it may lock and suspend others and send server notices.
    Admin {
        /// The user id or the e-mail address.
        user: String,
        /// Make it an ordinary account again.
        #[arg(long)]
        revoke: bool,
    },
    /// Set a new password and sign all devices out.
    ResetPassword {
        /// The user id or the e-mail address.
        user: String,
        /// A file whose first line is the new password; without it, it is asked for.
        #[arg(long)]
        password_file: Option<PathBuf>,
        /// Leave the devices signed in.
        #[arg(long)]
        keep_devices: bool,
    },
}

pub(super) fn run(command: UserCommand) -> Result<(), CommandError> {
    let config = Config::load(&command.config)?;
    let url = config.store_url();
    if let Some(path) = url.strip_prefix("sqlite:")
        && !std::path::Path::new(path).exists()
    {
        return Err(CommandError::Refused(format!(
            "there is no store at {path} yet: start the server once, or run this where it runs"
        )));
    }
    runtime()?.block_on(async {
        let store = Store::open(&url).await?;
        let accounts = Assembly::build(&store, &Ambient::system(), assembly(config), Vec::new())?;
        let done = match command.action {
            UserAction::List => list(&accounts).await,
            UserAction::Deactivate { user, erase } => deactivate(&accounts, &user, erase).await,
            UserAction::Admin { user, revoke } => set_admin(&accounts, &user, !revoke).await,
            UserAction::ResetPassword { user, password_file, keep_devices } => {
                reset_password(&accounts, &user, password_file, keep_devices).await
            }
        };
        store.close().await;
        done
    })
}

fn assembly(config: Config) -> AssemblyConfig {
    AssemblyConfig {
        server_name: config.server_name,
        public_url: config.public_url,
        registration: config.registration,
        passwords: config.passwords,
        sessions: config.sessions,
        oauth: config.oauth,
        upstream: config.upstream,
    }
}

async fn list(assembly: &Assembly) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    let mut last: Option<OwnedUserId> = None;
    loop {
        let page = assembly.accounts.list(last.as_deref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        for (user_id, user) in page {
            let line = describe(&assembly.accounts, &assembly.devices, &user_id, &user).await?;
            if writeln!(out, "{line}").is_err() {
                // Whoever reads has seen enough.
                return Ok(());
            }
            last = Some(user_id);
        }
        if is_last {
            return Ok(());
        }
    }
}

async fn describe(
    accounts: &Accounts,
    devices: &Devices,
    user_id: &UserId,
    user: &UserRecord,
) -> Result<String, AccountsError> {
    let state = match (user.deactivated_ms, user.admin, user.standing) {
        (Some(_), ..) => "deactivated",
        (None, true, _) => "admin",
        (None, false, Standing { locked: true, .. }) => "locked",
        (None, false, Standing { suspended: true, .. }) => "suspended",
        (None, false, _) => "active",
    };
    let devices = devices.list(user_id).await?.len();
    let emails = accounts.emails(user_id).await?;
    let emails: Vec<String> = emails.into_iter().map(|(email, _)| email).collect();
    Ok(format!("{user_id}\t{state}\t{devices}\t{}", emails.join(" ")))
}

async fn deactivate(assembly: &Assembly, user: &str, erase: bool) -> Result<(), CommandError> {
    let user_id = find(&assembly.accounts, user).await?;
    assembly.credentials.deactivate_by_operator(&user_id, erase).await?;
    println!("{user_id} is deactivated and leaves all rooms at the server's next start");
    Ok(())
}

async fn set_admin(assembly: &Assembly, user: &str, admin: bool) -> Result<(), CommandError> {
    let user_id = find(&assembly.accounts, user).await?;
    assembly.accounts.set_admin(&user_id, admin).await?;
    let is_one = if admin { "is an administrator" } else { "is no administrator" };
    println!("{user_id} {is_one}");
    Ok(())
}

async fn reset_password(
    assembly: &Assembly,
    user: &str,
    password_file: Option<PathBuf>,
    keep_devices: bool,
) -> Result<(), CommandError> {
    let user_id = find(&assembly.accounts, user).await?;
    let password = read_password(password_file)?;
    let credentials = &assembly.credentials;
    credentials.reset_password_by_operator(&user_id, &password, !keep_devices).await?;
    println!("{user_id} has a new password");
    Ok(())
}

/// The account that an operator means: by user id, user name or e-mail address.
async fn find(accounts: &Accounts, user: &str) -> Result<OwnedUserId, CommandError> {
    let nobody = || {
        CommandError::Refused(format!("nobody here is {user}: `pli user list` shows who there is"))
    };
    let user_id = if user.starts_with('@') {
        UserId::parse(user).map_err(|_| nobody())?
    } else if user.contains('@') {
        let owner = accounts.owner_of_email(&Email::parse(user)?).await?;
        return owner.ok_or_else(nobody);
    } else {
        UserId::parse_with_server_name(user, accounts.server_name()).map_err(|_| nobody())?
    };
    if accounts.get(&user_id).await?.is_none() {
        return Err(nobody());
    }
    Ok(user_id)
}

/// The first line of a file, or of what is typed.
fn read_password(file: Option<PathBuf>) -> Result<String, CommandError> {
    let text = match file {
        Some(path) => std::fs::read_to_string(&path).map_err(|source| CommandError::Io {
            what: format!("can't read {}", path.display()),
            source,
        })?,
        None => {
            if std::io::stdin().is_terminal() {
                eprint!("New password (shown as you type): ");
            }
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map_err(|source| CommandError::Io {
                what: "can't read the password".to_owned(),
                source,
            })?;
            line
        }
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
