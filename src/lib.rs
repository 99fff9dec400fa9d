//! Brings commercetools customers, orders, refunds and catalogue to Klaviyo, from Cloudflare's
//! edge.
//!
//! # The path of a notification
//!
//! ```text
//! push ─ edge::auth ─ realtime::envelope ─ commercetools::notification
//!      ─ realtime::plan      what follows from it
//!      ─ realtime::deliver   what to read, what to send, whether it was overtaken   (mapping::*)
//!      ─ klaviyo::verdict    what each answer means
//!      ─ realtime::outcome   exactly one outcome, and the status for it
//!                            what has to wait: outbox::schedule, edge::outbox
//! ```
//!
//! # The path of an import
//!
//! ```text
//! start ─ import::start      which records
//! alarm ─ edge::import       loads, steps, stores, makes the calls
//!       ─ import::passes     through which documents, in which order
//!       ─ import::records    a page's documents → what is written for each record   (mapping::*)
//!       ─ import::work       batches and jobs, each to its end; what is counted
//!                            what changed beside it: the outbox
//! ```
//!
//! # The border
//!
//! Everything outside [`edge`] is pure: no I/O, no clock, no `worker`. A test in
//! `tests/core/architecture.rs` keeps it so. Data flows one way; nothing in the core knows who calls it.
//!
//! # Not in scope
//!
//! Writing to commercetools, and deciding who may be mailed: consent stays where the shop keeps it.

pub mod check;
pub mod commercetools;
pub mod config;
pub mod engine;
pub mod fault;
pub mod http;
pub mod import;
pub mod klaviyo;
pub mod mapping;
pub mod outbox;
pub mod preview;
pub mod realtime;

pub mod edge;
