//! Refunds.

use chrono::{DateTime, Utc};

use super::order::{events, with_contents};
use super::{Next, NotYet, Step};
use crate::commercetools::payment::Transaction;
use crate::commercetools::query::Query;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::mapping::event;
use crate::realtime::documents::{Documents, Found};
use crate::realtime::plan::Ignored;

pub(super) fn next(
    config: &Config,
    documents: &Documents,
    payment: &Id,
    transaction: Option<&Id>,
    at: Option<DateTime<Utc>>,
) -> Next {
    let payment = match &documents.payment {
        Found::Unasked => {
            let order = Query::OrderOfPayment(payment.clone());
            return Ok(Step::read([Query::Payment(payment.clone()), order]));
        }
        Found::Gone => return Ok(Step::Ignore(Ignored::Gone)),
        Found::There(payment) => payment,
    };
    let refunds: Vec<_> = event::refunds(config, payment)
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
