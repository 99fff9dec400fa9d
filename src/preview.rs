//! `POST /preview`: what is asked about, and how the answer is shown.
//!
//! What would be sent is not worked out here: for notifications it is what [`crate::realtime`]
//! sends, for a record what [`crate::import`] writes.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::commercetools::notification::Notification;
use crate::commercetools::reference::Id;
use crate::fault::Rejection;
use crate::import::preview::PreviewEnd;
use crate::import::run::ImportKind;
use crate::klaviyo::request::Request;
use crate::realtime::conclusion::Conclusion;
use crate::realtime::envelope::{self, PushedItem, Undecodable};

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A record of commercetools, as an import would write it.
    Record {
        /// Of which kind.
        kind: ImportKind,
        /// Its id.
        id: Id,
    },
    /// Notifications, as if they had been pushed.
    Notifications(Vec<Notification>),
}

/// Why a body asks about nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSubject {
    /// It names a record, and not in the way it should.
    #[error("{0}")]
    Record(String),
    /// It holds no notification, or something else beside one.
    #[error(
        "{0}; preview takes a notification in any form in which it can be pushed, or \
         {{\"kind\":\"customers\",\"id\":\"…\"}}"
    )]
    NoNotification(Undecodable),
}

impl BadSubject {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Record(_) => "bad_request",
            Self::NoNotification(why) => why.code(),
        }
    }
}

/// Reads the body. One with the member `kind` names a record: no wire form has one.
///
/// # Errors
/// What is wrong with it.
pub fn read(body: &[u8]) -> Result<Subject, BadSubject> {
    if let Ok(members) = serde_json::from_slice::<Map<String, Value>>(body)
        && members.contains_key("kind")
    {
        return record(&members).map_err(BadSubject::Record);
    }
    let items = envelope::decode(body, None).items.into_iter();
    let notifications = items.map(|item| match item {
        PushedItem::Notification(notification) => Ok(notification),
        PushedItem::Refused { why, .. } => Err(BadSubject::NoNotification(why)),
    });
    notifications.collect::<Result<_, _>>().map(Subject::Notifications)
}

fn record(members: &Map<String, Value>) -> Result<Subject, String> {
    if let Some(unknown) = members.keys().find(|name| !["kind", "id"].contains(&name.as_str())) {
        return Err(format!("\"{unknown}\" is not known beside \"kind\"; there is only \"id\"."));
    }
    let kind = members.get("kind").and_then(Value::as_str).and_then(ImportKind::named);
    let kind = kind.ok_or("kind must be customers, orders, categories or products.")?;
    let id = members.get("id").and_then(Value::as_str).and_then(Id::new);
    let id = id.ok_or("id must be a text of 1 to 256 bytes.")?;
    Ok(Subject::Record { kind, id })
}

/// The answer.
#[derive(Debug, Default, Serialize)]
pub struct Preview {
    requests: Vec<Shown>,
    outcomes: Vec<Ended>,
}

/// A request, as it would be sent.
#[derive(Debug, Serialize)]
struct Shown {
    method: &'static str,
    path: String,
    body: Option<Box<RawValue>>,
}

/// What would become of a notification or a record.
#[derive(Debug, Serialize)]
struct Ended {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Notifications that would be parked, as this one gives rise to them.
    #[serde(skip_serializing_if = "is_zero")]
    follow: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Preview {
    /// Adds a notification that leads to requests, and to so many notifications that are parked.
    pub fn deliver(&mut self, requests: &[Request], follow: usize) {
        self.requests.extend(requests.iter().map(shown));
        self.outcomes.push(Ended { follow, ..outcome("delivered") });
    }

    /// Adds a notification that leads to none.
    pub fn conclude(&mut self, conclusion: Conclusion) {
        self.outcomes.push(match conclusion {
            Conclusion::Delivered => outcome("delivered"),
            Conclusion::Ignored(why) => coded("ignored", why.code()),
            Conclusion::Later(setback) => coded("parked", setback.fault.code()),
            Conclusion::NotYet(not_yet) => coded("parked", not_yet.fault().code()),
            Conclusion::Never(fault) => faulty("dead_lettered", fault),
        });
    }

    /// Adds a record.
    pub fn import(&mut self, end: PreviewEnd) {
        self.outcomes.push(match end {
            PreviewEnd::Write(requests) => {
                self.requests.extend(requests.iter().map(shown));
                outcome("sent")
            }
            PreviewEnd::Skip => outcome("skipped"),
            PreviewEnd::Fail(fault) => faulty("failed", fault),
        });
    }
}

fn shown(request: &Request) -> Shown {
    let body = request.body().and_then(|body| RawValue::from_string(body).ok());
    Shown { method: request.method(), path: request.path(), body }
}

fn outcome(outcome: &'static str) -> Ended {
    Ended { outcome, code: None, detail: None, pointer: None, follow: 0 }
}

fn coded(name: &'static str, code: impl Into<String>) -> Ended {
    Ended { code: Some(code.into()), ..outcome(name) }
}

fn faulty(name: &'static str, rejection: Rejection) -> Ended {
    let code = rejection.code();
    let Rejection { detail, pointer, .. } = rejection;
    Ended { detail: Some(detail), pointer, ..coded(name, code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::CatalogKind;
    use crate::klaviyo::catalog_write::CatalogWrite;
    use crate::mapping::fault::MappingFault;
    use crate::realtime::plan::Ignored;
    use serde_json::json;

    const CHANGE: &str =
        r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"customer","id":"c"}}"#;

    #[test]
    fn a_record_or_notifications_are_asked_about() {
        let id = Id::new("o1").expect("an id");
        let record = Subject::Record { kind: ImportKind::Orders, id };
        assert_eq!(read(br#"{"kind":"orders","id":"o1"}"#), Ok(record));
        for (body, count) in [(CHANGE, 1), (&format!("[{CHANGE},{CHANGE}]"), 2), ("[]", 0)] {
            let Ok(Subject::Notifications(all)) = read(body.as_bytes()) else { panic!("{body}") };
            assert_eq!(all.len(), count, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let mixed = CHANGE.replacen('{', r#"{"kind":"customers","id":"c","#, 1);
        for (body, code, said) in [
            ("", "not_json", "JSON"),
            ("{}", "not_a_notification", "no commercetools notification"),
            (r#"{"id":"c"}"#, "not_a_notification", "no commercetools notification"),
            (r#"{"message":{}}"#, "envelope_undecodable", "envelope"),
            (r#"{"Type":"SubscriptionConfirmation"}"#, "handshake_refused", "handshake"),
            (&format!("[{CHANGE},{{}}]"), "not_a_notification", "no commercetools notification"),
            (r#"{"kind":"customers"}"#, "bad_request", "id must"),
            (r#"{"kind":"customers","id":""}"#, "bad_request", "id must"),
            (r#"{"kind":"payments","id":"p"}"#, "bad_request", "kind must"),
            (r#"{"kind":3,"id":"p"}"#, "bad_request", "kind must"),
            (r#"{"kind":"orders","id":"o","ids":[]}"#, "bad_request", "\"ids\" is not known"),
            (&mixed, "bad_request", "\"notificationType\" is not known"),
        ] {
            let bad = read(body.as_bytes()).expect_err(body);
            assert_eq!(bad.code(), code, "{body}");
            assert!(bad.to_string().contains(said), "{body}: {bad}");
        }
    }

    #[test]
    fn each_outcome_is_shown() {
        let mut preview = Preview::default();
        let delete = CatalogWrite::Delete { kind: CatalogKind::Item, id: "a/b".to_owned() };
        preview.deliver(&[Request::Catalog(delete)], 2);
        preview.conclude(Conclusion::Ignored(Ignored::Gone));
        let fault = Rejection::from(MappingFault::MalformedEmail);
        preview.conclude(Conclusion::Never(fault));
        preview.import(PreviewEnd::Skip);
        let shown = serde_json::to_value(&preview).expect("JSON");
        let expected = json!({
            "requests": [
                {"method": "DELETE", "path": "/api/catalog-items/a%2Fb", "body": null},
            ],
            "outcomes": [
                {"outcome": "delivered", "follow": 2},
                {"outcome": "ignored", "code": "gone"},
                {
                    "outcome": "dead_lettered", "code": "malformed_email",
                    "detail": "the e-mail address is malformed; correct it in commercetools",
                    "pointer": "/data/attributes/email",
                },
                {"outcome": "skipped"},
            ],
        });
        assert_eq!(shown, expected);
    }
}
