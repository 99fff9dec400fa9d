//! The import: pages of commercetools' documents, brought to Klaviyo in bulk.
//!
//! A pure state machine ([`machine`]): given what just happened, it says what is to be stored and
//! which calls are to be made. Its host stores first and calls then, so that a crash at any
//! point costs at most the pages that were under way, and a repeated page is harmless, since all
//! ids are stable.
//!
//! What it stores, and how, stands in [`store`]. Not in scope: the calls and the clock
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
