//! The feed: what commercetools' own messages tell, without a broker, or beside one.
//!
//! [`machine`] decides what is read next and what a page means for the cursors, [`page`] makes of a page what
//! goes to the outbox, [`desk`] holds the two beside what is stored. No I/O, no clock: the object
//! `Feed` of the shell makes the calls.
//!
//! Not in scope: delivery. The outbox does that.

pub mod desk;
pub mod machine;
pub mod page;
pub mod replay;
pub mod state;
pub mod status;
pub mod store;
