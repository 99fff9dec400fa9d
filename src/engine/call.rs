//! A call to one of the two systems, as a value: the host makes it and returns the answer.

use serde_json::{Map, Value};

use crate::assembly::together::{JointReading, ReadingCall};
use crate::fault::Setback;
use crate::http::HttpAnswer;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::time::UnixMs;

/// A call to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostCall {
    /// A `GET` of commercetools.
    Commercetools {
        /// The path and query below `{api}/{project}`.
        path: String,
        /// The maximum bytes of the answer to read.
        most: usize,
    },
    /// A call to Klaviyo.
    Klaviyo {
        /// The HTTP method.
        method: &'static str,
        /// The path and query below Klaviyo's address.
        path: String,
        /// The body, if there is one.
        body: Option<String>,
    },
    /// Park these notifications in the outbox, which must not try them before a time. The answer is
    /// 201 after they are stored.
    HandOver {
        /// The notifications.
        changes: Vec<Map<String, Value>>,
        /// The earliest time for a try.
        not_before: UnixMs,
    },
}

/// The number under which a machine issues a call and takes its answer: unique within the life of
/// the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallTicket(u64);

impl CallTicket {
    /// The number after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// What the slice of a host gives to its machine.
#[derive(Debug, Clone)]
pub enum SliceInput {
    /// The slice begins, with this many calls.
    Begun {
        /// How many.
        calls: u32,
    },
    /// A call was answered, or had no answer.
    Answered {
        /// The call's number.
        ticket: CallTicket,
        /// The answer, or why it is missing.
        answer: Result<HttpAnswer, Setback>,
    },
    /// The slice has to end: the machine begins nothing further.
    Rest,
    /// Time has passed.
    Tick,
}

impl HostCall {
    /// The call for what several units read.
    #[must_use]
    pub fn of_reading(reading: &JointReading) -> Self {
        match reading.call() {
            ReadingCall::Commercetools { path, most } => Self::Commercetools { path, most },
            ReadingCall::Lookup(lookup) => Self::of_lookup(lookup),
            ReadingCall::Category(request) => Self::of_request(&request),
        }
    }

    pub(crate) fn of_lookup(lookup: &KlaviyoLookup) -> Self {
        Self::Klaviyo { method: "GET", path: lookup.path_and_query(), body: None }
    }

    pub(crate) fn of_request(request: &WriteRequest) -> Self {
        Self::Klaviyo { method: request.method(), path: request.path(), body: request.body() }
    }
}
