//! `POST /preview`: what is asked about, what would come of it, and how that is shown.
//!
//! What would be sent is not worked out here: the units of [`crate::assembly`] that deliver a
//! notification or import a record are brought as far as they get without sending ([`DryRun`]).

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::assembly::DeliveryStep;
use crate::assembly::delivery::Delivery;
use crate::assembly::reading::UnitReading;
use crate::assembly::record;
use crate::commercetools::answer::raw_page;
use crate::commercetools::notification::Notification;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::Walk;
use crate::fault::{ReadFault, Rejection};
use crate::http::HttpAnswer;
use crate::import::run::ImportKind;
use crate::json::read_bytes;
use crate::klaviyo::request::WriteRequest;
use crate::push::conclusion::Conclusion;
use crate::push::envelope::{self, PushedItem, Undecodable};

/// What is asked about.
#[derive(Debug, Clone, PartialEq)]
pub enum PreviewSubject {
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
pub fn read(body: &[u8]) -> Result<PreviewSubject, BadSubject> {
    if let Ok(members) = read_bytes::<Map<String, Value>>(body)
        && members.contains_key("kind")
    {
        return record(&members).map_err(BadSubject::Record);
    }
    let items = envelope::decode(body, None).items.into_iter();
    let notifications = items.map(|item| match item {
        PushedItem::Notification(notification) => Ok(notification),
        PushedItem::Refused { why, .. } => Err(BadSubject::NoNotification(why)),
    });
    notifications.collect::<Result<_, _>>().map(PreviewSubject::Notifications)
}

fn record(members: &Map<String, Value>) -> Result<PreviewSubject, String> {
    if let Some(unknown) = members.keys().find(|name| !["kind", "id"].contains(&name.as_str())) {
        return Err(format!("\"{unknown}\" is not known beside \"kind\"; there is only \"id\"."));
    }
    let kind = members.get("kind").and_then(Value::as_str).and_then(ImportKind::named);
    let kind = kind.ok_or("kind must be customers, orders, categories or products.")?;
    let id = members.get("id").and_then(Value::as_str).and_then(Id::new);
    let id = id.ok_or("id must be a text of 1 to 256 bytes.")?;
    Ok(PreviewSubject::Record { kind, id })
}

/// A unit that is brought as far as it gets without sending or parking anything.
pub struct DryRun {
    delivery: Delivery,
    /// What would have been written before the rest.
    before: Vec<WriteRequest>,
    follow: usize,
}

/// What comes next of it.
pub enum DryStep {
    /// Read these for its delivery, and ask again.
    Read(Vec<UnitReading>),
    /// That is all.
    End(DryEnd),
}

/// What would come of it.
#[derive(Debug, PartialEq)]
pub struct DryEnd {
    /// What would be sent, one after the other.
    pub requests: Vec<WriteRequest>,
    /// How it ends, once that is taken.
    pub conclusion: Conclusion,
    /// How many notifications it gives rise to.
    pub follow: usize,
}

impl From<Conclusion> for DryEnd {
    fn from(conclusion: Conclusion) -> Self {
        Self { requests: Vec::new(), conclusion, follow: 0 }
    }
}

/// The path and query that read a record, below `{api}/{project}`.
#[must_use]
pub fn record_query(kind: ImportKind, id: Id) -> String {
    Walk::among_ids(kind.documents(), vec![id], 1).path_and_query()
}

impl DryRun {
    /// Begins.
    #[must_use]
    pub fn new(delivery: Delivery) -> Self {
        Self { delivery, before: Vec::new(), follow: 0 }
    }

    /// Begins with the answer to [`record_query`]; none where commercetools has no such record.
    ///
    /// # Errors
    /// Where the answer is no page, or the record cannot be read.
    pub fn of_record(kind: ImportKind, answer: &HttpAnswer) -> Result<Option<Self>, ReadFault> {
        let mut found = raw_page(answer)?.into_iter();
        let Some((_, read)) = found.find_map(|text| record::read(kind.documents(), text)) else {
            return Ok(None);
        };
        let (record, documents) = read?;
        Ok(Some(Self::new(Delivery::of_record(record, documents))))
    }

    /// Its delivery, which takes the answers.
    pub fn delivery_mut(&mut self) -> &mut Delivery {
        &mut self.delivery
    }

    /// What comes next; `step` asks the delivery.
    pub fn next(&mut self, mut step: impl FnMut(&mut Delivery) -> DeliveryStep) -> DryStep {
        loop {
            let (requests, conclusion) = match step(&mut self.delivery) {
                DeliveryStep::Read(readings) => match self.without_writes(readings) {
                    readings if readings.is_empty() => continue,
                    readings => return DryStep::Read(readings),
                },
                DeliveryStep::Follow(notifications) => {
                    self.follow += notifications.len();
                    self.delivery.followed();
                    continue;
                }
                DeliveryStep::Send { stages, .. } => (stages.concat(), Conclusion::Delivered),
                DeliveryStep::Conclude(conclusion) => (Vec::new(), conclusion),
            };
            let requests = self.before.drain(..).chain(requests).collect();
            return DryStep::End(DryEnd { requests, conclusion, follow: self.follow });
        }
    }

    /// Takes what would be written as written, and leaves what is only read.
    fn without_writes(&mut self, readings: Vec<UnitReading>) -> Vec<UnitReading> {
        let mut left = Vec::new();
        for reading in readings {
            match reading {
                UnitReading::Category(write) => {
                    self.before.push(self.delivery.suppose_written(*write));
                }
                reading => left.push(reading),
            }
        }
        left
    }
}

/// The answer.
#[derive(Debug, Default, Serialize)]
pub struct Preview {
    requests: Vec<ShownRequest>,
    outcomes: Vec<PreviewEnd>,
}

/// A request, as it would be sent.
#[derive(Debug, Serialize)]
struct ShownRequest {
    method: &'static str,
    path: String,
    body: Option<Box<RawValue>>,
}

/// What would become of a notification or a record.
#[derive(Debug, Serialize)]
struct PreviewEnd {
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
    /// Adds what would come of a notification.
    pub fn add_notification(&mut self, end: DryEnd) {
        let ended = match end.conclusion {
            Conclusion::Delivered => outcome("delivered"),
            Conclusion::Ignored(why) => coded("ignored", why.code()),
            Conclusion::Later(setback) => coded("parked", setback.fault.code()),
            Conclusion::NotYet(not_yet) => coded("parked", not_yet.fault().code()),
            Conclusion::Never(fault) => faulty("dead_lettered", fault),
        };
        self.requests.extend(end.requests.iter().map(shown));
        self.outcomes.push(PreviewEnd { follow: end.follow, ..ended });
    }

    /// Adds what would come of a record.
    pub fn add_record(&mut self, end: DryEnd) {
        self.requests.extend(end.requests.iter().map(shown));
        self.outcomes.push(match end.conclusion {
            Conclusion::Delivered => outcome("sent"),
            Conclusion::Never(fault) => faulty("failed", fault),
            Conclusion::Ignored(_) | Conclusion::Later(_) | Conclusion::NotYet(_) => {
                outcome("skipped")
            }
        });
    }
}

fn shown(request: &WriteRequest) -> ShownRequest {
    let body = request.body().and_then(|body| RawValue::from_string(body).ok());
    ShownRequest { method: request.method(), path: request.path(), body }
}

fn outcome(outcome: &'static str) -> PreviewEnd {
    PreviewEnd { outcome, code: None, detail: None, pointer: None, follow: 0 }
}

fn coded(name: &'static str, code: impl Into<String>) -> PreviewEnd {
    PreviewEnd { code: Some(code.into()), ..outcome(name) }
}

fn faulty(name: &'static str, rejection: Rejection) -> PreviewEnd {
    let code = rejection.code();
    let Rejection { detail, pointer, .. } = rejection;
    PreviewEnd { detail: Some(detail), pointer, ..coded(name, code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::CatalogKind;
    use crate::klaviyo::catalog_write::CatalogWrite;
    use crate::mapping::fault::MappingFault;
    use crate::push::plan::IgnoreReason;
    use serde_json::json;

    const CHANGE: &str =
        r#"{"notificationType":"ResourceUpdated","resource":{"typeId":"customer","id":"c"}}"#;

    #[test]
    fn a_record_or_notifications_are_asked_about() {
        let id = Id::new("o1").expect("an id");
        let record = PreviewSubject::Record { kind: ImportKind::Orders, id };
        assert_eq!(read(br#"{"kind":"orders","id":"o1"}"#), Ok(record));
        for (body, count) in [(CHANGE, 1), (&format!("[{CHANGE},{CHANGE}]"), 2), ("[]", 0)] {
            let Ok(PreviewSubject::Notifications(all)) = read(body.as_bytes()) else {
                panic!("{body}")
            };
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
        preview.add_notification(DryEnd {
            requests: vec![WriteRequest::Catalog(delete)],
            conclusion: Conclusion::Delivered,
            follow: 2,
        });
        preview.add_notification(Conclusion::Ignored(IgnoreReason::Gone).into());
        let fault = || Conclusion::Never(Rejection::from(MappingFault::MalformedEmail));
        preview.add_notification(fault().into());
        preview.add_record(Conclusion::Ignored(IgnoreReason::NoIdentity).into());
        preview.add_record(fault().into());
        preview.add_record(Conclusion::Delivered.into());
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
                {
                    "outcome": "failed", "code": "malformed_email",
                    "detail": "the e-mail address is malformed; correct it in commercetools",
                    "pointer": "/data/attributes/email",
                },
                {"outcome": "sent"},
            ],
        });
        assert_eq!(shown, expected);
    }
}
