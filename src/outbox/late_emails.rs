//! The consequence of events that went out in bulk: each contains its customer's e-mail address, and Klaviyo may carry
//! it out after a newer address was written. Nobody can ask when. So the Worker assumes a time after which Klaviyo no
//! longer acts, and then writes every customer once more who changed since.
//!
//! Not in scope: the same after a run of an import (`import::store::doubt`).

use std::time::Duration;

use serde_json::{Map, Value};

use crate::commercetools::walk::{WalkOver, WalkedResource};
use crate::engine::backoff::JOB_IN_DOUBT;
use crate::push::plan::id_walk::notification;
use crate::time::{UnixMs, millis};

/// How long before the try of a row its customer may have been read: the isolate shares it for a minute, and a query
/// lags behind by as much.
const READ_BEFORE: Duration = Duration::from_mins(2);

/// The period for the beginning of a walk over customers, so that the calls of a long drain share it.
const PERIOD: Duration = Duration::from_mins(10);

/// How long a try may take until its last call has an answer.
const TRY: Duration = Duration::from_mins(2);

/// The walk over the customers who changed since the current tries began, and the time for it.
pub(super) fn walk(began: UnixMs, now: UnixMs) -> (Map<String, Value>, UnixMs) {
    let period = millis(PERIOD);
    let since = UnixMs::from_ms((began - READ_BEFORE).ms() / period * period);
    let last_call = (since + READ_BEFORE + PERIOD + TRY).max(now);
    let of = WalkedResource::Customers;
    let over = WalkOver::ChangedSince { of, since: since.to_utc().unwrap_or_default() };
    (notification(&over, None), last_call + JOB_IN_DOUBT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_a_period_share_a_walk() {
        let at = |minutes: u64| UnixMs::from_ms(minutes * 60_000);
        let walk_of = |began: u64| walk(at(began), at(began + 2));
        let first = walk_of(22);
        assert_eq!(first.0["changedSince"], "1970-01-01T00:20:00.000Z");
        assert_eq!(walk_of(31), first);
        assert_eq!(first.1, at(31 + 2 + 1 + 10), "after the last call of them");
        assert_ne!(walk_of(32).0, first.0);
        assert_eq!(walk(at(0), at(0)).0["changedSince"], "1970-01-01T00:00:00.000Z");
    }
}
