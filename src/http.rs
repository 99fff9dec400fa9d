//! HTTP as plain values: parts of addresses, answers, and why an answer is missing. With them the core makes and judges
//! calls without knowing who sends them.

use std::time::Duration;

use chrono::DateTime;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::time::UnixMs;

/// Characters that a part of an address keeps as they are (RFC 3986, "unreserved").
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Characters of ids and lists that a query, unlike a segment, keeps as well (RFC 3986, section 3.4).
const KEPT_IN_QUERIES: &AsciiSet = &UNRESERVED.remove(b'$').remove(b':').remove(b',');

/// A filter or a predicate as the value of a query. It is shorter than [`encode`] makes it, so an address can name
/// more ids.
#[must_use]
pub fn encode_filter(value: &str) -> String {
    utf8_percent_encode(value, KEPT_IN_QUERIES).to_string()
}

/// A value as a part of an address: a segment of a path, or a value of a query or form.
#[must_use]
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// The time of a `Date` header (RFC 9110, section 5.6.7); none if it cannot be parsed.
#[must_use]
pub fn date(header: &str) -> Option<UnixMs> {
    DateTime::parse_from_rfc2822(header).ok().map(|date| date.to_utc().into())
}

/// An answer of either system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// `Retry-After`, if the answer gives it in seconds.
    pub retry_after: Option<Duration>,
    /// How many calls the quota of this operation has left, if the answer says so.
    pub quota_left: Option<u64>,
    /// How long until the quota is renewed, if the answer says so.
    pub quota_back: Option<Duration>,
    /// The quotas of this operation, as the answer states them (`RateLimit-Limit`).
    pub quota_limits: Option<String>,
    /// The day (`YYYY-MM-DD`) on which Klaviyo retires the called revision of the API, if the answer says so.
    pub retires: Option<String>,
    /// When the system answered, by its own clock (`Date`, in whole seconds).
    pub date: Option<UnixMs>,
    /// The body as text.
    pub body: String,
    /// Whether the body is only the beginning of the answer, since the answer exceeds the limit ([`PAGE_BYTES`],
    /// [`DOCUMENT_BYTES`]).
    pub is_beginning: bool,
}

/// How many bytes are read of an answer that may hold several documents: the rest is asked
/// for again, with fewer documents. A page of an import aims at less than that.
pub const PAGE_BYTES: usize = 2_000_000;

/// How many bytes of an answer with one document the Worker reads. A document may have 16 MB (commercetools' limits);
/// mapping one of 5 MB takes some 30 MB of the 128 MB of an isolate.
pub const DOCUMENT_BYTES: usize = 5_000_000;

impl HttpAnswer {
    /// How long not to call this operation again if its quota is used up: at least a second, the shortest window that
    /// Klaviyo counts in.
    #[must_use]
    pub fn quota_wait(&self) -> Option<Duration> {
        let wait = match (self.status, self.quota_left) {
            (429, _) => self.retry_after,
            (_, Some(0)) => self.quota_back,
            _ => return None,
        };
        Some(wait.unwrap_or_default().max(Duration::from_secs(1)))
    }
}

/// Why an answer is missing. Both faults pass by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoAnswer {
    /// The call took longer than allowed.
    #[error("no answer in time")]
    Timeout,
    /// The connection failed or broke.
    #[error("the connection failed")]
    Network,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_dated() {
        let at = UnixMs::from_ms(1_780_272_000_000);
        assert_eq!(date("Mon, 01 Jun 2026 00:00:00 GMT"), Some(at));
        assert_eq!(date("yesterday"), None);
    }

    #[test]
    fn a_used_up_quota_is_waited_for() {
        let second = Duration::from_secs(1);
        for (status, left, retry_after, back, expected) in [
            (202, Some(74), None, Some(0), None),
            (202, None, None, None, None),
            (202, Some(0), None, Some(0), Some(1)),
            (202, Some(0), None, Some(42), Some(42)),
            (429, None, Some(7), None, Some(7)),
            (429, None, None, None, Some(1)),
            (503, None, Some(7), None, None),
        ] {
            let answer = HttpAnswer {
                status,
                retry_after: retry_after.map(|wait| second * wait),
                quota_left: left,
                quota_back: back.map(|wait| second * wait),
                ..HttpAnswer::default()
            };
            assert_eq!(answer.quota_wait(), expected.map(|wait| second * wait), "{answer:?}");
        }
    }
}
