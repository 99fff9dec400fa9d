//! What the imports store, and how: the statements on the tables of the object `Import`.
//!
//! [`runs`] stores the state of the machine, and returns it after a crash. [`failures`] are records that could not be
//! sent, [`skipped`] records that needed nothing sent. [`gone`] has what was deleted while a run may still write it,
//! [`doubt`] what an ended run may have overwritten, [`open_pages`] the changes of unfinished pages; [`hand_over`]
//! gives these to the outbox. [`sequence`] says which runs follow each other, [`schedule`] which slots were handled,
//! and [`completed`] from where the next run by time goes on.
//!
//! Not in scope: the shape of a stored run ([`super::stored`]), the calls and the clock (`edge::import`).
#![expect(
    clippy::missing_errors_doc,
    reason = "always the same: a statement failed, or what is stored cannot be read"
)]

pub mod completed;
pub mod doubt;
pub mod failures;
pub mod gone;
pub mod hand_over;
mod open_pages;
pub mod runs;
pub mod schedule;
pub mod sequence;
pub mod skipped;
pub mod tables;
