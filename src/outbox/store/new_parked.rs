//! The data of a notification when it is parked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::backoff::wait_after;
use crate::engine::deliveries::EndedDelivery;
use crate::fault::{Setback, TransientFault};
use crate::push::parking::ParkingSlot;
use crate::push::parking::RowGroup;
use crate::time::UnixMs;

/// The data of a notification when it is parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewParked {
    /// Its slot; see [`ParkingSlot`].
    pub key: String,
    /// The rank of the slot.
    pub rank: u8,
    /// The customer of the slot.
    pub customer: Option<String>,
    /// Now.
    pub at: UnixMs,
    /// When to try it.
    pub due: UnixMs,
    /// Why it was parked, as a stable code.
    pub code: String,
    /// How often it was tried.
    pub attempts: u32,
    /// Until when Klaviyo may still carry out an unanswered write of it; [`UnixMs::EPOCH`] if there is none. Until then
    /// the row stays, to be read and written once more, unless it is a fact.
    pub doubtful_until: UnixMs,
    /// Since when it may have been written, without a check that this is current; [`UnixMs::EPOCH`] if it was not.
    #[serde(default)]
    pub written_since: UnixMs,
}

/// What a try of a notification may have left at Klaviyo without a check that this is current.
#[derive(Debug, Clone, Copy, Default)]
pub struct UnverifiedWrites {
    /// When the try began; [`UnixMs::EPOCH`] if nothing was written.
    pub since: UnixMs,
    /// How long Klaviyo may still carry out a write without an answer.
    pub in_doubt: Option<Duration>,
}

impl UnverifiedWrites {
    /// The writes of a delivery that began at a time.
    #[must_use]
    pub fn of(ended: &EndedDelivery, began: UnixMs) -> Self {
        let in_doubt = ended.in_doubt;
        // Some events of an order may have gone before one that has to wait.
        let is_partly_written = !ended.sent.is_empty();
        let is_written = ended.delivery.has_written() || in_doubt.is_some() || is_partly_written;
        Self { since: if is_written { began } else { UnixMs::EPOCH }, in_doubt }
    }
}

impl NewParked {
    /// For a try at `now`.
    #[must_use]
    pub fn now(slot: ParkingSlot, fault: TransientFault, now: UnixMs) -> Self {
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
            doubtful_until: UnixMs::EPOCH,
            written_since: UnixMs::EPOCH,
        }
    }

    /// Not tried yet; for a try together with the other rows parked in this second.
    #[must_use]
    pub fn soon(slot: ParkingSlot, fault: TransientFault, now: UnixMs) -> Self {
        let new = Self::now(slot, fault, now);
        Self { due: to_second(new.due), ..new }
    }

    /// For a try at a time when no earlier write can follow. If its slot is taken, and tried, sooner, the slot is in
    /// doubt until then. A walk over changes is not late before that time, since no undelivered change is known.
    #[must_use]
    pub fn not_before(slot: ParkingSlot, time: UnixMs, now: UnixMs) -> Self {
        if time <= now {
            return Self::now(slot, TransientFault::Follows, now);
        }
        let new = match RowGroup::of_key(&slot.key) {
            Some(RowGroup::Changes) => Self::now(slot, TransientFault::FollowsLater, time),
            _ => Self::now(slot, TransientFault::Follows, now),
        };
        Self { due: time, doubtful_until: time, ..new }
    }

    /// For a try when a price starts or ends, at `edge`. Its age counts from there too: until then it is not late.
    /// Klaviyo may carry out an earlier write until `doubtful_until`; [`UnixMs::EPOCH`] if there is none.
    #[must_use]
    pub fn at_edge(slot: ParkingSlot, edge: UnixMs, doubtful_until: UnixMs) -> Self {
        Self { doubtful_until, ..Self::now(slot, TransientFault::PriceEdge, edge) }
    }

    /// For another try after a first one.
    #[must_use]
    pub fn after(
        slot: ParkingSlot,
        setback: Setback,
        unverified: UnverifiedWrites,
        now: UnixMs,
    ) -> Self {
        let UnverifiedWrites { since, in_doubt } = unverified;
        let wait = wait_after(setback, 1, 0.0);
        let mut new = Self::now(slot, setback.fault, now);
        new.due = to_second(new.due + wait);
        new.attempts = 1;
        new.written_since = since;
        new.doubtful_until = in_doubt.map_or(UnixMs::EPOCH, |length| new.at + length);
        new
    }
}

/// The end of the second: rows that were parked together become due together, and their requests can go together.
pub(super) fn to_second(time: UnixMs) -> UnixMs {
    UnixMs::from_ms(time.ms().next_multiple_of(1000))
}
