//! What is known of a notification when it is parked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::backoff::wait_after;
use crate::engine::deliveries::EndedDelivery;
use crate::fault::{Setback, TransientFault};
use crate::push::parking::ParkingSlot;
use crate::time::millis;

/// What is known of a notification when it is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewParked {
    /// Its slot; see [`ParkingSlot`].
    pub key: String,
    /// The rank of the slot.
    pub rank: u8,
    /// The customer of the slot.
    pub customer: Option<String>,
    /// Now, in ms since 1970 UTC.
    pub at: u64,
    /// When to try, in ms since 1970 UTC.
    pub due: u64,
    /// Why it was parked, as a stable code.
    pub code: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Until when a write of it without an answer may still be carried out, in ms since 1970 UTC;
    /// 0 if there is none. Until then the row stays, to be read and written once more, unless it tells of
    /// a fact.
    pub doubtful_until: u64,
    /// Since when it may have been written, without that being known to be current, in ms since 1970
    /// UTC; 0 if it was not.
    #[serde(default)]
    pub written_since: u64,
}

/// What a try of a notification may have left at Klaviyo that is not known to be current.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnverifiedWrites {
    /// When the try began, in ms since 1970 UTC; 0 if nothing was written.
    pub since: u64,
    /// How long a write without an answer may still be carried out.
    pub in_doubt: Option<Duration>,
}

impl UnverifiedWrites {
    /// Those of a delivery that began at a time (ms since 1970 UTC).
    #[must_use]
    pub fn of(ended: &EndedDelivery, began: u64) -> Self {
        let in_doubt = ended.in_doubt;
        let is_written = ended.delivery.has_written() || in_doubt.is_some();
        Self { since: if is_written { began } else { 0 }, in_doubt }
    }
}

impl NewParked {
    /// One that is to be tried `now`, in ms since 1970 UTC.
    #[must_use]
    pub fn now(slot: ParkingSlot, fault: TransientFault, now: u64) -> Self {
        let ParkingSlot { key, rank, customer } = slot;
        let code = fault.code().into_owned();
        Self {
            key,
            rank,
            customer,
            at: now,
            due: now,
            code,
            attempts: 0,
            doubtful_until: 0,
            written_since: 0,
        }
    }

    /// One that was not tried, and is to be with what else is parked in this second.
    #[must_use]
    pub fn soon(slot: ParkingSlot, fault: TransientFault, now: u64) -> Self {
        let new = Self::now(slot, fault, now);
        Self { due: to_second(new.due), ..new }
    }

    /// One that is to be tried at a time (ms since 1970 UTC), when no write that was before it is to come
    /// any more. If its slot is taken, and tried, sooner, the slot is in doubt until then.
    #[must_use]
    pub fn not_before(slot: ParkingSlot, time: u64, now: u64) -> Self {
        let new = Self::now(slot, TransientFault::Follows, now);
        let doubtful_until = if time > now { time } else { 0 };
        Self { due: now.max(time), doubtful_until, ..new }
    }

    /// One that is to be tried when a price becomes valid or ends, `edge`, which is its age too: until
    /// then it is not late. A write that was before it may still be carried out until `doubtful_until`; 0 if
    /// none. All in ms since 1970 UTC.
    #[must_use]
    pub fn at_edge(slot: ParkingSlot, edge: u64, doubtful_until: u64) -> Self {
        Self { doubtful_until, ..Self::now(slot, TransientFault::PriceEdge, edge) }
    }

    /// One that was tried once and is to be tried again.
    #[must_use]
    pub fn after(
        slot: ParkingSlot,
        setback: Setback,
        unverified: UnverifiedWrites,
        now: u64,
    ) -> Self {
        let UnverifiedWrites { since, in_doubt } = unverified;
        let wait = wait_after(setback, 1, 0.0);
        let mut new = Self::now(slot, setback.fault, now);
        new.due = to_second(new.due + millis(wait));
        new.attempts = 1;
        new.written_since = since;
        new.doubtful_until = in_doubt.map_or(0, |length| new.at + millis(length));
        new
    }
}

/// The end of the second: rows that were parked together become due together, and their requests
/// can go together.
pub(super) fn to_second(time: u64) -> u64 {
    time.next_multiple_of(1000)
}
