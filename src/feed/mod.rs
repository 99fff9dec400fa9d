//! The feed: reads commercetools' own messages, without a broker or beside one.
//!
//! [`machine`] decides what to read next and how a page moves the cursors, [`page`] turns a page into what goes to the
//! outbox, [`desk`] connects the two with the store. No I/O, no clock: the object `Feed` of the shell makes the calls.
//!
//! Not in scope: delivery. The outbox does that.

pub mod desk;
pub mod machine;
pub mod page;
pub mod replay;
pub mod state;
pub mod status;
pub mod store;
