//! Notifications about a customer.

use super::{IgnoreReason, Work, WorkPlan, enabled};
use crate::commercetools::notification::{Notification, NotificationKind, NotifiedResource};
use crate::config::rules::{CustomerDeletion, EventName, OperatorRules};
use crate::mapping::profile::MissingFields;

pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    let (name, missing) = match &notification.kind {
        NotificationKind::Created => (EventName::CustomerCreated, MissingFields::Keep),
        NotificationKind::Updated => (EventName::CustomerResourceUpdated, MissingFields::Clear),
        NotificationKind::Message(message) => match message.name.as_str() {
            "CustomerCreated" => (EventName::CustomerCreated, MissingFields::Keep),
            "CustomerDeleted" => return deleted(rules, notification, resource),
            "CustomerCompanyNameSet" => (EventName::CustomerCompanyNameSet, MissingFields::Clear),
            // There is no "CustomerUpdated": each of the other 32 messages tells of one field.
            _ => (EventName::CustomerResourceUpdated, MissingFields::Clear),
        },
        NotificationKind::Deleted => return deleted(rules, notification, resource),
        NotificationKind::Other(_) => return WorkPlan::Ignore(IgnoreReason::UnknownType),
    };
    enabled(rules, name, Work::Profile { customer: resource.id.clone(), missing })
}

/// Only a deletion that was to erase personal data erases anybody: it says `dataErasure`. As far as
/// is documented only the change does; a message that does means the same.
fn deleted(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    match rules.customer.deletion {
        CustomerDeletion::Ignore => WorkPlan::Ignore(IgnoreReason::DeletionIgnored),
        CustomerDeletion::Erase if notification.field("dataErasure") != Some(true) => {
            WorkPlan::Ignore(IgnoreReason::NoDataErasure)
        }
        CustomerDeletion::Erase => {
            enabled(rules, EventName::CustomerResourceDeleted, Work::Erasure(resource.id.clone()))
        }
    }
}
