//! For tests, of this crate and of others: a PostgreSQL server of their own.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use nix::unistd::{Gid, Uid, User};
use tempfile::TempDir;
use tokio_postgres::NoTls;

/// What the server's log says once it takes connections.
const READY: &str = "database system is ready to accept connections";
/// How long a start may take on a slow machine.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Runs the server until the pipe to the shell's input is closed, however the test process ends.
const RUN_UNTIL_INPUT_ENDS: &str =
    r#""$@" & server=$!; read -r _; kill -QUIT "$server"; wait "$server""#;

/// A PostgreSQL server in a temporary folder, reached through a socket in it. It ends with the value
/// or with the process, whichever ends
/// first.
///
/// The server's programs are looked for in `PATH` and where Debian puts them. PostgreSQL refuses to
/// run as root, so root's tests run it as the Unix user `postgres`. It doesn't fsync: the machine
/// is not going to lose power in a test.
pub struct PostgresServer {
    folder: TempDir,
    binaries: PathBuf,
    owner: Option<(Uid, Gid)>,
    /// Where it listens for TLS, beside its socket.
    port: Option<u16>,
    process: Option<Child>,
}

impl PostgresServer {
    /// Creates an empty server and starts it.
    ///
    /// # Errors
    /// When PostgreSQL isn't installed or doesn't start; the text holds what it said.
    pub fn start() -> io::Result<Self> {
        let mut server = Self::create()?;
        server.run()?;
        Ok(server)
    }

    /// The same, listening on a free port of `localhost` too, where it talks TLS only and shows this
    /// certificate. See [`Self::tls_url`].
    ///
    /// # Errors
    /// The same, or when the files can't be written.
    pub fn start_with_tls(certificate_pem: &str, key_pem: &str) -> io::Result<Self> {
        let mut server = Self::create()?;
        let access = "local all all trust\nhostssl all all 127.0.0.1/32 trust\n";
        let files =
            [("server.crt", certificate_pem), ("server.key", key_pem), ("pg_hba.conf", access)];
        for (name, content) in files {
            let path = server.data().join(name);
            fs::write(&path, content)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            if let Some((user, group)) = server.owner {
                chown(&path, Some(user.as_raw()), Some(group.as_raw()))?;
            }
        }
        // PostgreSQL can't choose a free port itself.
        server.port = Some(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port());
        server.run()?;
        Ok(server)
    }

    fn create() -> io::Result<Self> {
        let binaries = find_binaries()?;
        let owner = if Uid::effective().is_root() { Some(postgres_user()?) } else { None };
        // Short, because a socket's path may have only a hundred bytes.
        let folder = tempfile::Builder::new().prefix("pli-pg-").tempdir_in("/tmp")?;
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user.as_raw()), Some(group.as_raw()))?;
        }
        let server = Self { folder, binaries, owner, port: None, process: None };
        let created = server
            .command("initdb")
            .arg("--pgdata")
            .arg(server.data())
            .args(["--username=pli", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .stdin(Stdio::null())
            .output()?;
        if !created.status.success() {
            let said = String::from_utf8_lossy(&created.stderr).into_owned();
            return Err(io::Error::other(format!("initdb failed: {said}")));
        }
        Ok(server)
    }

    /// The address of a new, empty database on this server, for [`Store::open`](crate::Store::open).
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database(&self, name: &str) -> io::Result<String> {
        let (client, driver) = tokio_postgres::connect(&self.url("postgres"), NoTls)
            .await
            .map_err(io::Error::other)?;
        let driver = tokio::spawn(driver);
        let name_quoted = name.replace('"', "\"\"");
        let created = client.batch_execute(&format!("CREATE DATABASE \"{name_quoted}\"")).await;
        drop(client);
        // Ended by dropping the client; what went wrong is in `created`.
        let _ = driver.await;
        created.map_err(io::Error::other)?;
        Ok(self.url(name))
    }

    /// The address of a database on this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        let port = self.port.unwrap_or(5432);
        format!("postgres://pli@{folder}:{port}/{database}")
    }

    /// The address of a database by way of TLS, without saying how to verify the server; `None` if it
    /// was not started with TLS.
    #[must_use]
    pub fn tls_url(&self, database: &str) -> Option<String> {
        Some(format!("postgres://pli@localhost:{}/{database}", self.port?))
    }

    /// Ends the server without letting anybody finish, as a crash would.
    pub fn stop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        // The shell that runs the server ends it when its input ends.
        drop(process.stdin.take());
        let _ = process.wait();
    }

    /// Starts a stopped server again, with what it held.
    ///
    /// # Errors
    /// When it doesn't start.
    pub fn restart(&mut self) -> io::Result<()> {
        self.stop();
        self.run()
    }

    fn run(&mut self) -> io::Result<()> {
        let folder = self.folder.path();
        let mut command = Command::new("sh");
        self.as_owner(&mut command)
            .args(["-c", RUN_UNTIL_INPUT_ENDS, "sh"])
            .arg(self.binaries.join("postgres"))
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(folder)
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .args(["-c", "shared_buffers=32MB", "-c", "max_connections=100"])
            .args(match self.port {
                Some(_) => ["-c", "listen_addresses=127.0.0.1", "-c", "ssl=on"],
                None => ["-c", "listen_addresses=", "-c", "ssl=off"],
            })
            .args(["-c", &format!("port={}", self.port.unwrap_or(5432))])
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command.spawn()?;
        let log = process.stderr.take().expect("the log was asked to be piped");
        self.process = Some(process);

        let (ready, started) = mpsc::channel();
        // Reads the log to its end, so that the server never waits for a reader.
        std::thread::spawn(move || {
            let mut said = String::new();
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                if line.contains(READY) {
                    let _ = ready.send(Ok(()));
                }
                said.push_str(&line);
                said.push('\n');
            }
            let _ = ready.send(Err(said));
        });
        match started.recv_timeout(START_TIMEOUT) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(said)) => Err(io::Error::other(format!("postgres did not start: {said}"))),
            Err(_) => Err(io::Error::other("postgres did not start in time")),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.join(program));
        self.as_owner(&mut command);
        command
    }

    fn as_owner<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        if let Some((user, group)) = self.owner {
            command.uid(user.as_raw()).gid(group.as_raw());
        }
        // The folder that the test runs in may not be readable for that user.
        command.current_dir(self.folder.path())
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn postgres_user() -> io::Result<(Uid, Gid)> {
    let user = User::from_name("postgres").map_err(io::Error::from)?.ok_or_else(|| {
        io::Error::other("there is no Unix user `postgres`: install PostgreSQL's server")
    })?;
    Ok((user.uid, user.gid))
}

/// The folder with `initdb` and `postgres`: the first in `PATH`, else the newest that Debian has.
fn find_binaries() -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let mut packaged: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .collect();
    packaged.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|version| version.parse::<u32>().ok()))
    });
    folders.extend(packaged);
    folders
        .into_iter()
        .find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
        .ok_or_else(|| {
            io::Error::other("PostgreSQL is not installed: on Debian, `apt install postgresql`")
        })
}
