//! What all work of a host shares, of which a call takes its part: connections, bytes under way,
//! jobs, and Klaviyo's rate limits.

use std::time::Duration;

use crate::klaviyo::pacing::{Operation, Pace};

/// What is free for a call, and when it will be if it is not.
pub(crate) struct Grants<'a> {
    pub(crate) connections: usize,
    pub(crate) reading: usize,
    /// Whether none of the connections reads from commercetools.
    pub(crate) nobody_reads: bool,
    pub(crate) bytes: usize,
    /// Jobs that may be begun.
    pub(crate) jobs: usize,
    pub(crate) pace: &'a mut Pace,
    /// In ms since 1970 UTC.
    pub(crate) now: u64,
    pub(crate) wake: &'a mut Option<u64>,
}

impl Grants<'_> {
    /// Notes that something can be done at this time.
    pub(crate) fn wake_at(&mut self, time: u64) {
        *self.wake = Some(self.wake.map_or(time, |wake| wake.min(time)));
    }

    /// Takes a call of an operation from Klaviyo's limits.
    ///
    /// # Errors
    /// How long there is none to take.
    pub(crate) fn take(&mut self, operation: Operation) -> Result<(), Duration> {
        self.pace.take(operation, self.now).inspect_err(|wait| {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            self.wake_at(self.now.saturating_add(wait));
        })
    }
}
