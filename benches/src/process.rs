//! What the system knows of a process.

use std::time::Duration;

use nix::{
    sys::{
        resource::{Resource, getrlimit, setrlimit},
        signal::{Signal, kill},
    },
    unistd::Pid,
};
use tokio::process::Child;

use crate::error::BenchError;

/// How long a server may take to stop.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// `USER_HZ`: what the times in `/proc/PID/stat` count in, the same on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// The CPU time that a process took so far, user and system, all threads.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration, BenchError> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .map_err(|_| BenchError::NoSuchProcess(pid))?;
    // The second field is the name in parentheses, which may hold anything; `utime` and `stime` are
    // the 14th and 15th.
    let (_, after_name) = stat.rsplit_once(')').ok_or(BenchError::NoSuchProcess(pid))?;
    let mut times = after_name.split_whitespace().skip(11).map(str::parse::<u64>);
    let (Some(Ok(user)), Some(Ok(system))) = (times.next(), times.next()) else {
        return Err(BenchError::NoSuchProcess(pid));
    };
    Ok(Duration::from_millis((user + system) * 1_000 / TICKS_PER_SECOND))
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
