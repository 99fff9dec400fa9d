//! The time, by the platform's clock.

use chrono::{DateTime, Utc};
use worker::Date;

use crate::time::UnixMs;

/// The platform's clock; it stands still between I/O.
pub(super) fn now_ms() -> UnixMs {
    UnixMs::from_ms(Date::now().as_millis())
}

/// The same as a date.
pub(super) fn now() -> DateTime<Utc> {
    now_ms().to_utc().unwrap_or_default()
}
