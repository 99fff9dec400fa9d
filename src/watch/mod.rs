//! Keeping watch: it counts what realtime does, each fault is a cause, and a cause that begins or
//! ends is told.
//!
//! Isolates count in a [`tally`] and hand it over to the Durable Object `Watch`, which stores it ([`store`]). The
//! objects' reports give the [`causes`]; [`alerts`] are causes over time, and what the receiver learns about them;
//! [`metrics`] are the same figures for Prometheus.
//!
//! Not in scope: calling the objects and the receiver (`edge::watch`), and the checks themselves ([`crate::check`]).

pub mod alerts;
pub mod causes;
pub mod look;
pub mod metrics;
pub mod store;
pub mod tally;
