//! What the runs share, of which a call takes its part: connections, bytes under way, jobs, and
//! Klaviyo's rate limits.

use crate::klaviyo::pacing::{Operation, Pace};

/// What is free for a call, and when it will be if it is not.
pub(super) struct Grants<'a> {
    pub(super) connections: usize,
    pub(super) reading: usize,
    /// Whether none of the connections reads from commercetools.
    pub(super) nobody_reads: bool,
    pub(super) bytes: usize,
    /// Jobs that may be begun.
    pub(super) jobs: usize,
    pub(super) pace: &'a mut Pace,
    pub(super) now: u64,
    pub(super) wake: &'a mut Option<u64>,
}

impl Grants<'_> {
    /// Notes that something can be done at this time.
    pub(super) fn wake_at(&mut self, time: u64) {
        *self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
    }

    /// Takes a call of an operation from Klaviyo's limits.
    pub(super) fn take(&mut self, operation: Operation) -> Result<(), ()> {
        self.pace.take(operation, self.now).map_err(|wait| {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            self.wake_at(self.now.saturating_add(wait));
        })
    }
}
