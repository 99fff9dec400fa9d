//! The verdict on an answer of Klaviyo.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::fault::{FinalFault, Rejection, Setback, System, passes};
use crate::http::{HttpAnswer, NoAnswer};

/// What Klaviyo answers to a request that it accepts, according to the operation's specification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectedSuccess {
    /// A resource of this JSON:API type (200, 201 or 202).
    Resource(Cow<'static, str>),
    /// Nothing (202 or 204).
    Nothing,
}

impl ExpectedSuccess {
    /// Whether an answer is this one, and not from something in between.
    fn is_in(&self, answer: &HttpAnswer) -> bool {
        let body = answer.body.trim();
        match self {
            Self::Resource(of_type) => {
                let body: Value = serde_json::from_str(body).unwrap_or_default();
                let found = body.pointer("/data/type").and_then(Value::as_str);
                matches!(answer.status, 200..=202) && found == Some(of_type)
            }
            // A resource is more than the specification promises, but still a valid answer.
            Self::Nothing => {
                let body: Option<Value> = serde_json::from_str(body).ok();
                let resource = body.is_some_and(|body| body.get("data").is_some());
                matches!(answer.status, 202 | 204) && (answer.body.trim().is_empty() || resource)
            }
        }
    }
}

/// What an answer means for the request that was sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Klaviyo accepted it.
    Accepted,
    /// Not now; the same request can succeed later.
    Later(Setback),
    /// The object to create exists already (409).
    Conflict {
        /// The profile with the identifier, if Klaviyo names it.
        duplicate: Option<String>,
    },
    /// The object to change does not exist (404).
    Missing,
    /// There was nothing to change: Klaviyo does not hold the object, and need not.
    NotHeld,
    /// This request can never succeed.
    Refused(Refusal),
}

/// Klaviyo's own words about a request that can never succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The errors in Klaviyo's words; they may quote personal data, so they are kept but not logged.
    pub errors: Vec<ErrorDetail>,
}

/// One member of Klaviyo's `errors`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorDetail {
    /// Klaviyo's code, such as `invalid`.
    pub code: String,
    /// What is wrong.
    pub detail: String,
    /// The place in the body, as a JSON pointer.
    pub pointer: Option<String>,
}

impl Refusal {
    /// Whether one of the errors is about the field with this name.
    #[must_use]
    pub fn points_at(&self, field: &str) -> bool {
        let pointers = self.errors.iter().filter_map(|error| error.pointer.as_deref());
        pointers.into_iter().any(|pointer| pointer.rsplit('/').next() == Some(field))
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        let words: Vec<_> = refusal.errors.iter().map(|error| error.detail.as_str()).collect();
        Self {
            pointer: refusal.errors.iter().find_map(|error| error.pointer.clone()),
            ..Self::new(FinalFault::Refused(System::Klaviyo, refusal.status), words.join(" "))
        }
    }
}

/// Judges an answer, or its absence, against the answer that means acceptance.
#[must_use]
pub fn judge(success: &ExpectedSuccess, answer: &Result<HttpAnswer, NoAnswer>) -> Verdict {
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => return Verdict::Later(Setback::no_answer(System::Klaviyo, *why)),
    };
    match (answer.status, errors(&answer.body)) {
        (status, _) if passes(status) => Verdict::Later(Setback::answered(System::Klaviyo, answer)),
        (200..=299, _) if success.is_in(answer) => Verdict::Accepted,
        // The API's revision is retired: no request is to blame, and an update of this Worker fixes
        // all of them.
        (410, Some(_)) => Verdict::Later(Setback::answered(System::Klaviyo, answer)),
        (404, Some(_)) => Verdict::Missing,
        (409, Some(_)) => Verdict::Conflict { duplicate: duplicate(&answer.body) },
        (status @ 400..=499, Some(errors)) => Verdict::Refused(Refusal { status, errors }),
        _ => Verdict::Later(Setback::foreign(System::Klaviyo, answer)),
    }
}

#[derive(Deserialize)]
struct ErrorBody {
    errors: Vec<ErrorObject>,
}

#[derive(Deserialize)]
struct ErrorObject {
    #[serde(default)]
    code: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    source: ErrorSource,
    #[serde(default)]
    meta: ErrorMeta,
}

#[derive(Default, Deserialize)]
struct ErrorSource {
    pointer: Option<String>,
}

#[derive(Default, Deserialize)]
struct ErrorMeta {
    duplicate_profile_id: Option<String>,
}

fn wire_errors(body: &str) -> Option<Vec<ErrorObject>> {
    serde_json::from_str::<ErrorBody>(body).map(|body| body.errors).ok()
}

/// Klaviyo's errors; none if the body is not Klaviyo's.
pub(super) fn errors(body: &str) -> Option<Vec<ErrorDetail>> {
    let errors =
        wire_errors(body)?.into_iter().map(|ErrorObject { code, detail, source, .. }| {
            ErrorDetail { code, detail, pointer: source.pointer }
        });
    Some(errors.collect())
}

fn duplicate(body: &str) -> Option<String> {
    wire_errors(body)?.into_iter().find_map(|error| error.meta.duplicate_profile_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PROFILE: ExpectedSuccess = ExpectedSuccess::Resource(Cow::Borrowed("profile"));
    const OWN: &str = r#"{"errors":[]}"#;

    fn verdict_of(success: &ExpectedSuccess, status: u16, body: &str) -> Verdict {
        judge(success, &Ok(HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() }))
    }

    fn verdict(status: u16, body: &str) -> Verdict {
        verdict_of(&PROFILE, status, body)
    }

    #[test]
    fn what_was_taken_has_the_form_of_its_operation() {
        let profile = r#"{"data":{"type":"profile","id":"01"}}"#;
        for status in [200, 201] {
            assert_eq!(verdict(status, profile), Verdict::Accepted, "{status}");
        }
        for status in [202, 204] {
            assert_eq!(
                verdict_of(&ExpectedSuccess::Nothing, status, ""),
                Verdict::Accepted,
                "{status}"
            );
        }
        let other = r#"{"data":{"type":"list","id":"01"}}"#;
        for (success, status, body) in [
            (&PROFILE, 200, ""),
            (&PROFILE, 200, other),
            (&PROFILE, 200, "<html>"),
            (&PROFILE, 204, ""),
            (&ExpectedSuccess::Nothing, 200, ""),
            (&ExpectedSuccess::Nothing, 202, "<html>"),
            (&ExpectedSuccess::Nothing, 202, r#"{"queued":true}"#),
        ] {
            let verdict = verdict_of(success, status, body);
            assert!(matches!(verdict, Verdict::Later(_)), "{status} {body}: {verdict:?}");
        }
    }

    #[test]
    fn every_status_has_its_verdict() {
        for status in [401, 403, 408, 425, 429, 500, 502, 503, 504, 524] {
            for body in [OWN, "<html>"] {
                assert!(matches!(verdict(status, body), Verdict::Later(_)), "{status}");
            }
        }
        assert!(matches!(verdict(410, OWN), Verdict::Later(_)));
        for status in [400, 405, 413, 415, 422] {
            assert!(matches!(verdict(status, OWN), Verdict::Refused(_)), "{status}");
        }
        assert_eq!(verdict(404, OWN), Verdict::Missing);
        assert_eq!(verdict(409, OWN), Verdict::Conflict { duplicate: None });
    }

    #[test]
    fn what_is_not_klaviyos_own_answer_says_nothing() {
        for status in [301, 302, 400, 404, 409, 410, 421, 423] {
            for body in ["", "<html>", "{}"] {
                let answer = HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() };
                let foreign = Setback::foreign(System::Klaviyo, &answer);
                assert_eq!(verdict(status, body), Verdict::Later(foreign), "{status} {body}");
            }
        }
        assert!(matches!(verdict(302, OWN), Verdict::Later(_)));
    }

    #[test]
    fn no_answer_and_a_throttled_one_come_back_later() {
        let Verdict::Later(setback) = judge(&PROFILE, &Err(NoAnswer::Timeout)) else {
            panic!("later")
        };
        assert_eq!(setback.fault.code(), "klaviyo_timeout");
        let throttled = HttpAnswer {
            status: 429,
            retry_after: Some(Duration::from_secs(7)),
            ..HttpAnswer::default()
        };
        let Verdict::Later(setback) = judge(&PROFILE, &Ok(throttled)) else { panic!("later") };
        assert_eq!(setback.retry_after, Some(Duration::from_secs(7)));
        assert_eq!(setback.fault.code(), "klaviyo_429");
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
    }
}
