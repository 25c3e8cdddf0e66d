//! The floor: what this machine can do when a server does nothing but commit a row and answer.

use std::{collections::BTreeMap, process::Stdio};

use axum::{Router, extract::State, http::StatusCode, routing::put};
use pli_store::{Batch, Keyspace, Stamp, Store};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
    process::{Child, Command},
};

use crate::{
    error::BenchError,
    matrix::encrypted_content,
    measure::{Sample, measure},
    process,
};

/// One row per request.
const FLOOR_ROWS: Keyspace<(Stamp,), String> = Keyspace::new("bench_floor_rows");

/// Serves until the process is stopped. The first line of its output is its address.
pub(crate) async fn serve(store: &str) -> Result<(), BenchError> {
    let store = Store::open(store).await?;
    let app = Router::new().route("/row", put(commit_row)).with_state(store);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut output = tokio::io::stdout();
    output.write_all(format!("{}\n", listener.local_addr()?).as_bytes()).await?;
    output.flush().await?;
    axum::serve(listener, app).await?;
    Ok(())
}

async fn commit_row(State(store): State<Store>, row: String) -> Result<&'static str, StatusCode> {
    let mut batch = Batch::new();
    batch.append(&FLOOR_ROWS, (), &row);
    store.commit(batch).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok("{}")
}

/// A floor server in a process of its own, and what was measured of it.
pub(crate) struct Floor {
    child: Child,
    url: String,
    http: reqwest::Client,
    rows: usize,
    by_writers: BTreeMap<usize, Sample>,
}

impl Floor {
    pub(crate) async fn start(
        store: &str,
        http: reqwest::Client,
        rows: usize,
    ) -> Result<Self, BenchError> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["floor-server", "--store", store])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let not_started = || BenchError::NotStarted("the floor server".to_owned());
        let output = child.stdout.take().ok_or_else(not_started)?;
        let address = BufReader::new(output).lines().next_line().await?.ok_or_else(not_started)?;
        let url = format!("http://{address}/row");
        Ok(Self { child, url, http, rows, by_writers: BTreeMap::new() })
    }

    /// What that many writers get of the machine. Measured once per run.
    pub(crate) async fn with_writers(&mut self, writers: usize) -> Result<Sample, BenchError> {
        if let Some(sample) = self.by_writers.get(&writers) {
            return Ok(sample.clone());
        }
        let row = encrypted_content(0).to_string();
        let (http, url) = (&self.http, &self.url);
        let put_row = async |_, _| {
            let answer = http.put(url).body(row.clone()).send().await?.error_for_status()?;
            answer.bytes().await?;
            Ok(())
        };
        let warm_up = self.rows / 16;
        measure(None, writers, warm_up, put_row).await?;
        let sample = measure(self.child.id(), writers, self.rows, put_row).await?;
        self.by_writers.insert(writers, sample.clone());
        Ok(sample)
    }

    pub(crate) async fn stop(self) {
        process::stop(self.child).await;
    }
}
