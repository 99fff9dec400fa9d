//! The import: brings pages of commercetools' documents to Klaviyo in bulk.
//!
//! A pure state machine ([`machine`]) takes what just happened, and returns what to store and which
//! calls to make. Its host stores first and calls then. So a crash costs at most the pages under
//! way, and a repeated page does no harm, since all ids are stable.
//!
//! [`store`] says what the import stores, and how. Not in scope: the calls and the clock
//! (`edge::import`).

pub mod csv;
pub mod kind;
mod limit;
pub mod machine;
mod page;
mod parts;
pub mod passes;
mod phones;
mod record_ref;
pub mod run;
pub mod schedule;
pub mod selection;
pub mod sequence;
pub mod settled;
pub mod start;
pub mod store;
pub mod stored;
mod work;
