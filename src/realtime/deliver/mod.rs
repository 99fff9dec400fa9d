//! What to read next for a piece of work, and what to send when everything is read.

mod category;
mod category_products;
pub mod delivery;
mod erasure;
mod inventory;
mod order;
mod product;
mod profile;
mod refund;
mod standalone_price;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::documents::{Documents, Reading};
use super::plan::{Ignored, Work};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::fault::TransientFault;
use crate::klaviyo::request::Request;
use crate::mapping::fault::MappingFault;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Read these, all at once, and ask again.
    Read(Vec<Reading>),
    /// Park these notifications, which this one gives rise to, and ask again.
    Follow(Vec<Map<String, Value>>),
    /// Send these, and that is all.
    Send {
        /// Stage after stage; the requests of one stage do not depend on each other.
        stages: Vec<Vec<Request>>,
        /// Names of properties that were cut to keep Klaviyo's limits, for the log.
        cut: Vec<String>,
    },
    /// Nothing is to be sent after all.
    Ignore(Ignored),
    /// What is to be sent cannot be known yet.
    NotYet(NotYet),
    /// The document gives nothing that Klaviyo would take.
    Unmappable(MappingFault),
}

impl Step {
    fn read(readings: impl IntoIterator<Item = impl Into<Reading>>) -> Self {
        Self::Read(readings.into_iter().map(Into::into).collect())
    }
}

/// Something that is expected to come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// A payment is made before its order; a refund can be told of before the two are linked.
    OrderOfPayment,
}

impl NotYet {
    /// The fault that it is until then.
    #[must_use]
    pub fn fault(self) -> TransientFault {
        match self {
            Self::OrderOfPayment => TransientFault::PaymentWithoutOrder,
        }
    }
}

/// Says what to do next for `work`, with what was read so far. `now` is the time at which prices
/// are to be valid (UTC).
#[must_use]
pub fn next(config: &Config, work: &Work, documents: &Documents, now: DateTime<Utc>) -> Step {
    let step = match work {
        Work::Profile { customer, missing } => profile::next(config, documents, customer, *missing),
        Work::Erasure(customer) => Ok(erasure::next(documents, customer)),
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
        Work::ProductsOfCategory { category, after } => {
            Ok(category_products::next(documents, category, after.as_ref()))
        }
        Work::CategoryGone(category) => Ok(category::gone(category)),
        Work::Product(product) => Ok(product::next(config, documents, product, now)),
        Work::Stock { entry, sku, gone } => {
            Ok(inventory::next(config, documents, entry, sku.as_deref(), *gone))
        }
        Work::StandalonePrice { price, sku } => {
            Ok(standalone_price::next(config, documents, price, sku.as_deref(), now))
        }
    };
    step.unwrap_or_else(Step::Unmappable)
}

type Next = Result<Step, MappingFault>;

/// The notification that says that a resource was changed: whoever delivers it reads what it is now.
#[must_use]
pub fn change(type_id: &str, id: &Id) -> Map<String, Value> {
    let resource = json!({"typeId": type_id, "id": id.as_str()});
    let members = [("notificationType", "ResourceUpdated".into()), ("resource", resource)];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
