//! The events of orders, as history: none of them starts a flow, none changes a profile.

use serde::Deserialize;
use serde_json::Value;

use super::{MappedRecord, Memory, Need, PaidOrder};
use crate::commercetools::order::Order;
use crate::commercetools::payment::Payment;
use crate::commercetools::query::{PRODUCTS_PER_QUERY, Query};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::event::Event;
use crate::klaviyo::request::Request;
use crate::mapping::event::{self, BuyerDetails, OrderEvent};
use crate::mapping::identity;
use crate::mapping::order::OrderContext;
use crate::mapping::profile;

/// Reads an order, and takes out of it the payments that the query expanded.
pub(super) fn read(text: &str) -> Result<PaidOrder, serde_json::Error> {
    let mut order = Order::read(serde_json::from_str(text)?)?;
    let mut payments = Vec::new();
    let expanded = order.raw.get_mut("paymentInfo").and_then(|info| info.get_mut("payments"));
    for reference in expanded.and_then(Value::as_array_mut).into_iter().flatten() {
        let payment = reference.as_object_mut().and_then(|reference| reference.shift_remove("obj"));
        if let Some(payment) = payment {
            payments.push(Payment::deserialize(payment)?);
        }
    }
    Ok(PaidOrder { order, payments })
}

/// The products and discount codes that are not remembered, all in a few queries.
pub(super) fn needs(
    orders: &[(usize, PaidOrder)],
    memory: &Memory,
    step: usize,
) -> Option<Vec<Need>> {
    let orders = || orders.iter().map(|(_, paid)| &paid.order);
    let products = orders().flat_map(|order| &order.fields.line_items).map(|line| &line.product_id);
    let products = distinct(products.filter(|id| !memory.knows_product(id)));
    let codes = orders().flat_map(|order| &order.fields.discount_codes);
    let codes = codes.map(|used| &used.discount_code.id);
    let codes = distinct(codes.filter(|id| !memory.knows_code(id)));
    let chunks = |ids: Vec<Id>, query: fn(Vec<Id>) -> Query| {
        let chunks = ids.chunks(PRODUCTS_PER_QUERY).map(<[Id]>::to_vec);
        chunks.map(move |ids| Need::Query(query(ids))).collect::<Vec<_>>()
    };
    let needs = [chunks(products, Query::Products), chunks(codes, Query::DiscountCodes)].concat();
    // Whatever was asked for is remembered, found or not: so there are no needs the next time,
    // unless it was forgotten for other pages, and then it is asked for again.
    (!needs.is_empty() && step < 100).then_some(needs)
}

fn distinct<'a>(ids: impl Iterator<Item = &'a Id>) -> Vec<Id> {
    let mut ids: Vec<_> = ids.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

pub(super) fn map(config: &Config, paid: &PaidOrder, memory: &Memory) -> MappedRecord {
    let PaidOrder { order, payments } = paid;
    let buyer = match identity::buyer(&order.fields) {
        Ok(Some(buyer)) => buyer,
        Ok(None) => return MappedRecord::Skip,
        Err(fault) => return MappedRecord::Fault(fault),
    };
    let codes = order.fields.discount_codes.iter().map(|used| used.discount_code.id.clone());
    let context = OrderContext {
        order,
        buyer: &buyer,
        products: &memory.products(&order.product_ids()),
        discount_codes: &memory.codes(codes),
    };
    let events = events(config, context, payments).into_iter().map(|event| {
        let event = Event { backfill: true, ..event.body };
        Request::CreateEvent(Box::new(event))
    });
    MappedRecord::Write(vec![events.collect()])
}

/// `Placed Order` whatever the state is now, its lines, what its state says, its refunds.
fn events(
    config: &Config,
    context: OrderContext,
    payments: &[Payment],
) -> Vec<profile::Mapped<Event>> {
    let fields = &context.order.fields;
    let of_order =
        |kind, time| event::order_event(config, context, kind, time, BuyerDetails::Leave);
    let mut events = vec![of_order(OrderEvent::Placed, event::placed_at(&context))];
    events.extend(event::line_events(config, context));
    // No message tells when the state was reached.
    let reached = fields.completed_at.unwrap_or(fields.last_modified_at);
    let state = event::of_state(config, &fields.order_state);
    events.extend(state.map(|kind| of_order(kind, reached)));
    for payment in payments {
        for refund in event::refunds(config, payment) {
            let time = refund.timestamp.or(payment.last_modified_at);
            let time = time.unwrap_or(fields.last_modified_at);
            events.push(event::refund_event(config, context, payment, refund, time));
        }
    }
    events
}
