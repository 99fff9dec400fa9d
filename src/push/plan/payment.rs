//! Notifications about a payment.

use serde::Deserialize;

use super::{IgnoreReason, Work, WorkPlan, enabled};
use crate::commercetools::notification::{Notification, NotificationKind, NotifiedResource};
use crate::commercetools::reference::Id;
use crate::config::rules::{EventName, OperatorRules};

/// The message names the transaction; the delivery reads the payment to find out whether that is a
/// refund, and its state.
pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    #[derive(Deserialize)]
    struct CarriedTransaction {
        id: Id,
        r#type: String,
    }
    let NotificationKind::Message(message) = &notification.kind else {
        return WorkPlan::Ignore(IgnoreReason::UnknownType);
    };
    let messages = &rules.payment.messages;
    let added = messages.transaction_added.contains(&message.name);
    if !added && !messages.transaction_changed.contains(&message.name) {
        return WorkPlan::Ignore(IgnoreReason::UnknownType);
    }
    let carried: Option<CarriedTransaction> = notification.field("transaction");
    if carried.as_ref().is_some_and(|transaction| transaction.r#type != "Refund") {
        return WorkPlan::Ignore(IgnoreReason::NoRefund);
    }
    let transaction =
        carried.map(|transaction| transaction.id).or_else(|| notification.field("transactionId"));
    let payment = resource.id.clone();
    let work = Work::Refund { payment, transaction, at: message.created_at };
    enabled(rules, EventName::OrderRefunded, work)
}
