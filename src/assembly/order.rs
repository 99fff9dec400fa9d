//! The events of an order, and what they need first: now the events of one message, as history all of them. As history
//! no event starts a flow or changes a profile.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::order_contents::{contents, events, with_contents};
use super::reading::KnownDocument;
use super::{DeliveryStep, StepResult, profile, refund};
use crate::commercetools::order::{LineItem, Order, OrderFields};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::event::Event;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::event::{self, BuyerDetails, OrderEvent};
use crate::mapping::identity;
use crate::mapping::profile::{MissingFields, profile};
use crate::push::plan::{AddedLines, IgnoreReason, PlacedOrder};

/// `Placed Order` whatever the current state, its lines, the events of its state, its refunds.
pub(super) fn history(config: &Config, documents: &Documents, order: &Id) -> StepResult {
    let order = documents.order.or_read([DocumentQuery::Order(order.clone())])?;
    let owners = refund::unowned(config, documents);
    contents(config, order, documents, owners, |context| {
        let of_order =
            |kind, time| event::order_event(config, context, kind, time, BuyerDetails::Leave);
        let mut events = vec![of_order(OrderEvent::Placed, event::placed_at(&order.fields))];
        events.extend(event::line_events(config, context));
        let state = event::of_state(config, &order.fields.order_state);
        events.extend(state.map(|kind| of_order(kind, reached(&order.fields))));
        events.extend(refund::history(config, documents, context));
        let (events, cut): (Vec<_>, Vec<_>) = events
            .into_iter()
            .map(|event| (Event { backfill: true, ..event.body }, event.cut))
            .unzip();
        // An import packs them with those of other orders.
        let requests = events.into_iter().map(|event| WriteRequest::CreateEvent(Box::new(event)));
        DeliveryStep::Send { stages: vec![requests.collect()], cut: cut.concat() }
    })
}

pub(super) fn placed(config: &Config, documents: &Documents, order: &PlacedOrder) -> StepResult {
    match order {
        PlacedOrder::Carried(order) => {
            place(config, order, documents, Some(event::placed_at(&order.fields)))
        }
        PlacedOrder::ById(id) => {
            let order = documents.order.or_read([DocumentQuery::Order(id.clone())])?;
            if !counts_as_placed(config, order) {
                return Ok(DeliveryStep::ignore(IgnoreReason::StateWithoutEvent));
            }
            place(config, order, documents, Some(reached(&order.fields)))
        }
    }
}

/// When the order entered its state, if no message says so.
fn reached(order: &OrderFields) -> DateTime<Utc> {
    order.completed_at.unwrap_or(order.last_modified_at)
}

pub(super) fn state_changed(
    config: &Config,
    documents: &Documents,
    order: &Id,
    state: Option<&str>,
    at: Option<DateTime<Utc>>,
) -> StepResult {
    let order = documents.order.or_read([DocumentQuery::Order(order.clone())])?;
    let Some(kind) = event::of_state(config, state.unwrap_or(&order.fields.order_state)) else {
        return Ok(DeliveryStep::ignore(IgnoreReason::StateWithoutEvent));
    };
    with_contents(config, order, documents, |context| {
        let time = at.unwrap_or(order.fields.last_modified_at);
        let details = BuyerDetails::Leave;
        events(vec![event::order_event(config, context, kind, time, details)])
    })
}

/// The new lines are those added after the order was placed, among the lines that the message names. A line that an
/// earlier message named gives the same event again. The addition of a line is a fact, whatever happened to the order
/// since.
pub(super) fn edited(
    config: &Config,
    documents: &Documents,
    order: &Id,
    added: &AddedLines,
    at: Option<DateTime<Utc>>,
) -> StepResult {
    let order = documents.order.or_read([DocumentQuery::Order(order.clone())])?;
    let is_new = |line: &LineItem| match line.added_at {
        Some(added_at) => added_at > order.fields.created_at && may_be(added, line),
        None => *added != AddedLines::Any && may_be(added, line),
    };
    if !order.fields.line_items.iter().any(is_new) {
        return Ok(DeliveryStep::ignore(IgnoreReason::NoNewLine));
    }
    with_contents(config, order, documents, |context| {
        let time = at.unwrap_or(order.fields.last_modified_at);
        events(event::added_line_events(config, context, time, &is_new))
    })
}

fn may_be(added: &AddedLines, line: &LineItem) -> bool {
    match added {
        AddedLines::Line(id) => line.id == *id,
        AddedLines::Products(products) => products.iter().any(|product| {
            let sku = product.sku.is_some() && product.sku == line.variant.sku;
            sku || product.product_id.as_ref() == Some(&line.product_id)
        }),
        AddedLines::Any => true,
    }
}

/// The events of a new order: that it was placed, its lines, and the events of its state, if it is known when the order
/// entered that state.
fn place(
    config: &Config,
    order: &Order,
    documents: &Documents,
    in_state_since: Option<DateTime<Utc>>,
) -> StepResult {
    // A customer's order supplies the address only if the customer has none.
    let address = order.fields.billing_address.as_ref();
    let is_named =
        address.is_some_and(|address| address.first_name.is_some() || address.last_name.is_some());
    let guest =
        order.fields.customer_id.is_none().then_some(order.fields.customer_email.as_deref());
    let guest = guest.flatten().and_then(|email| identity::email(email).ok());
    let lookup = guest.filter(|_| is_named && documents.guest_is_known.is_none());
    let lookup = lookup.map(|email| KlaviyoLookup::ProfilesOfEmail { email });
    contents(config, order, documents, lookup, |context| {
        let details = match (&order.fields.customer_id, &documents.buyer) {
            (Some(_), KnownDocument::There(buyer)) if !buyer.has_address => BuyerDetails::Location,
            (Some(_), _) => BuyerDetails::Leave,
            (None, _) if is_named && documents.guest_is_known == Some(false) => {
                BuyerDetails::LocationAndNames
            }
            (None, _) => BuyerDetails::Location,
        };
        let time = event::placed_at(&order.fields);
        let mut all = vec![event::order_event(config, context, OrderEvent::Placed, time, details)];
        all.extend(event::line_events(config, context));
        let state = event::of_state(config, &order.fields.order_state);
        if let (Some(kind), Some(time)) = (state, in_state_since) {
            let details = BuyerDetails::Leave;
            all.push(event::order_event(config, context, kind, time, details));
        }
        events(all)
    })
}

/// The state in which an order was created is not known when it is read later. The order counts unless it is cancelled
/// by now: a placed order that was confirmed since must not be lost.
fn counts_as_placed(config: &Config, order: &Order) -> bool {
    let states = &config.rules.order.states;
    let state = &order.fields.order_state;
    states.created.placed_order.contains(state) || !states.changed.cancelled_order.contains(state)
}

pub(super) fn given_to_customer(
    config: &Config,
    documents: &Documents,
    order: &Id,
    customer: Option<&Id>,
    first_customer: bool,
) -> StepResult {
    let told = customer.cloned().map(DocumentQuery::Customer);
    let order =
        documents.order.or_read([DocumentQuery::Order(order.clone())].into_iter().chain(told))?;
    let Some(customer) = customer.or(order.fields.customer_id.as_ref()) else {
        return Ok(DeliveryStep::ignore(IgnoreReason::CustomerRemoved));
    };
    let customer = documents.customer.or_read([DocumentQuery::Customer(customer.clone())])?;
    let profile = profile(config, customer, MissingFields::Keep, [])?;
    let import = profile::import(profile.body);
    // If the order belonged to somebody else, the revenue would count for two people.
    let is_theirs = order.fields.customer_id.as_ref().is_none_or(|owner| *owner == customer.id);
    let own_email = order.fields.customer_email.as_deref();
    let same_person = own_email.is_none_or(|email| email.eq_ignore_ascii_case(&customer.email));
    if !(first_customer && is_theirs && same_person && counts_as_placed(config, order)) {
        return Ok(DeliveryStep::Send { stages: vec![vec![import]], cut: profile.cut });
    }
    Ok(match place(config, order, documents, None)? {
        // The profile and the events do not depend on each other: each creates the profile.
        DeliveryStep::Send { mut stages, mut cut } => {
            match stages.first_mut() {
                Some(stage) => stage.insert(0, import),
                None => stages.push(vec![import]),
            }
            cut.extend(profile.cut);
            DeliveryStep::Send { stages, cut }
        }
        other => other,
    })
}
