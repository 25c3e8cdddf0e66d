use std::time::Duration;

/// How long to wait after the first failure; doubled after each further one.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait between two attempts, but for what chance adds.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long to wait before the next attempt after so many failures in a row: half a second, doubled up
/// to an hour. `random` adds up to a quarter, so that what failed together doesn't come back together.
#[must_use]
pub fn wait_after(failures: u32, random: u8) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let wait = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    wait + wait / 4 * u32::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A receiver that is down for a night is not asked thousands of times, nor forgotten.
    #[test]
    fn waits_grow_to_an_hour_and_no_further() {
        assert_eq!(wait_after(1, 0), FIRST);
        assert_eq!(wait_after(1, 255), FIRST * 5 / 4);
        assert_eq!(wait_after(5, 0), FIRST * 16);
        for failures in [30, 1_000, u32::MAX] {
            assert_eq!(wait_after(failures, 0), LONGEST);
            assert_eq!(wait_after(failures, 255), LONGEST * 5 / 4);
        }
    }
}
