//! The outbox: what could not be delivered at once, and when it is tried again.
//!
//! Pure: which rows are tried next, which groups of them are left alone for a while, when the outbox
//! has to wake, and what it stores ([`store`]). Not in scope: the calls and the clock
//! (`edge::outbox`).

use std::time::Duration;

pub mod desk;
mod fate;
pub mod lost_tries;
pub mod machine;
pub mod push_end;
pub mod quota;
pub mod schedule;
pub mod store;

/// A duration in ms, as the outbox counts.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
