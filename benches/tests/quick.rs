//! The load generator against a server: so that neither can change without the other.

use std::process::Stdio;

use pli::{config::Config, server::Server};
use serde_json::Value;

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_runs_against_pli() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().display();
    let config = format!(
        "server_name = \"bench.example\"\n\
         public_url = \"http://bench.example\"\n\
         data_dir = \"{data}\"\n\
         listen.client = \"127.0.0.1:0\"\n\
         registration.mode = \"open\"\n\
         rate_limits.enabled = false\n\
         passwords.argon2_memory = \"64 KiB\"\n\
         passwords.argon2_iterations = 1\n"
    );
    let mut config: Config = toml::from_str(&config).unwrap();
    config.listen.admin = None;
    let server = Server::start(config).await.unwrap();
    let json = folder.path().join("report.json");

    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_pli-benches"))
        .args(["run", "--quick", "--base-url"])
        .arg(format!("http://{}", server.client_address()))
        .arg("--pid")
        .arg(std::process::id().to_string())
        .arg("--json")
        .arg(&json)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();

    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let table = String::from_utf8(output.stdout).unwrap();
    let report: Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let rows = report["rows"].as_array().unwrap();
    // Every line is in the table, and whatever has operations has its times and its floor.
    for row in rows {
        let name = row["name"].as_str().unwrap();
        assert!(table.contains(name), "{name}");
        if row["per_second"].is_number() && !name.contains("argon2id") {
            assert!(row["cpu_ms"].is_number(), "{row}");
            assert!(row["p99_ms"].is_number(), "{row}");
            assert!(row["floor_per_second"].as_f64().unwrap() > 0.0, "{row}");
        }
    }
    assert!(rows.len() >= 39, "{table}");
    server.stop().await;
}
