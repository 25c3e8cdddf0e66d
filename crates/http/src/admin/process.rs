//! The process itself, under the names that every Prometheus client uses.

use metrics::{Unit, describe_gauge};

const RESIDENT: &str = "process_resident_memory_bytes";
const VIRTUAL: &str = "process_virtual_memory_bytes";
const THREADS: &str = "process_threads";
const OPEN_FILES: &str = "process_open_fds";

/// Reads what the kernel says. Where it says nothing (on systems other than Linux), nothing is told.
pub(super) async fn measure() {
    if let Ok(status) = tokio::fs::read_to_string("/proc/self/status").await {
        set(RESIDENT, Unit::Bytes, "Memory in use.", kibibytes(&status, "VmRSS:"));
        set(VIRTUAL, Unit::Bytes, "Memory reserved.", kibibytes(&status, "VmSize:"));
        set(THREADS, Unit::Count, "Threads.", number(&status, "Threads:"));
    }
    // Counting one file after the other is short: it is a handful per connection.
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        let description = "Open files and connections.";
        set(OPEN_FILES, Unit::Count, description, u32::try_from(files.count()).ok().map(f64::from));
    }
}

fn set(name: &'static str, unit: Unit, description: &'static str, value: Option<f64>) {
    if let Some(value) = value {
        describe_gauge!(name, unit, description);
        metrics::gauge!(name).set(value);
    }
}

fn kibibytes(status: &str, field: &str) -> Option<f64> {
    Some(number(status, field)? * 1024.0)
}

fn number(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}
