//! What the system knows of a process.

use std::time::Duration;

use nix::{
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, kill},
    },
    time::ClockId,
    unistd::Pid,
};
use tokio::process::Child;

use crate::error::BenchError;

/// How long a server may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// The CPU time that a process took so far, user and system, all threads. Counts in nanoseconds,
/// unlike `/proc/PID/stat`, so that a hundred operations are enough for a figure.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration, BenchError> {
    let unknown = |_| BenchError::NoSuchProcess(pid);
    let id = i32::try_from(pid).map_err(|_| BenchError::NoSuchProcess(pid))?;
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(id)).map_err(unknown)?;
    clock.now().map(Duration::from).map_err(unknown)
}

/// The memory that a process has resident, in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64, BenchError> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))
        .map_err(|_| BenchError::NoSuchProcess(pid))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok())
        .ok_or(BenchError::NoSuchProcess(pid))
}

/// A thousand long-polls are a thousand sockets, here and in the servers started from here.
pub(crate) fn raise_open_files_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        eprintln!("the limit of open files stays as it is: {error}");
    }
}

/// Asks a process to stop and waits for it; ends it after a while.
pub(crate) async fn stop(mut child: Child) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
    if let Some(pid) = pid
        && kill(Pid::from_raw(pid), Signal::SIGTERM).is_ok()
        && tokio::time::timeout(STOP_WITHIN, child.wait()).await.is_ok()
    {
        return;
    }
    if let Err(error) = child.kill().await {
        eprintln!("a server could not be stopped: {error}");
    }
}
