//! What follows from events that went out in bulk: each says its customer's e-mail, and Klaviyo may carry
//! it out after a newer one was written. Nobody can ask when that is; so who changed since is written once
//! more when it is taken not to act any more.
//!
//! Not in scope: the same after a run of an import (`import::store::doubt`).

use chrono::DateTime;
use serde_json::{Map, Value};

use crate::commercetools::walk::{WalkOver, WalkedResource};
use crate::engine::backoff::JOB_IN_DOUBT;
use crate::push::plan::id_walk::notification;
use crate::time::millis;

/// How long before the try of a row its customer may have been read, in ms: the isolate shares it for a
/// minute, and a query lags behind by as much.
const READ_BEFORE: u64 = 120_000;

/// A walk over customers begins with a period of so many ms, so that the calls of a long drain share it.
const PERIOD: u64 = 600_000;

/// How long a try may take until its last call has an answer, in ms.
const TRY: u64 = 120_000;

/// The walk over the customers who changed since the tries that are under way began, and when it is to be
/// made; all in ms since 1970 UTC.
pub(super) fn walk(began: u64, now: u64) -> (Map<String, Value>, u64) {
    let since = began.saturating_sub(READ_BEFORE) / PERIOD * PERIOD;
    let from = i64::try_from(since).ok().and_then(DateTime::from_timestamp_millis);
    let (of, from) = (WalkedResource::Customers, from.unwrap_or_default());
    let last_call = (since + READ_BEFORE + PERIOD + TRY).max(now);
    let due = last_call + millis(JOB_IN_DOUBT);
    (notification(&WalkOver::ChangedSince { of, since: from }, None), due)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_a_period_share_a_walk() {
        let minute = 60_000;
        let walk_of = |began: u64| walk(began * minute, (began + 2) * minute);
        let first = walk_of(22);
        assert_eq!(first.0["changedSince"], "1970-01-01T00:20:00.000Z");
        assert_eq!(walk_of(31), first);
        assert_eq!(first.1, (31 + 2 + 1 + 10) * minute, "after the last call of them");
        assert_ne!(walk_of(32).0, first.0);
        assert_eq!(walk(0, 0).0["changedSince"], "1970-01-01T00:00:00.000Z");
    }
}
