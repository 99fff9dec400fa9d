//! The outbox: what could not be delivered at once, and when it is tried again.
//!
//! Pure: which rows are tried next, which groups of them are left alone for a while, and when the
//! outbox has to wake. Not in scope: the storage, the calls and the clock (`edge::outbox`).

pub mod lost_tries;
pub mod schedule;
