//! Files and connections that the process may have open.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Lets the process open as many files and connections as the system allows. By default that is
/// 1,024 on most systems, a limit for programs of another age: every person who waits for news takes
/// one.
pub fn allow_many() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE).and_then(|(soft, hard)| {
        if soft < hard { setrlimit(Resource::RLIMIT_NOFILE, hard, hard) } else { Ok(()) }
    });
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is: see `ulimit -n`");
    }
}
