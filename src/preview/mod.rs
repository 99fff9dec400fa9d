//! `POST /preview`: what a notification or a record would lead to, and how that is shown.
//!
//! [`subject`] reads the question. This module does not compute the requests: it runs the same
//! units of [`crate::assembly`] that deliver a notification or import a record, as far as they get
//! without sending ([`DryRun`]).

pub mod subject;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::assembly::DeliveryStep;
use crate::assembly::delivery::Delivery;
use crate::assembly::reading::UnitReading;
use crate::assembly::record;
use crate::commercetools::answer::raw_page;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::Walk;
use crate::fault::{ReadFault, Rejection};
use crate::http::HttpAnswer;
use crate::import::kind::ImportKind;
use crate::klaviyo::request::WriteRequest;
use crate::push::conclusion::Conclusion;

/// A unit that runs as far as it gets without sending or parking anything.
pub struct DryRun {
    delivery: Delivery,
    /// What it would have written before the rest.
    before: Vec<WriteRequest>,
    follow: usize,
}

/// Its next step.
pub enum DryStep {
    /// Read these for its delivery, and ask again.
    Read(Vec<UnitReading>),
    /// The run is done.
    End(DryEnd),
}

/// Its result.
#[derive(Debug, PartialEq)]
pub struct DryEnd {
    /// The requests that it would send, in their order.
    pub requests: Vec<WriteRequest>,
    /// How it ends after Klaviyo accepts them.
    pub conclusion: Conclusion,
    /// How many notifications it leads to.
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

    /// Begins with the answer to [`record_query`]; none if commercetools has no such record.
    ///
    /// # Errors
    /// The answer is no page, or the record cannot be read.
    pub fn of_record(kind: ImportKind, answer: &HttpAnswer) -> Result<Option<Self>, ReadFault> {
        let mut found = raw_page(answer)?.into_iter();
        let Some(found) = found.find_map(|text| record::read(kind.documents(), text)) else {
            return Ok(None);
        };
        let (record, documents) = found.read?;
        Ok(Some(Self::new(Delivery::of_record(record, documents))))
    }

    /// Its delivery, which takes the answers.
    pub fn delivery_mut(&mut self) -> &mut Delivery {
        &mut self.delivery
    }

    /// The next step; `step` asks the delivery.
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

    /// Treats writes as done, and returns the readings that only read.
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

/// A request as it would be sent.
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
    /// Notifications that would be parked, since this one leads to them.
    #[serde(skip_serializing_if = "is_zero")]
    follow: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Preview {
    /// Adds the result of a notification.
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

    /// Adds the result of a record.
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
