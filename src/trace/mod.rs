//! `GET /trace` and `POST /trace`: where a record is. It joins, line by line, what commercetools has, what this Worker
//! sends for it, what waits or failed here, and what Klaviyo has.
//!
//! The expected requests are not computed here: an import of the record runs as far as it gets without sending
//! ([`crate::preview::DryRun`]). [`asked`] reads the question, [`expected`] says what Klaviyo should then hold,
//! [`known_here`] what this Worker knows, [`verdict`] joins them. Not in scope: making the calls, and changing
//! anything.
//!
//! Accepted data becomes readable at Klaviyo only minutes later, so what Klaviyo accepted less than
//! [`accepted::READABLE_AFTER`] ago is never reported as missing.

pub mod accepted;
pub mod asked;
mod compare;
pub mod document;
pub mod event_walk;
pub mod expected;
pub mod kept;
mod kept_lines;
pub mod known_here;
pub mod rules;
pub mod verdict;
mod words;

use serde::Serialize;
use serde_json::Value;

use crate::fault::ReadFault;

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Trace {
    /// Whether commercetools has the record.
    pub found: bool,
    /// The statements about it, part by part.
    pub lines: Vec<TraceLine>,
}

/// The statement about one part of a record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceLine {
    /// The part: the name of a metric, `Profile`, `Item`.
    pub what: String,
    /// What Klaviyo should hold; null if nothing is compared.
    pub expected: Value,
    /// What Klaviyo holds; null if nothing, or if that is not known.
    pub actual: Value,
    /// The verdict.
    pub verdict: TraceVerdict,
    /// Why, and what to do. It holds no personal data: people copy it into tickets.
    pub detail: Option<String>,
}

/// The verdict on one part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceVerdict {
    /// Klaviyo has it, with the expected values.
    There,
    /// It is under way: parked, or accepted too short a time ago to be read.
    Waits,
    /// It was refused, and needs a person.
    Refused,
    /// By the rules nothing is sent.
    Ignored,
    /// Klaviyo should have it, and does not.
    Missing,
    /// Klaviyo has it, with other values.
    Different,
    /// It is not known.
    Unknown,
}

impl TraceLine {
    /// A line that compares nothing.
    fn told(what: impl Into<String>, verdict: TraceVerdict, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into());
        Self { what: what.into(), expected: Value::Null, actual: Value::Null, verdict, detail }
    }
}

/// The answer of a source that may not exist, or may not answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Answered<T> {
    /// There was nothing to ask, or this deployment does not have the source.
    #[default]
    Unasked,
    /// It did not answer as expected; the reason, if it is known.
    Unread(Option<ReadFault>),
    /// Its answer.
    Read(T),
}
