//! What the outbox stores, and how: the statements on the tables of the object `Outbox`.
//!
//! [`intake`] takes what the Worker sends. [`park`] stores what can succeed later, [`tries`] hands out due rows,
//! [`parked`] keeps their results; [`jobs`] holds rows back until a job of Klaviyo has ended, [`sent`] has what need
//! not be sent twice, [`lost`] counts tries that never ended. What can never succeed goes to [`dead_letters`], and back
//! by [`replay`]. [`about`] finds both for a person who asks; [`erasure`] knows all tables with personal data.
//!
//! Times and randomness are arguments. Not in scope: which rows are tried next ([`super::schedule`]), and the calls
//! (`edge::outbox`).
#![expect(
    clippy::missing_errors_doc,
    reason = "always the same: a statement failed, or what is stored cannot be read"
)]

pub mod about;
pub mod batches;
pub mod commands;
pub mod dead_letters;
pub mod erasure;
pub mod generation;
pub mod intake;
pub mod jobs;
pub mod lost;
pub mod new_parked;
pub mod offspring;
pub mod park;
pub mod parked;
pub mod replay;
pub mod sent;
pub mod status;
pub mod tables;
pub mod tries;
