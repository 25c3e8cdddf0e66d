use std::time::Duration;

use pli_store::ambient::Ambient;

/// How long to wait after the first failure; doubled after each further one.
const FIRST: Duration = Duration::from_millis(500);
/// The longest wait between two attempts.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// How long to wait after so many failures, with up to a quarter more, so that pushers that failed
/// together don't come back together.
pub(crate) fn wait_after(failures: u32, ambient: &Ambient) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    let wait = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    let [random] = ambient.random_bytes::<1>();
    wait + wait / 4 * u32::from(random) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gateway that is down for a night is not asked thousands of times, nor forgotten.
    #[test]
    fn waits_grow_to_an_hour_and_no_further() {
        let ambient = Ambient::system();
        let first = wait_after(1, &ambient);
        assert!((FIRST..=FIRST * 5 / 4).contains(&first), "{first:?}");
        for failures in [30, 1_000, u32::MAX] {
            let wait = wait_after(failures, &ambient);
            assert!((LONGEST..=LONGEST * 5 / 4).contains(&wait), "{wait:?}");
        }
    }
}
