//! Refunds: now of one payment, as history of all payments of an order.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::order_contents::{events, with_contents};
use super::reading::KnownDocument;
use super::{DeliveryStep, StepResult};
use crate::commercetools::payment::{Payment, Transaction};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::event::Event;
use crate::mapping::body::MappedBody;
use crate::mapping::event;
use crate::mapping::order::OrderContext;
use crate::push::conclusion::NotYet;
use crate::push::plan::IgnoreReason;

/// Now.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    payment: &Id,
    transaction: Option<&Id>,
    at: Option<DateTime<Utc>>,
) -> StepResult {
    let order = DocumentQuery::OrderOfPayment(payment.clone());
    let payment = documents.payment.or_read([DocumentQuery::Payment(payment.clone()), order])?;
    let refunds: Vec<_> = event::refunds(config, payment)
        .filter(|refund| transaction.is_none_or(|id| refund.id == *id))
        .collect();
    if refunds.is_empty() {
        return Ok(DeliveryStep::ignore(IgnoreReason::NoRefund));
    }
    let KnownDocument::There(order) = &documents.order else {
        return Ok(DeliveryStep::not_yet(NotYet::OrderOfPayment));
    };
    with_contents(config, order, documents, |context| {
        events(refunds.into_iter().map(|one| refund(config, context, payment, one, at)).collect())
    })
}

/// As history. A payment that several orders name is refunded once: with the oldest of them, as now.
pub(super) fn history(
    config: &Config,
    documents: &Documents,
    context: OrderContext,
) -> Vec<MappedBody<Event>> {
    let order = &context.order.id;
    let is_owner = |payment: &&Payment| {
        let owner = documents.payment_owners.iter().find(|(known, _)| *known == payment.id);
        owner.is_none_or(|(_, owner)| owner.as_ref().is_none_or(|owner| owner == order))
    };
    let payments = documents.payments.iter().filter(is_owner);
    let refunds = payments.flat_map(|payment| {
        event::refunds(config, payment).map(move |one| refund(config, context, payment, one, None))
    });
    refunds.collect()
}

/// Asks for the oldest orders of refunded payments, as far as they are not known.
pub(super) fn unowned(config: &Config, documents: &Documents) -> Vec<DocumentQuery> {
    let unknown = documents.payments.iter().filter(|payment| {
        event::refunds(config, payment).next().is_some()
            && documents.payment_owners.iter().all(|(known, _)| *known != payment.id)
    });
    unknown.map(|payment| DocumentQuery::OwnerOfPayment(payment.id.clone())).collect()
}

/// The event of a refund, at the best known time.
fn refund(
    config: &Config,
    context: OrderContext,
    payment: &Payment,
    refund: &Transaction,
    at: Option<DateTime<Utc>>,
) -> MappedBody<Event> {
    let time = refund.timestamp.or(at).or(payment.last_modified_at);
    let time = time.unwrap_or(context.order.last_modified_at);
    event::refund_event(config, context, payment, refund, time)
}
