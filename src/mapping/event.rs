//! The events of an order: metric, owner, id, time, value.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::body::{Cut, MappedBody};
use super::order::{self, OrderContext};
use super::profile::add_names;
use super::{amounts, identity, line_item, location};
use crate::commercetools::money::Money;
use crate::commercetools::order::{LineItem, OrderFields};
use crate::commercetools::payment::{Payment, Transaction};
use crate::config::Config;
use crate::klaviyo::event::{Event, EventProperties};
use crate::klaviyo::field_patch::FieldPatch;
use crate::klaviyo::limits;
use crate::klaviyo::profile::Profile;

/// The kind of an order's event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// The order was placed.
    Placed,
    /// It entered a state that counts as fulfilled.
    Fulfilled,
    /// It entered a state that counts as cancelled.
    Cancelled,
}

/// The event of an order's state, if it has one.
#[must_use]
pub fn of_state(config: &Config, state: &str) -> Option<OrderEvent> {
    let states = &config.rules.order.states.changed;
    let among = |list: &[String]| list.iter().any(|listed| listed == state);
    if among(&states.cancelled_order) {
        return Some(OrderEvent::Cancelled);
    }
    among(&states.fulfilled_order).then_some(OrderEvent::Fulfilled)
}

/// What an event may add to the buyer's profile beside the identifiers: never more than the customer's own profile
/// would leave open, so that their order does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BuyerDetails {
    /// Nothing: in history, and for a customer who has an address.
    Leave,
    /// As in the plugin, the location of the billing address.
    Location,
    /// Also the names of the billing address: for a guest whom Klaviyo does not know.
    LocationAndNames,
}

/// When an order was placed: the shop's date for an imported order, otherwise its creation.
#[must_use]
pub fn placed_at(order: &OrderFields) -> DateTime<Utc> {
    order.completed_at.unwrap_or(order.created_at)
}

/// An event of a whole order.
#[must_use]
pub fn order_event(
    config: &Config,
    context: OrderContext,
    kind: OrderEvent,
    time: DateTime<Utc>,
    details: BuyerDetails,
) -> MappedBody<Event> {
    let fields = context.order;
    let mut profile = context.buyer.clone();
    if let Some(address) =
        fields.billing_address.as_ref().filter(|_| details != BuyerDetails::Leave)
    {
        debug_assert!(kind == OrderEvent::Placed, "no other event tells of the buyer");
        profile.location = FieldPatch::Set(location::location(address));
        if details == BuyerDetails::LocationAndNames {
            add_names(&mut profile, address);
        }
    }
    let metrics = &config.rules.order.metrics;
    let metric = match kind {
        OrderEvent::Placed => &metrics.placed_order,
        OrderEvent::Fulfilled => &metrics.fulfilled_order,
        OrderEvent::Cancelled => &metrics.cancelled_order,
    };
    let properties = order::event_properties(config, context);
    let unique_id = identity::order_event(fields);
    let value = amounts::of_order(config.rules.order.value, fields);
    event(metric, profile, unique_id, time, value, properties)
}

/// An `Ordered Product` event for each line with a product.
#[must_use]
pub fn line_events(config: &Config, context: OrderContext) -> Vec<MappedBody<Event>> {
    added_line_events(config, context, placed_at(context.order), &|_| true)
}

/// The same for the `added` lines, which were added to the order at another time.
#[must_use]
pub fn added_line_events(
    config: &Config,
    context: OrderContext,
    time: DateTime<Utc>,
    added: &dyn Fn(&LineItem) -> bool,
) -> Vec<MappedBody<Event>> {
    let fields = context.order;
    let metric = &config.rules.order.metrics.ordered_product;
    let lines = context.lines().filter(|line| added(line.item));
    let events = lines.map(|line| {
        let properties =
            line_item::event_properties(config, context.locale, fields.id.as_str(), &line);
        let unique_id = identity::line_event(line.item);
        let profile = context.buyer.clone();
        let value = amounts::of_line(config.rules.order.value, line.item);
        event(metric, profile, unique_id, time, value, properties)
    });
    events.collect()
}

/// The refunds of a payment that count: by `CONFIG.payment.states.validTransactionStates`, the successful ones.
pub fn refunds<'a>(config: &Config, payment: &'a Payment) -> impl Iterator<Item = &'a Transaction> {
    let valid = &config.rules.payment.states.valid_transaction_states;
    let refunds = payment.transactions.iter().filter(|transaction| transaction.is_refund());
    refunds.filter(|refund| valid.contains(&refund.state))
}

/// The `Refunded Order` event of one refund transaction.
#[must_use]
pub fn refund_event(
    config: &Config,
    context: OrderContext,
    payment: &Payment,
    transaction: &Transaction,
    time: DateTime<Utc>,
) -> MappedBody<Event> {
    let metric = &config.rules.order.metrics.refunded_order;
    let properties = order::event_properties(config, context);
    let unique_id = identity::refund_event(context.order, payment, transaction);
    event(metric, context.buyer.clone(), unique_id, time, &transaction.amount, properties)
}

fn event(
    metric: &str,
    profile: Profile,
    unique_id: String,
    time: DateTime<Utc>,
    value: &Money,
    mut properties: Map<String, Value>,
) -> MappedBody<Event> {
    let cut = Cut::named(limits::fit_event_properties(&mut properties));
    let body = Event {
        metric: metric.to_owned(),
        profile,
        unique_id,
        time,
        value: value.decimal(),
        value_currency: value.currency_code.clone(),
        properties: EventProperties::of(&properties),
        backfill: false,
    };
    MappedBody { body, cut }
}
