//! HTTP as plain values: parts of addresses, answers, and why there is none; so that the core can
//! make and judge calls without knowing who sends them.

use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a part of an address (RFC 3986, "unreserved").
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value as a part of an address: a segment of a path, or a value of a query or form.
#[must_use]
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// An answer of either system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, if it was given in seconds.
    pub retry_after: Option<Duration>,
    /// The body as text.
    pub body: String,
}

/// Why there is no answer. Both pass by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The call took longer than it may.
    #[error("no answer in time")]
    Timeout,
    /// The connection could not be made or broke.
    #[error("the connection failed")]
    Network,
}

/// A fault that passes by itself, or when an operator has mended something outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing {
    /// A stable code for logs: `klaviyo_429`, `commercetools_timeout`.
    pub code: String,
    /// How long the other side asked to wait.
    pub retry_after: Option<Duration>,
}

impl Passing {
    /// A call to `system` that got no answer.
    #[must_use]
    pub fn no_answer(system: &str, why: NoAnswer) -> Self {
        let why = match why {
            NoAnswer::Timeout => "timeout",
            NoAnswer::Network => "network",
        };
        Self { code: format!("{system}_{why}"), retry_after: None }
    }

    /// An answer of `system` that says to come back.
    #[must_use]
    pub fn answered(system: &str, answer: &Answer) -> Self {
        Self { code: format!("{system}_{}", answer.status), retry_after: answer.retry_after }
    }
}

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadFault {
    /// Try again later.
    Passing(Passing),
    /// The query was refused, or its answer is not what it should be; the text says what, without
    /// the document.
    Permanent {
        /// A stable code.
        code: String,
        /// What happened and where.
        detail: String,
    },
}

/// Whether a status means that the same call can succeed later: a wrong key or missing scope
/// (401, 403: an operator mends it), a timeout, too early, throttled, or the server's own fault.
#[must_use]
pub fn passes(status: u16) -> bool {
    matches!(status, 401 | 403 | 408 | 425 | 429) || status >= 500
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_that_pass() {
        for status in [401, 403, 408, 425, 429, 500, 502, 503, 504, 524] {
            assert!(passes(status), "{status}");
        }
        for status in [200, 204, 301, 400, 404, 409, 410, 413, 422] {
            assert!(!passes(status), "{status}");
        }
    }
}
