//! From a push to exactly one outcome.
//!
//! body → [`envelope`] → notification → [`plan`] (what follows from it) → `assembly` (what to read,
//! then what to send) → [`conclusion`] (what the answers mean) → [`outcome`] (what the sender is
//! told).
//!
//! All of it is pure: the edge reads, sends and stores as told, and returns the answers. Nothing
//! here knows the time; times come from the notifications and documents.

pub mod conclusion;
pub mod envelope;
pub mod outcome;
pub mod parking;
pub mod plan;
pub mod sender;
