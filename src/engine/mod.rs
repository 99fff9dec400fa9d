//! The engine: what moves writes to Klaviyo, for each of its hosts.
//!
//! A *unit* is one resource's work. A source (a page of an import, a row of the outbox, a push) adds
//! it with the stages of its writes ([`writer::UnitWriter::add`]); the engine sends them alone or
//! as rows of batches, follows the jobs that come of these, finds out which row is to blame for a
//! refusal, puts off what meets a fault that passes, and tells how each unit ended
//! ([`events::WriteEvent`]).
//!
//! Its maps by number, and those of its hosts, hold boxes: the compiler writes the code of such a map once for all
//! of them, and for each type otherwise.
//!
//! Pure: given what was answered, it says which calls come next. It has no clock, makes no calls and
//! stores nothing; its hosts do.

pub mod backoff;
pub(crate) mod batches;
mod blame;
pub mod call;
mod calling;
pub mod circuits;
pub mod deliveries;
pub mod events;
mod following;
pub mod grants;
pub(crate) mod jobs;
pub(crate) mod stubborn;
pub(crate) mod unit;
pub(crate) mod unit_no;
pub(crate) mod write_task;
pub(crate) mod writer;
pub(crate) mod written;
