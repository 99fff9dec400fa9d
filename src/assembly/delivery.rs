//! One delivery from its work to its conclusion: what to read, what to send, and whether something overtook the write.
//!
//! A write of current state is settled only if the same documents still give the same requests after Klaviyo carried it
//! out. Otherwise somebody changed them between our read and our write, and perhaps wrote the newer state before us:
//! the delivery writes again. So among concurrent writers, the last one corrects itself. A fact (an order was placed)
//! needs none of that.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::reading::KnownDocument;
use super::record::HistoryRecord;
use super::shared::SharedDocuments;
use super::together::AnswerPart;
use super::{Assignment, DeliveryStep, next, product};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::config::rules::CustomerDeletion;
use crate::fault::{ReadFault, TransientFault};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::{WriteContent, WriteRequest};
use crate::mapping::product::ProductContext;
use crate::push::conclusion::Conclusion;
use crate::push::parking::by_resource;
use crate::push::plan::price_edge::PriceEdge;
use crate::push::plan::{PlacedOrder, Work};
use crate::time::UnixMs;

/// How often one delivery writes at most, before it waits for another time.
const WRITES: u32 = 2;

/// A delivery under way.
#[derive(Debug, Clone)]
pub struct Delivery {
    assignment: Assignment,
    documents: Documents,
    written: WrittenSoFar,
}

/// What Klaviyo has accepted so far.
#[derive(Debug, Clone, Default)]
enum WrittenSoFar {
    /// Nothing.
    #[default]
    Nothing,
    /// State: how often, and its content the last time.
    State { content: Vec<WriteContent>, times: u32 },
    /// Everything that there is to send.
    Everything,
}

impl Delivery {
    /// Begins the delivery of this work.
    #[must_use]
    pub fn new(work: Work) -> Self {
        Self::of(Assignment::Now(work), Documents::default())
    }

    /// Begins the delivery of an import's record, with its document.
    #[must_use]
    pub fn of_record(record: HistoryRecord, documents: Documents) -> Self {
        Self::of(Assignment::History(record), documents)
    }

    fn of(assignment: Assignment, documents: Documents) -> Self {
        Self { assignment, documents, written: WrittenSoFar::Nothing }
    }

    /// What comes next. `now` is the time at which prices have to be valid (UTC).
    pub fn next(&mut self, config: &Config, now: DateTime<Utc>) -> DeliveryStep {
        let step = match &self.written {
            WrittenSoFar::Everything => return self.look_after_customer(config),
            WrittenSoFar::Nothing | WrittenSoFar::State { .. } => {
                next(config, &self.assignment, &self.documents, now)
            }
        };
        let WrittenSoFar::State { content, times } = &self.written else { return step };
        match &step {
            // The comparison uses what Klaviyo held before the write, so that the same documents give the same
            // requests.
            DeliveryStep::Send { stages, .. } if content_of(stages) == *content => {
                return DeliveryStep::Conclude(Conclusion::Delivered);
            }
            DeliveryStep::Send { .. } if *times >= WRITES => return overtaken(),
            // After a write this may be only apparent: what was written has to be deleted if it should not exist any
            // more.
            DeliveryStep::Send { .. } | DeliveryStep::Conclude(Conclusion::Ignored(_)) => {}
            _ => return step,
        }
        self.documents.learn_written(content);
        match (next(config, &self.assignment, &self.documents, now), step) {
            (DeliveryStep::Send { .. }, _) if *times >= WRITES => overtaken(),
            (again @ DeliveryStep::Send { .. }, _) | (_, again @ DeliveryStep::Send { .. }) => {
                again
            }
            _ => DeliveryStep::Conclude(Conclusion::Delivered),
        }
    }

    /// An event creates the profile of its customer: if the shop follows erasures, the delivery reads the customer once
    /// more after it.
    fn look_after_customer(&self, config: &Config) -> DeliveryStep {
        let erases = config.rules.customer.deletion == CustomerDeletion::Erase;
        let is_asked = matches!(self.assignment, Assignment::Now(_)) && erases;
        match (self.customer(), &self.documents.customer) {
            (Some(customer), KnownDocument::Unasked) if is_asked => {
                DeliveryStep::read([DocumentQuery::Customer(customer.clone())])
            }
            _ => DeliveryStep::Conclude(Conclusion::Delivered),
        }
    }

    /// The same, with documents that many deliveries share: the delivery only reads what is not known yet.
    pub fn next_with(
        &mut self,
        config: &Config,
        shared: &SharedDocuments,
        now: DateTime<Utc>,
    ) -> DeliveryStep {
        loop {
            let readings = match self.next(config, now) {
                DeliveryStep::Read(readings) => readings,
                step => return step,
            };
            let left = shared.answer(readings, &mut self.documents, UnixMs::from(now));
            if !left.is_empty() {
                return DeliveryStep::Read(left);
            }
        }
    }

    /// Adds a part of an answer, and keeps what others may need of it.
    ///
    /// # Errors
    /// There is no answer, or one that the work cannot be done with.
    pub fn take(
        &mut self,
        part: &AnswerPart<'_>,
        shared: &mut SharedDocuments,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        self.documents.add_part(part)?;
        shared.keep(&part.reading, &self.documents, UnixMs::from(now));
        Ok(())
    }

    /// Treats a category as written, and returns the request that would write it.
    pub fn suppose_written(&mut self, category: CatalogWrite) -> WriteRequest {
        self.documents.categories.hold(category.id());
        WriteRequest::Catalog(category)
    }

    /// Klaviyo refused a part of it. True if it should be tried once more, since an item may have named a category that
    /// no longer exists.
    pub fn refused(&mut self) -> bool {
        self.documents.distrust_categories()
    }

    /// The notifications that it led to are parked.
    pub fn followed(&mut self) {
        self.documents.followed = true;
    }

    /// Klaviyo accepted all of these stages. State is read once more, to see whether something overtook it.
    pub fn taken(&mut self, stages: &[Vec<WriteRequest>]) {
        if !self.is_of_state() || stages.iter().all(Vec::is_empty) {
            self.written = WrittenSoFar::Everything;
            self.documents.customer = KnownDocument::Unasked;
            return;
        }
        let times = match &self.written {
            WrittenSoFar::State { times, .. } => *times,
            WrittenSoFar::Nothing | WrittenSoFar::Everything => 0,
        };
        debug_assert!(times < WRITES, "a delivery writes at most {WRITES} times");
        self.written = WrittenSoFar::State { content: content_of(stages), times: times + 1 };
        if let Assignment::Now(work) = &self.assignment
            && let Some(closer) = self.documents.prepare_verification(work)
        {
            self.assignment = Assignment::Now(closer);
        }
    }

    /// The customer whose profile it writes: directly, or through the events of an order.
    #[must_use]
    pub fn customer(&self) -> Option<&Id> {
        let work = match &self.assignment {
            Assignment::Now(work) => work,
            Assignment::History(_) => return None,
        };
        match work {
            Work::Profile { customer, .. }
            | Work::OrderGivenToCustomer { customer: Some(customer), .. } => Some(customer),
            Work::OrderPlaced(PlacedOrder::Carried(order)) => order.fields.customer_id.as_ref(),
            Work::OrderPlaced(PlacedOrder::ById(_))
            | Work::OrderGivenToCustomer { customer: None, .. }
            | Work::OrderEdited { .. }
            | Work::OrderState { .. }
            | Work::Refund { .. } => self.buyer(),
            _ => None,
        }
    }

    /// The customer of an order's events, after it is read; none for a guest.
    #[must_use]
    pub fn buyer(&self) -> Option<&Id> {
        match &self.documents.order {
            KnownDocument::There(order) => order.fields.customer_id.as_ref(),
            KnownDocument::Gone | KnownDocument::Unasked => None,
        }
    }

    /// That customer, if gone by now: if that was an erasure, a write may have brought the profile back.
    #[must_use]
    pub fn gone_customer(&self) -> Option<&Id> {
        let is_gone = self.documents.customer == KnownDocument::Gone
            || self.documents.buyer == KnownDocument::Gone;
        self.customer().filter(|_| is_gone)
    }

    /// The product that it brings, if that is for sale, with everything that its prices depend on at a time (UTC).
    fn product_at(&self, now: DateTime<Utc>) -> Option<ProductContext<'_>> {
        let brings_product = match &self.assignment {
            Assignment::Now(work) => {
                matches!(work, Work::Product(_) | Work::PriceEdge(_) | Work::StandalonePrice { .. })
            }
            Assignment::History(record) => matches!(record, HistoryRecord::Product(_)),
        };
        let KnownDocument::There(product) = &self.documents.product else { return None };
        let is_brought = brings_product && product.master_data.published;
        is_brought.then(|| product::context(&self.documents, product, now))
    }

    /// When the prices of its product change next by themselves. `now` is the time at which the product was mapped
    /// (UTC).
    #[must_use]
    pub fn price_edge(&self, config: &Config, now: DateTime<Utc>) -> Option<PriceEdge> {
        let context = self.product_at(now)?;
        let at = context.next_edge(config)?;
        Some(PriceEdge { product: context.product.id.clone(), at })
    }

    /// Whether Klaviyo accepted a part of it.
    #[must_use]
    pub fn has_written(&self) -> bool {
        !matches!(self.written, WrittenSoFar::Nothing)
    }

    /// Whether it brings the current state of a resource, and so may be overtaken.
    pub(crate) fn is_of_state(&self) -> bool {
        let Assignment::Now(work) = &self.assignment else { return false };
        by_resource(work)
            && !matches!(
                work,
                Work::Erasure(_)
                    | Work::BroughtBack { .. }
                    | Work::IdWalk(_)
                    | Work::Variant { .. }
                    | Work::CategoryGone(_)
            )
    }
}

/// Another writer wrote meanwhile, again and again.
fn overtaken() -> DeliveryStep {
    DeliveryStep::Conclude(Conclusion::Later(TransientFault::Overtaken.into()))
}

fn content_of(stages: &[Vec<WriteRequest>]) -> Vec<WriteContent> {
    stages.iter().flatten().map(WriteRequest::content).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assembly::reading::UnitReading;
    use crate::config::test_config;
    use crate::http::HttpAnswer;
    use crate::mapping::profile::MissingFields;
    use crate::push::plan::IgnoreReason;
    use crate::push::plan::removed_fields::RemovedFields;
    use serde_json::{Value, json};

    fn answered(status: u16, body: &Value) -> HttpAnswer {
        HttpAnswer { status, body: body.to_string(), ..HttpAnswer::default() }
    }

    fn customer(name: &str) -> Value {
        json!({"id": "c", "email": "c@example.com", "firstName": name, "addresses": []})
    }

    fn profile() -> Delivery {
        let customer = Id::new("c").expect("an id");
        let (missing, removed) = (MissingFields::Keep, RemovedFields::default());
        Delivery::new(Work::Profile { customer, missing, removed })
    }

    /// Runs a delivery to its end while commercetools answers with these documents in turn; returns the names that were
    /// written, and the conclusion.
    fn delivered(names: &[&str]) -> (Vec<String>, Conclusion) {
        let config = test_config();
        let mut delivery = profile();
        let mut names = names.iter();
        let mut written = Vec::new();
        loop {
            match delivery.next(&config, DateTime::UNIX_EPOCH) {
                DeliveryStep::Read(readings) => {
                    let id = Id::new("c").expect("an id");
                    assert_eq!(
                        readings,
                        [UnitReading::from(DocumentQuery::Customer(id))],
                        "one GET by id"
                    );
                    let answer = match *names.next().expect("a reading too many") {
                        "" => answered(404, &json!({"statusCode": 404})),
                        name => answered(200, &customer(name)),
                    };
                    delivery.documents.add(&readings[0], &Ok(answer)).expect("a document");
                }
                DeliveryStep::Send { stages, .. } => {
                    let body = stages[0][0].body().expect("a body");
                    let body: Value = serde_json::from_str(&body).expect("JSON");
                    let name = &body["data"]["attributes"]["first_name"];
                    written.push(name.as_str().unwrap_or_default().to_owned());
                    delivery.taken(&stages);
                }
                DeliveryStep::Conclude(conclusion) => return (written, conclusion),
                DeliveryStep::Follow(_) => panic!("nothing follows"),
            }
        }
    }

    /// Some hundred bytes beside the documents: an import has thousands of deliveries.
    #[test]
    fn it_is_small() {
        assert!(size_of::<Delivery>() < 800, "{}", size_of::<Delivery>());
    }

    #[test]
    fn what_was_overtaken_is_written_once_more_and_then_left() {
        assert_eq!(delivered(&["A", "A"]), (vec!["A".into()], Conclusion::Delivered));
        let twice = vec!["A".to_owned(), "B".to_owned()];
        assert_eq!(delivered(&["A", "B", "B"]), (twice.clone(), Conclusion::Delivered));
        let overtaken = Conclusion::Later(TransientFault::Overtaken.into());
        assert_eq!(delivered(&["A", "B", "C"]), (twice, overtaken));
    }

    /// Klaviyo did not have the item before the write, and the written item has to be deleted.
    #[test]
    fn an_item_that_was_written_beside_its_end_goes_again() {
        let config = test_config();
        let id = Id::new("p").expect("an id");
        let mut delivery = Delivery::new(Work::Product(id));
        let mut sent = Vec::new();
        let mut published = true;
        loop {
            match delivery.next(&config, DateTime::UNIX_EPOCH) {
                DeliveryStep::Read(readings) => {
                    for reading in readings {
                        let answer = match &reading {
                            UnitReading::Commercetools(DocumentQuery::StockEntries { .. }) => {
                                answered(200, &json!({"results": []}))
                            }
                            UnitReading::Commercetools(_) => answered(
                                200,
                                &json!({"id": "p", "masterData": {"published": published,
                                    "current": {"name": {"en": "P"}, "masterVariant": {
                                        "id": 1, "sku": "s", "images": [], "prices": [{"value": {
                                            "currencyCode": "EUR", "centAmount": 1,
                                            "fractionDigits": 2}}]}}}}),
                            ),
                            UnitReading::Klaviyo(_) | UnitReading::Category(_) => {
                                answered(404, &json!({"errors": []}))
                            }
                        };
                        delivery.documents.add(&reading, &Ok(answer)).expect("a document");
                    }
                }
                DeliveryStep::Send { stages, .. } => {
                    let requests = stages.iter().flatten();
                    sent.push(requests.map(WriteRequest::method).collect::<Vec<_>>());
                    delivery.taken(&stages);
                    published = false;
                }
                DeliveryStep::Conclude(conclusion) => {
                    assert_eq!(conclusion, Conclusion::Delivered);
                    break;
                }
                DeliveryStep::Follow(_) => panic!("nothing follows"),
            }
        }
        assert_eq!(sent, [vec!["POST", "POST"], vec!["DELETE"]]);
    }

    #[test]
    fn who_is_gone_meanwhile_is_not_written_again() {
        assert_eq!(delivered(&["A", ""]), (vec!["A".into()], Conclusion::Delivered));
        let gone = Conclusion::Ignored(IgnoreReason::Gone);
        assert_eq!(delivered(&[""]), (Vec::new(), gone));
    }
}
