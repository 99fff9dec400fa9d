//! `GET /trace` and `POST /trace`: where a record is. What commercetools has, what this Worker sends for it,
//! what of it waits or failed here, and what Klaviyo has, joined line by line.
//!
//! What is expected is not worked out here: an import of the record is brought as far as it gets without
//! sending ([`crate::preview::DryRun`]). [`asked`] reads the question, [`expected`] says what Klaviyo should then
//! hold, [`known_here`] what is known here, [`verdict`] joins them. Not in scope: making the calls, and changing
//! anything.
//!
//! What Klaviyo accepts can be read only minutes later, so what was accepted less than
//! [`accepted::READABLE_AFTER`] ago is never said to be missing.

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
    /// What is said of it, part by part.
    pub lines: Vec<TraceLine>,
}

/// What is said of one part of a record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TraceLine {
    /// Which part: the name of a metric, `Profile`, `Item`.
    pub what: String,
    /// What Klaviyo should hold; null if nothing is compared.
    pub expected: Value,
    /// What is held; null if nothing is, or it is not known.
    pub actual: Value,
    /// What that means.
    pub verdict: TraceVerdict,
    /// Why, and what to do. It holds no personal data: it is copied into tickets.
    pub detail: Option<String>,
}

/// What is to be thought of one part of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TraceVerdict {
    /// It is there, as it should be.
    There,
    /// It is under way: parked, or accepted too short a time ago to be read.
    Waits,
    /// It was refused, and needs a person.
    Refused,
    /// By the rules nothing is sent.
    Ignored,
    /// It should be there, and is not.
    Missing,
    /// It is there, and not as it should be.
    Different,
    /// It cannot be told.
    Unknown,
}

impl TraceLine {
    /// A line that compares nothing.
    fn told(what: impl Into<String>, verdict: TraceVerdict, detail: impl Into<String>) -> Self {
        let detail = Some(detail.into());
        Self { what: what.into(), expected: Value::Null, actual: Value::Null, verdict, detail }
    }
}

/// The answer of something that may not be there to be asked, or may not answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Answered<T> {
    /// There was nothing to ask for, or it is not in this deployment.
    #[default]
    Unasked,
    /// It did not answer as it should; why, if that is known.
    Unread(Option<ReadFault>),
    /// This.
    Read(T),
}
