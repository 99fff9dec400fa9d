//! What to read next for a piece of work, and what to send when everything is read.

mod order;
mod profile;
mod refund;

use super::documents::Documents;
use super::plan::{Ignored, Work};
use crate::commercetools::query::Query;
use crate::config::Config;
use crate::klaviyo::request::Request;
use crate::mapping::fault::MappingFault;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Read these, all at once, and ask again.
    Read(Vec<Query>),
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

/// Something that is expected to come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// A payment is made before its order; a refund can be told of before the two are linked.
    OrderOfPayment,
}

impl NotYet {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::OrderOfPayment => "payment_without_order",
        }
    }
}

/// Says what to do next for `work`, with what was read so far.
#[must_use]
pub fn next(config: &Config, work: &Work, documents: &Documents) -> Step {
    let step = match work {
        Work::Profile { customer, missing } => profile::next(config, documents, customer, *missing),
        Work::OrderPlaced(order) => order::placed(config, documents, order),
        Work::OrderGivenToCustomer { order, customer, first_customer } => {
            order::given_to_customer(config, documents, order, customer.as_ref(), *first_customer)
        }
        Work::OrderState { order, state, at } => {
            order::state_changed(config, documents, order, state.as_deref(), *at)
        }
        Work::Refund { payment, transaction, at } => {
            refund::next(config, documents, payment, transaction.as_ref(), *at)
        }
    };
    step.unwrap_or_else(Step::Unmappable)
}

type Next = Result<Step, MappingFault>;
