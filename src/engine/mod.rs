//! The engine: moves writes to Klaviyo, for each of its hosts.
//!
//! A *unit* is the work on one resource. A source (a page of an import, a row of the outbox, a push) adds it with the
//! stages of its writes ([`writer::UnitWriter::add`]). The engine sends them alone or as rows of batches, follows the
//! jobs that result, finds the row to blame for a refusal, postpones calls after transient faults, and reports how each
//! unit ended ([`events::WriteEvent`]).
//!
//! Its maps by number, and those of its hosts, hold boxes: the compiler generates the code of such a map once for all
//! of them, and otherwise once for each type.
//!
//! Pure: given the answers, it says which calls come next. It has no clock, makes no calls and stores nothing; its
//! hosts do.

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
