//! Times and durations in ms, as they are stored and compared.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// A time in ms since 1970 UTC.
pub(crate) fn ms(time: DateTime<Utc>) -> u64 {
    u64::try_from(time.timestamp_millis()).unwrap_or(0)
}

/// A duration in ms.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
