//! The verdict on an answer of Klaviyo.

use serde::Deserialize;

use crate::http::{Answer, NoAnswer, Passing, passes};

/// Its name in codes.
pub const SYSTEM: &str = "klaviyo";

/// What an answer means for the request that was sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Klaviyo took it.
    Accepted,
    /// Not now; the same request can succeed later.
    Later(Passing),
    /// What was to be created is there already (409).
    Conflict {
        /// The profile that has the identifier, where Klaviyo says so.
        duplicate: Option<String>,
    },
    /// What was to be changed is not there (404).
    Missing,
    /// There was nothing to change: Klaviyo does not hold what the request is about, and need not.
    NotHeld,
    /// This request can never succeed.
    Refused(Refusal),
}

/// Klaviyo's own words on a request that can never succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What is wrong, as Klaviyo says it; may quote personal data, so it is kept but not logged.
    pub errors: Vec<ErrorDetail>,
}

/// One member of Klaviyo's `errors`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorDetail {
    /// Klaviyo's code, such as `invalid`.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// Where in the body, as a JSON pointer.
    pub pointer: Option<String>,
}

impl Refusal {
    /// Whether one of the errors is about the field of this name.
    #[must_use]
    pub fn points_at(&self, field: &str) -> bool {
        let pointers = self.errors.iter().filter_map(|error| error.pointer.as_deref());
        pointers.into_iter().any(|pointer| pointer.rsplit('/').next() == Some(field))
    }
}

/// Judges an answer, or that there was none.
#[must_use]
pub fn judge(answer: &Result<Answer, NoAnswer>) -> Verdict {
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return Verdict::Later(Passing::no_answer(SYSTEM, *why)),
    };
    match answer.status {
        200..=299 => Verdict::Accepted,
        404 => Verdict::Missing,
        409 => Verdict::Conflict { duplicate: duplicate(&answer.body) },
        status if passes(status) => Verdict::Later(Passing::answered(SYSTEM, answer)),
        status => Verdict::Refused(Refusal { status, errors: errors(&answer.body) }),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    errors: Vec<WireError>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    source: Source,
    #[serde(default)]
    meta: Meta,
}

#[derive(Default, Deserialize)]
struct Source {
    pointer: Option<String>,
}

#[derive(Default, Deserialize)]
struct Meta {
    duplicate_profile_id: Option<String>,
}

fn wire_errors(body: &str) -> Vec<WireError> {
    serde_json::from_str::<ErrorBody>(body).map(|body| body.errors).unwrap_or_default()
}

pub(super) fn errors(body: &str) -> Vec<ErrorDetail> {
    wire_errors(body)
        .into_iter()
        .map(|WireError { code, detail, source, .. }| ErrorDetail {
            code,
            detail,
            pointer: source.pointer,
        })
        .collect()
}

fn duplicate(body: &str) -> Option<String> {
    wire_errors(body).into_iter().find_map(|error| error.meta.duplicate_profile_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn verdict(status: u16, body: &str) -> Verdict {
        judge(&Ok(Answer { status, body: body.to_owned(), ..Answer::default() }))
    }

    #[test]
    fn every_status_has_its_verdict() {
        for status in [200, 201, 202, 204] {
            assert_eq!(verdict(status, ""), Verdict::Accepted, "{status}");
        }
        for status in [401, 403, 408, 425, 429, 500, 502, 503, 504, 524] {
            assert!(matches!(verdict(status, ""), Verdict::Later(_)), "{status}");
        }
        for status in [302, 400, 405, 410, 413, 415, 422] {
            assert!(matches!(verdict(status, ""), Verdict::Refused(_)), "{status}");
        }
        assert_eq!(verdict(404, ""), Verdict::Missing);
    }

    #[test]
    fn no_answer_and_a_throttled_one_come_back_later() {
        let Verdict::Later(passing) = judge(&Err(NoAnswer::Timeout)) else { panic!("later") };
        assert_eq!(passing.code, "klaviyo_timeout");
        let throttled =
            Answer { status: 429, retry_after: Some(Duration::from_secs(7)), ..Answer::default() };
        let Verdict::Later(passing) = judge(&Ok(throttled)) else { panic!("later") };
        assert_eq!(passing.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(passing.code, "klaviyo_429");
    }

    #[test]
    fn klaviyos_words_are_read() {
        let body = r#"{"errors":[{"code":"invalid","detail":"Bad phone.",
            "source":{"pointer":"/data/attributes/phone_number"},"meta":{}}]}"#;
        let Verdict::Refused(refusal) = verdict(400, body) else { panic!("refused") };
        assert!(refusal.points_at("phone_number"));
        assert!(!refusal.points_at("email"));
        assert_eq!(refusal.errors[0].detail, "Bad phone.");
        let body = r#"{"errors":[{"meta":{"duplicate_profile_id":"01K"}}]}"#;
        assert_eq!(verdict(409, body), Verdict::Conflict { duplicate: Some("01K".to_owned()) });
        assert_eq!(verdict(409, "<html>"), Verdict::Conflict { duplicate: None });
    }
}
