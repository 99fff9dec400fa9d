//! Says once for each resource what to read, and what to write then.
//!
//! A notification leads to work *now*; a record of an import is work *as history*, and its document
//! was read with those of others. Both are units that say what comes next ([`next`]), so the engine
//! reads for many at once ([`together`]), shares what many need ([`shared`]) and writes what is
//! ready. Not in scope: calls, the time, and how requests are sent.

mod category;
pub mod delivery;
pub mod documents;
mod erasure;
mod held;
mod id_walk;
mod inventory;
pub mod known_categories;
mod order;
mod order_contents;
mod product;
mod profile;
pub mod reading;
pub mod record;
mod refund;
pub mod shared;
mod standalone_price;
pub mod stock_documents;
pub mod together;
mod variant;

use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value};

use self::documents::Documents;
use self::reading::UnitReading;
use self::record::HistoryRecord;
use crate::config::Config;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::body::Cut;
use crate::mapping::fault::MappingFault;
use crate::push::conclusion::{Conclusion, NotYet};
use crate::push::plan::{IgnoreReason, Work};

/// The work of a unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Assignment {
    /// Work that follows from a notification.
    Now(Work),
    /// A record of an import.
    History(HistoryRecord),
}

/// The next step of a unit.
#[derive(Debug, Clone, PartialEq)]
pub enum DeliveryStep {
    /// Read these, all at once, and ask again.
    Read(Vec<UnitReading>),
    /// Park these notifications, which this one leads to, confirm it, and ask again.
    Follow(Vec<Map<String, Value>>),
    /// Send these.
    Send {
        /// The stages in order; the requests of one stage do not depend on each other.
        stages: Vec<Vec<WriteRequest>>,
        /// Names of properties that were cut to keep Klaviyo's limits, for the log.
        cut: Vec<Cut>,
    },
    /// The unit is done.
    Conclude(Conclusion),
}

impl DeliveryStep {
    fn read(readings: impl IntoIterator<Item = impl Into<UnitReading>>) -> Self {
        Self::Read(readings.into_iter().map(Into::into).collect())
    }

    /// Sends requests that do not depend on each other.
    fn send(requests: Vec<WriteRequest>) -> Self {
        Self::Send { stages: vec![requests], cut: Vec::new() }
    }

    /// Nothing has to be sent after all.
    fn ignore(why: IgnoreReason) -> Self {
        Self::Conclude(Conclusion::Ignored(why))
    }

    /// The requests are not known yet.
    fn not_yet(not_yet: NotYet) -> Self {
        Self::Conclude(Conclusion::NotYet(not_yet))
    }
}

/// Says what comes next after what was read so far. `now` is the time at which prices have to be
/// valid, and by which an event is too old to start a flow (UTC).
#[must_use]
pub fn next(
    config: &Config,
    assignment: &Assignment,
    documents: &Documents,
    now: DateTime<Utc>,
) -> DeliveryStep {
    let next = match assignment {
        Assignment::Now(work) => next_now(config, work, documents, now),
        Assignment::History(record) => next_of_history(config, record, documents, now),
    };
    let (Ok(mut step) | Err(mut step)) = next;
    if let DeliveryStep::Send { stages, .. } = &mut step {
        let flows_from = now - Duration::hours(i64::from(config.rules.order.flows_up_to_hours));
        let requests = stages.iter_mut().flatten();
        let old = requests.flat_map(WriteRequest::events_mut).filter(|one| one.time < flows_from);
        old.for_each(|event| event.backfill = true);
    }
    step
}

fn next_now(config: &Config, work: &Work, documents: &Documents, now: DateTime<Utc>) -> StepResult {
    match work {
        Work::Profile { customer, missing, removed } => {
            profile::next(config, documents, customer, *missing, removed)
        }
        Work::Erasure(customer) => Ok(erasure::next(documents, customer)),
        Work::BroughtBack { customer, since } => {
            Ok(erasure::brought_back(documents, customer, *since))
        }
        Work::OrderPlaced(order) => order::placed(config, documents, order),
        Work::OrderGivenToCustomer { order, customer, first_customer } => {
            order::given_to_customer(config, documents, order, customer.as_ref(), *first_customer)
        }
        Work::OrderState { order, state, at } => {
            order::state_changed(config, documents, order, state.as_deref(), *at)
        }
        Work::OrderEdited { order, added, at } => {
            order::edited(config, documents, order, added, *at)
        }
        Work::Refund { payment, transaction, at } => {
            refund::next(config, documents, payment, transaction.as_ref(), *at)
        }
        Work::Category { category, descendants } => {
            Ok(category::next(config, documents, category, *descendants))
        }
        Work::IdWalk(walk) => Ok(id_walk::next(documents, walk)),
        Work::CategoryGone(category) => Ok(category::gone(category)),
        Work::Product(product) | Work::PriceEdge(product) => {
            product::next(config, documents, product, now)
        }
        Work::Variant { variant, product } => variant::next(documents, variant, product.as_ref()),
        Work::Stock { entry, sku, gone } => {
            Ok(inventory::next(config, documents, entry, sku.as_deref(), *gone))
        }
        Work::StandalonePrice { price, sku } => {
            standalone_price::next(config, documents, price, sku.as_deref(), now)
        }
    }
}

fn next_of_history(
    config: &Config,
    record: &HistoryRecord,
    documents: &Documents,
    now: DateTime<Utc>,
) -> StepResult {
    match record {
        HistoryRecord::Customer(customer) => profile::history(config, documents, customer),
        HistoryRecord::Order(order) => order::history(config, documents, order),
        HistoryRecord::Category(category) => Ok(category::history(config, documents, category)),
        HistoryRecord::Product(product) => product::history(config, documents, product, now),
        HistoryRecord::Held { kind, id, check } => Ok(held::next(documents, *kind, id, *check)),
    }
}

/// The next step, or, as an error, the step instead of it: a document is not read yet, is gone or
/// cannot be mapped.
type StepResult = Result<DeliveryStep, DeliveryStep>;

impl From<MappingFault> for DeliveryStep {
    /// The document contains nothing that Klaviyo would accept.
    fn from(fault: MappingFault) -> Self {
        Self::Conclude(Conclusion::Never(fault.into()))
    }
}
