//! How long to wait before a retry. Pure: chance and the clock are arguments.

use std::time::Duration;

use crate::fault::{Setback, System, TransientFault};
use crate::time::UnixMs;

/// The longest wait: the Worker notices within 30 s that an outage is over.
const LONGEST: Duration = Duration::from_secs(24);

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// How long to wait before a retry after `attempts` failures, at least as long as the other side
/// asked for. `jitter` (0 to 1) spreads the tries over the last quarter.
#[must_use]
pub fn backoff(attempts: u32, asked: Option<Duration>, jitter: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32 << attempts.saturating_sub(1).min(16));
    let wait = doubled.min(LONGEST).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0);
    wait.max(asked.unwrap_or_default())
}

/// A jitter without a source of randomness: it derives from the clock.
#[must_use]
pub(crate) fn jitter(now: UnixMs) -> f64 {
    f64::from(u32::try_from(now.ms() % 1000).unwrap_or(0)) / 1000.0
}

/// The most that is added to the pause that Klaviyo asks for with a 429, so that the refused
/// callers do not all return at the same moment.
const THROTTLE_JITTER: Duration = Duration::from_secs(1);

/// How long to wait after a setback. A 429 says when the quota is renewed, and is not an outage:
/// repeated 429s do not lengthen the wait.
#[must_use]
pub fn wait_after(setback: Setback, attempts: u32, jitter: f64) -> Duration {
    if setback.fault != TransientFault::Status(System::Klaviyo, 429) {
        return backoff(attempts, setback.retry_after, jitter);
    }
    setback.retry_after.unwrap_or(FIRST) + THROTTLE_JITTER.mul_f64(jitter.clamp(0.0, 1.0))
}

/// How long Klaviyo may still carry out a single write that had no answer. After that the Worker
/// assumes that Klaviyo will not.
pub const SINGLE_IN_DOUBT: Duration = Duration::from_mins(1);

/// The same for the start of a job.
pub const JOB_IN_DOUBT: Duration = Duration::from_mins(10);

/// The longest wait for something that is expected to appear: it is not an outage that could end.
const LONGEST_FOR_SOMETHING: Duration = Duration::from_hours(1);

/// How long to wait for something that is expected to appear and has been missing for `age`: at
/// first as in an outage, then an eighth of the age.
#[must_use]
pub fn patience(attempts: u32, age: Duration, jitter: f64) -> Duration {
    backoff(attempts, Some((age / 8).min(LONGEST_FOR_SOMETHING)), jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_with_the_age() {
        let minutes = |age| patience(99, Duration::from_mins(age), 0.0).as_secs();
        assert_eq!([0, 1, 8, 80, 9999].map(minutes), [24, 24, 60, 600, 3600]);
        assert_eq!(patience(1, Duration::ZERO, 0.0), FIRST);
    }

    #[test]
    fn a_used_up_quota_is_waited_for_and_no_longer() {
        let throttled = |seconds| Setback {
            fault: TransientFault::Status(System::Klaviyo, 429),
            retry_after: seconds,
        };
        let asked = Some(Duration::from_secs(1));
        for attempts in [1, 5, 99] {
            let wait = wait_after(throttled(asked), attempts, 0.5);
            assert_eq!(wait, Duration::from_millis(1_500), "{attempts}");
        }
        assert_eq!(wait_after(throttled(None), 9, 0.0), FIRST);
        let down = Setback::from(TransientFault::Status(System::Klaviyo, 503));
        assert_eq!(wait_after(down, 3, 0.0), backoff(3, None, 0.0));
    }

    #[test]
    fn tries_are_spread_by_where_the_clock_stands() {
        let wait = |now| backoff(1, None, jitter(UnixMs::from_ms(now))).as_millis();
        assert_eq!([0, 400, 800, 7_000, 7_200].map(wait), [1_000, 1_100, 1_200, 1_000, 1_050]);
    }

    #[test]
    fn waits_grow_and_end() {
        let seconds = |attempts| backoff(attempts, None, 0.0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 99].map(seconds), [1, 2, 4, 8, 16, 24, 24, 24]);
        assert!(backoff(99, None, 1.0) <= Duration::from_secs(30));
        assert!(backoff(3, None, 1.0) > backoff(3, None, 0.0));
        let asked = Duration::from_mins(2);
        assert_eq!(backoff(1, Some(asked), 0.5), asked);
    }
}
