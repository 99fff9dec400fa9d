//! A Cloudflare Worker that brings customers, orders, refunds and the catalogue from commercetools to Klaviyo.
//!
//! # The path of a notification
//!
//! ```text
//! push ─ edge::push ─ push::envelope ─ push::plan     what follows from it
//!      ─ engine::deliveries   which call is next, what was answered
//!          assembly           what to read, what to write, whether it was overtaken   (mapping::*)
//!          engine::writer     what is written, and what came of it
//!      ─ push::outcome    exactly one outcome, and the status for it
//!                             what has to wait: outbox::store, then outbox::machine
//! ```
//!
//! # The path of an import
//!
//! ```text
//! start ─ import::start       which records
//! alarm ─ edge::import        stores, makes the calls
//!       ─ import::machine     which call is next, what was answered
//!           import::passes    through which documents, in which order
//!           assembly          what else to read, and what is written for each record   (mapping::*)
//!           engine::writer    batches and jobs, each to its end
//!                             what changed beside it: the outbox
//! ```
//!
//! # The border
//!
//! Everything outside [`edge`] is pure: no I/O, no clock, no `worker`. A test in `tests/core/architecture.rs` enforces
//! this. Data flows one way: nothing in the core knows its caller.
//!
//! # Not in scope
//!
//! Writing to commercetools, and deciding who may receive mail: consent stays where the shop keeps it.

pub mod assembly;
pub mod check;
pub mod commercetools;
pub mod config;
pub mod engine;
pub mod fault;
pub mod feed;
pub mod http;
pub mod import;
pub mod inflate;
mod json;
pub mod klaviyo;
pub mod mapping;
pub mod outbox;
pub mod preview;
pub mod push;
pub mod storage;
pub mod time;
pub mod trace;
pub mod watch;

pub mod edge;
