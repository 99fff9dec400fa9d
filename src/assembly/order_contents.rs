//! The parts that all events of an order need: its customer, its products, its discount codes. [`super::order`] and
//! [`super::refund`] say which events there are.

use super::documents::Documents;
use super::reading::{KnownDocument, UnitReading};
use super::{DeliveryStep, StepResult};
use crate::commercetools::locale::Locale;
use crate::commercetools::order::Order;
use crate::commercetools::query::{DocumentQuery, PRODUCTS_PER_QUERY};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::config::rules::CustomerDeletion;
use crate::klaviyo::batch::pack;
use crate::klaviyo::event::Event;
use crate::klaviyo::limits::EVENTS_ALONE;
use crate::klaviyo::profile::Profile;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::body::MappedBody;
use crate::mapping::identity;
use crate::mapping::order::OrderContext;
use crate::push::plan::IgnoreReason;

/// Reads the order's customer, products and discount codes, all at once, and passes them on. An order that names nobody
/// needs no reads.
pub(super) fn with_contents(
    config: &Config,
    order: &Order,
    documents: &Documents,
    map: impl FnOnce(OrderContext) -> DeliveryStep,
) -> StepResult {
    contents(config, order, documents, [] as [DocumentQuery; 0], map)
}

/// The same, with something else to read beside it.
pub(super) fn contents(
    config: &Config,
    order: &Order,
    documents: &Documents,
    beside: impl IntoIterator<Item = impl Into<UnitReading>>,
    map: impl FnOnce(OrderContext) -> DeliveryStep,
) -> StepResult {
    let guest = match order.fields.customer_id {
        Some(_) => None,
        None => Some(
            identity::guest(&order.fields)?
                .ok_or_else(|| DeliveryStep::ignore(IgnoreReason::NoIdentity))?,
        ),
    };
    let mut queries: Vec<UnitReading> = beside.into_iter().map(Into::into).collect();
    if let Some(customer) = &order.fields.customer_id
        && documents.buyer == KnownDocument::Unasked
    {
        queries.push(DocumentQuery::Buyer(customer.clone()).into());
    }
    if documents.products.is_none() {
        let ids = order.product_ids();
        queries.extend(
            ids.chunks(PRODUCTS_PER_QUERY).map(|ids| DocumentQuery::Products(ids.to_vec()).into()),
        );
    }
    if documents.discount_codes.is_none() {
        let applied = order.fields.discount_codes.iter().filter(|used| used.is_applied());
        let ids: Vec<_> = applied.map(|used| used.discount_code.id.clone()).collect();
        queries.extend((!ids.is_empty()).then(|| DocumentQuery::DiscountCodes(ids).into()));
    }
    if !queries.is_empty() {
        return Ok(DeliveryStep::read(queries));
    }
    let buyer = match (guest, &order.fields.customer_id) {
        (Some(guest), _) => MappedBody { body: guest, cut: Vec::new() },
        (None, Some(customer)) => whose(config, documents, customer)?,
        (None, None) => return Ok(DeliveryStep::ignore(IgnoreReason::NoIdentity)),
    };
    let raw = order.raw();
    let mut step = map(OrderContext {
        order: &order.fields,
        raw: &raw,
        buyer: &buyer.body,
        locale: &Locale::of_buyer(order.fields.locale.as_deref(), &config.shop.locale),
        products: documents.products.as_deref().unwrap_or_default(),
        discount_codes: documents.discount_codes.as_deref().unwrap_or_default(),
    });
    if let DeliveryStep::Send { cut, .. } = &mut step {
        cut.extend(buyer.cut);
    }
    Ok(step)
}

/// The profile of an order's customer. For a deleted customer the event would create it again: if the shop follows
/// erasures, that is not done, since the deletion may be one.
fn whose(
    config: &Config,
    documents: &Documents,
    customer: &Id,
) -> Result<MappedBody<Profile>, DeliveryStep> {
    let erases = config.rules.customer.deletion == CustomerDeletion::Erase;
    match &documents.buyer {
        KnownDocument::There(buyer) => Ok(identity::buyer(customer, Some(buyer))),
        KnownDocument::Gone | KnownDocument::Unasked if erases => {
            Err(DeliveryStep::ignore(IgnoreReason::CustomerGone))
        }
        KnownDocument::Gone | KnownDocument::Unasked => Ok(identity::buyer(customer, None)),
    }
}

/// Few events go each on its own, since Klaviyo allows far more such calls in a minute; many go together, since a
/// Worker has six connections.
pub(super) fn events(events: Vec<MappedBody<Event>>) -> DeliveryStep {
    let (events, cut): (Vec<_>, Vec<_>) =
        events.into_iter().map(|event| (event.body, event.cut)).unzip();
    let requests = if events.len() <= EVENTS_ALONE {
        events.into_iter().map(|event| WriteRequest::CreateEvent(Box::new(event))).collect()
    } else {
        let each = events.into_iter().map(|event| ((), vec![event])).collect();
        pack(each).into_iter().map(|batch| WriteRequest::CreateEvents(batch.events)).collect()
    };
    DeliveryStep::Send { stages: vec![requests], cut: cut.concat() }
}
