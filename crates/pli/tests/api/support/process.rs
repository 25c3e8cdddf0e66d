//! The real `pli`, as a process that can be stopped, killed and starved.

use std::{
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, Uid},
};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::{Answer, PASSWORD, Person};

const PLI: &str = env!("CARGO_BIN_EXE_pli");

/// A configuration and a data folder for `pli`.
pub(crate) struct Installation {
    folder: TempDir,
    pub(crate) http: reqwest::Client,
}

/// A `pli serve` that runs.
pub(crate) struct Process {
    child: Child,
    address: String,
    admin_address: String,
    http: reqwest::Client,
}

/// Runs `pli` with these arguments to its end.
pub(crate) async fn pli(arguments: &[&str]) -> Output {
    let mut command = Command::new(PLI);
    let output = command.args(arguments).kill_on_drop(true).output();
    tokio::time::timeout(Duration::from_secs(60), output).await.expect("it goes on").unwrap()
}

impl Installation {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let http =
            reqwest::Client::builder().timeout(Duration::from_secs(90)).no_proxy().build().unwrap();
        let installation = Self { folder, http };
        std::fs::create_dir(installation.data()).unwrap();
        installation.configure("");
        installation
    }

    /// Writes the configuration, with these lines (top-level keys, dotted) besides the usual ones.
    pub(crate) fn configure(&self, lines: &str) {
        let data = self.data();
        let data = data.display();
        let text = format!(
            "server_name = \"pli.test\"\n\
             public_url = \"http://pli.test\"\n\
             data_dir = \"{data}\"\n\
             listen.client = \"127.0.0.1:0\"\n\
             listen.admin = \"127.0.0.1:0\"\n\
             registration.mode = \"open\"\n\
             rate_limits.enabled = false\n\
             passwords.argon2_memory = \"64 KiB\"\n\
             passwords.argon2_iterations = 1\n\
             log.format = \"json\"\n\
             {lines}\n"
        );
        std::fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("pli.toml")
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs `pli` with these arguments and the configuration to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Output {
        let config = self.config();
        pli(&[arguments, &["--config", config.to_str().unwrap()]].concat()).await
    }

    /// Starts the server and waits until it listens.
    pub(crate) async fn serve(&self) -> Process {
        self.start(Command::new(PLI)).await
    }

    /// The same, with these variables in its environment.
    pub(crate) async fn serve_with(&self, environment: &[(&str, &str)]) -> Process {
        let mut command = Command::new(PLI);
        command.envs(environment.iter().copied());
        self.start(command).await
    }

    /// Starts the server with its data folder on a disk of this many MiB, of which it is the only
    /// one to see anything.
    pub(crate) async fn serve_on_small_disk(&self, mebibytes: u32) -> Process {
        let mut command = Command::new("unshare");
        command.arg("--mount");
        if !Uid::effective().is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        let mount = format!("mount -t tmpfs -o size={mebibytes}m tmpfs \"$0\" && exec \"$@\"");
        command.args(["sh", "-c", &mount]).arg(self.data()).arg(PLI);
        self.start(command).await
    }

    async fn start(&self, mut command: Command) -> Process {
        command.arg("serve").arg("--config").arg(self.config());
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let mut admin_address = None;
        let address = loop {
            let Some(line) = lines.next_line().await.unwrap() else {
                panic!("pli did not start:\n{}", said.join("\n"));
            };
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            let address = entry["fields"]["address"].as_str().map(str::to_owned);
            match entry["fields"]["message"].as_str() {
                Some("listening") => break address.unwrap(),
                Some("listening for operators") => admin_address = address,
                _ => {}
            }
            said.push(line);
        };
        // A full pipe would stop the process.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Process { child, address, admin_address: admin_address.unwrap(), http: self.http.clone() }
    }
}

impl Process {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A request that is still to be filled in.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// A metric as operators see it.
    pub(crate) async fn metric(&self, name: &str) -> Option<f64> {
        let url = format!("http://{}/metrics", self.admin_address);
        let metrics = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let mut lines = metrics.lines().map(|line| line.split_whitespace());
        lines.find(|line| line.clone().next() == Some(name))?.next_back()?.parse().ok()
    }

    /// A file as the process sees it, which may have mounts of its own.
    pub(crate) fn sees(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.child.id().unwrap()));
        root.join(path.strip_prefix("/").unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        kill(Pid::from_raw(id), signal).unwrap();
    }

    /// How the process ends.
    pub(crate) async fn end(mut self) -> ExitStatus {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait());
        ended.await.expect("it goes on").unwrap()
    }

    /// Sends a request; an error if the process died over it.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request = self.request(method, path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let status = response.status();
        let headers = response.headers().clone();
        let bytes = response.bytes().await?;
        Ok(Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() })
    }

    pub(crate) async fn sign_up(&self, name: &str) -> Person {
        let body = json!({
            "username": name,
            "password": PASSWORD,
            "auth": { "type": "m.login.dummy" },
        });
        let path = "/_matrix/client/v3/register";
        let answer = self.send(Method::POST, path, None, Some(&body)).await.unwrap().ok();
        Person::of(&answer)
    }

    pub(crate) async fn create_room(&self, person: &Person) -> String {
        let path = "/_matrix/client/v3/createRoom";
        let token = Some(person.access_token.as_str());
        let answer = self.send(Method::POST, path, token, Some(&json!({}))).await.unwrap().ok();
        answer["room_id"].as_str().unwrap().to_owned()
    }

    /// Sends a message of this many bytes.
    pub(crate) async fn say(
        &self,
        person: &Person,
        room_id: &str,
        transaction: &str,
        bytes: usize,
    ) -> Result<Answer, reqwest::Error> {
        let path = format!("/_matrix/client/v3/rooms/{room_id}/send/m.room.message/{transaction}");
        let body = json!({ "msgtype": "m.text", "body": "x".repeat(bytes) });
        self.send(Method::PUT, &path, Some(&person.access_token), Some(&body)).await
    }

    /// Whether an event is there.
    pub(crate) async fn has(&self, person: &Person, room_id: &str, event_id: &str) -> bool {
        let path = format!("/_matrix/client/v3/rooms/{room_id}/event/{event_id}");
        let token = Some(person.access_token.as_str());
        self.send(Method::GET, &path, token, None).await.unwrap().status.is_success()
    }
}
