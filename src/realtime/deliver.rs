//! What to read next for a piece of work, and what to send when everything is read.

use chrono::{DateTime, Utc};

use super::documents::{Documents, Found};
use super::plan::{Ignored, PlacedOrder, Work};
use crate::commercetools::order::Order;
use crate::commercetools::payment::Transaction;
use crate::commercetools::query::{PRODUCTS_PER_QUERY, Query};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::event::Event;
use crate::klaviyo::limits::{EVENTS_ALONE, EVENTS_PER_JOB};
use crate::klaviyo::profile::Profile;
use crate::klaviyo::request::Request;
use crate::mapping::event::{self, BuyerDetails, OrderEvent};
use crate::mapping::fault::MappingFault;
use crate::mapping::identity;
use crate::mapping::order::OrderContext;
use crate::mapping::profile::{Mapped, Missing, profile};

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Read these, all at once, and ask again.
    Read(Vec<Query>),
    /// Send these, all at once, and that is all.
    Send {
        /// The requests; they do not depend on each other.
        requests: Vec<Request>,
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
        Work::Profile { customer, missing } => match &documents.customer {
            Found::Unasked => Ok(Step::Read(vec![Query::Customer(customer.clone())])),
            Found::Gone => Ok(Step::Ignore(Ignored::Gone)),
            Found::There(customer) => profile(&config.rules.customer, customer, *missing)
                .map(|profile| send(vec![import(profile)])),
        },
        Work::OrderPlaced(PlacedOrder::Carried(order)) => placed(config, order, documents),
        Work::OrderPlaced(PlacedOrder::ById(id)) => match &documents.order {
            Found::Unasked => Ok(Step::Read(vec![Query::Order(id.clone())])),
            Found::Gone => Ok(Step::Ignore(Ignored::Gone)),
            Found::There(order) if counts_as_placed(config, order) => {
                placed(config, order, documents)
            }
            Found::There(_) => Ok(Step::Ignore(Ignored::StateWithoutEvent)),
        },
        Work::OrderGivenToCustomer { order, customer, first_customer } => {
            given_to_customer(config, documents, order, customer.as_ref(), *first_customer)
        }
        Work::Refund { payment, transaction, at } => {
            refund(config, documents, payment, transaction.as_ref(), *at)
        }
        Work::OrderState { order, state, at } => match &documents.order {
            Found::Unasked => Ok(Step::Read(vec![Query::Order(order.clone())])),
            Found::Gone => Ok(Step::Ignore(Ignored::Gone)),
            Found::There(order) => {
                let state = state.as_deref().unwrap_or(&order.fields.order_state);
                match event_of_state(config, state) {
                    None => Ok(Step::Ignore(Ignored::StateWithoutEvent)),
                    Some(kind) => with_contents(order, documents, |context| {
                        let time = at.unwrap_or(order.fields.last_modified_at);
                        let details = BuyerDetails::Leave;
                        events(vec![event::order_event(config, context, kind, time, details)])
                    }),
                }
            }
        },
    };
    step.unwrap_or_else(Step::Unmappable)
}

type Next = Result<Step, MappingFault>;

fn placed(config: &Config, order: &Order, documents: &Documents) -> Next {
    with_contents(order, documents, |context| {
        let time = event::placed_at(&context);
        let details = BuyerDetails::Add;
        let placed = event::order_event(config, context, OrderEvent::Placed, time, details);
        events([vec![placed], event::line_events(config, context)].concat())
    })
}

/// The state an order was created in is not known when the order is read later. It counts unless
/// the order is cancelled by now: a placed order that was confirmed since must not be lost.
fn counts_as_placed(config: &Config, order: &Order) -> bool {
    let states = &config.rules.order.states;
    let state = &order.fields.order_state;
    states.created.placed_order.contains(state) || !states.changed.cancelled_order.contains(state)
}

fn event_of_state(config: &Config, state: &str) -> Option<OrderEvent> {
    let states = &config.rules.order.states.changed;
    let among = |list: &[String]| list.iter().any(|listed| listed == state);
    if among(&states.cancelled_order) {
        return Some(OrderEvent::Cancelled);
    }
    among(&states.fulfilled_order).then_some(OrderEvent::Fulfilled)
}

fn given_to_customer(
    config: &Config,
    documents: &Documents,
    order: &Id,
    customer: Option<&Id>,
    first_customer: bool,
) -> Next {
    let order = match &documents.order {
        Found::Unasked => {
            let customer = customer.cloned().map(Query::Customer);
            let queries = [Some(Query::Order(order.clone())), customer];
            return Ok(Step::Read(queries.into_iter().flatten().collect()));
        }
        Found::Gone => return Ok(Step::Ignore(Ignored::Gone)),
        Found::There(order) => order,
    };
    let customer = match (&documents.customer, customer.or(order.fields.customer_id.as_ref())) {
        (Found::Unasked, Some(id)) => {
            return Ok(Step::Read(vec![Query::Customer(id.clone())]));
        }
        (Found::Unasked, None) => return Ok(Step::Ignore(Ignored::CustomerRemoved)),
        (Found::Gone, _) => return Ok(Step::Ignore(Ignored::Gone)),
        (Found::There(customer), _) => customer,
    };
    let profile = import(profile(&config.rules.customer, customer, Missing::Keep)?);
    // With an order that was somebody else's, the revenue would be counted for two people.
    let own_email = order.fields.customer_email.as_deref();
    let same_person = own_email.is_none_or(|email| email.eq_ignore_ascii_case(&customer.email));
    if !(first_customer && same_person && counts_as_placed(config, order)) {
        return Ok(send(vec![profile]));
    }
    Ok(match placed(config, order, documents)? {
        Step::Send { mut requests, mut cut } => {
            requests.insert(0, profile.0);
            cut.extend(profile.1);
            Step::Send { requests, cut }
        }
        other => other,
    })
}

fn refund(
    config: &Config,
    documents: &Documents,
    payment: &Id,
    transaction: Option<&Id>,
    at: Option<DateTime<Utc>>,
) -> Next {
    let payment = match &documents.payment {
        Found::Unasked => {
            let order = Query::OrderOfPayment(payment.clone());
            return Ok(Step::Read(vec![Query::Payment(payment.clone()), order]));
        }
        Found::Gone => return Ok(Step::Ignore(Ignored::Gone)),
        Found::There(payment) => payment,
    };
    let valid = &config.rules.payment.states.valid_transaction_states;
    let refunds: Vec<_> = payment
        .transactions
        .iter()
        .filter(|refund| refund.is_refund() && valid.contains(&refund.state))
        .filter(|refund| transaction.is_none_or(|id| refund.id == *id))
        .collect();
    if refunds.is_empty() {
        return Ok(Step::Ignore(Ignored::NoRefund));
    }
    let Found::There(order) = &documents.order else {
        return Ok(Step::NotYet(NotYet::OrderOfPayment));
    };
    with_contents(order, documents, |context| {
        let of_refund = |refund: &&Transaction| {
            let time = refund.timestamp.or(at).or(payment.last_modified_at);
            let time = time.unwrap_or(order.fields.last_modified_at);
            event::refund_event(config, context, payment, refund, time)
        };
        events(refunds.iter().map(of_refund).collect())
    })
}

/// Finds out whose order it is, reads its products and discount codes, all at once, and hands
/// them over. An order that names nobody needs no reading.
fn with_contents(
    order: &Order,
    documents: &Documents,
    map: impl FnOnce(OrderContext) -> Step,
) -> Next {
    let Some(buyer) = identity::buyer(&order.fields)? else {
        return Ok(Step::Ignore(Ignored::NoIdentity));
    };
    let mut queries = Vec::new();
    if documents.products.is_none() {
        let ids = order.product_ids();
        queries.extend(ids.chunks(PRODUCTS_PER_QUERY).map(|ids| Query::Products(ids.to_vec())));
    }
    if documents.discount_codes.is_none() {
        let codes = order.fields.discount_codes.iter();
        let ids: Vec<_> = codes.map(|used| used.discount_code.id.clone()).collect();
        queries.extend((!ids.is_empty()).then_some(Query::DiscountCodes(ids)));
    }
    if !queries.is_empty() {
        return Ok(Step::Read(queries));
    }
    Ok(map(OrderContext {
        order,
        buyer: &buyer,
        products: documents.products.as_deref().unwrap_or_default(),
        discount_codes: documents.discount_codes.as_deref().unwrap_or_default(),
    }))
}

type Sendable = (Request, Vec<String>);

fn import(profile: Mapped<Profile>) -> Sendable {
    (Request::ImportProfile(Box::new(profile.body)), profile.cut)
}

fn send(requests: Vec<Sendable>) -> Step {
    let (requests, cut): (Vec<_>, Vec<_>) = requests.into_iter().unzip();
    Step::Send { requests, cut: cut.concat() }
}

/// A few events go each on its own, since Klaviyo takes far more such calls in a minute; many go
/// together, since a Worker has six connections.
fn events(events: Vec<Mapped<Event>>) -> Step {
    let (events, cut): (Vec<_>, Vec<_>) =
        events.into_iter().map(|event| (event.body, event.cut)).unzip();
    let requests = if events.len() <= EVENTS_ALONE {
        events.into_iter().map(|event| Request::CreateEvent(Box::new(event))).collect()
    } else {
        events.chunks(EVENTS_PER_JOB).map(|events| Request::CreateEvents(events.to_vec())).collect()
    };
    Step::Send { requests, cut: cut.concat() }
}
