//! The outbox: what could not be delivered at once, and when it is tried again.
//!
//! Pure: it decides which rows are tried next, which groups pause for a while, when the outbox has
//! to wake, and what it stores ([`store`]). Not in scope: the calls and the clock (`edge::outbox`).

pub mod desk;
mod fate;
mod late_emails;
pub mod lost_tries;
pub mod machine;
pub mod push_end;
pub mod quota;
pub mod schedule;
pub mod store;
