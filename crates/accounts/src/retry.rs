//! Optimistic writes: read, decide, commit; when somebody else was faster, do it again.

/// How often an operation is tried before its caller hears that the account is too busy.
pub(crate) const MAX_ATTEMPTS: usize = 16;

/// Evaluates an expression (which awaits an attempt from a fresh snapshot) until it doesn't end in a
/// conflict, at most [`MAX_ATTEMPTS`] times.
macro_rules! retry_on_conflict {
    ($attempt:expr) => {{
        let mut attempts = 1;
        loop {
            match $attempt {
                Err(error) if error.is_conflict() && attempts < $crate::retry::MAX_ATTEMPTS => {
                    attempts += 1;
                }
                outcome => break outcome,
            }
        }
    }};
}
