//! Notifications about a customer.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::removed_fields::RemovedFields;
use super::{IgnoreReason, Work, WorkPlan, enabled};
use crate::commercetools::notification::{
    Notification, NotificationKind, NotifiedResource, change,
};
use crate::commercetools::reference::Id;
use crate::config::rules::{CustomerDeletion, EventName, OperatorRules};
use crate::json::read_bytes;
use crate::mapping::profile::MissingFields;

/// Our own member in a change of a customer. It asks for the erasure of a profile that a write brought back: since when
/// the write may have happened (RFC 3339).
pub const WRITTEN_SINCE: &str = "writtenSince";

/// The notification of a deleted customer whose profile we may have written since (UTC).
#[must_use]
pub fn written_since(customer: &Id, since: DateTime<Utc>) -> Map<String, Value> {
    let mut change = change("customer", customer.as_str());
    change.insert(WRITTEN_SINCE.to_owned(), since.to_rfc3339().into());
    change
}

/// Of two such stored notifications, the one with the earlier possible write: it covers the work of the other one.
#[must_use]
pub fn written_earlier<'a>(one: &'a [u8], other: &'a [u8]) -> &'a [u8] {
    let since = |content: &[u8]| {
        let told = Notification::read(read_bytes(content).ok()?).ok()?;
        told.field::<DateTime<Utc>>(WRITTEN_SINCE)
    };
    match (since(one), since(other)) {
        (Some(first), Some(second)) if second < first => other,
        _ => one,
    }
}

pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    if let Some(since) = notification.field(WRITTEN_SINCE) {
        return match rules.customer.deletion {
            CustomerDeletion::Ignore => WorkPlan::Ignore(IgnoreReason::DeletionIgnored),
            CustomerDeletion::Erase => {
                WorkPlan::Work(Work::BroughtBack { customer: resource.id.clone(), since })
            }
        };
    }
    let (name, missing) = match &notification.kind {
        NotificationKind::Created => (EventName::CustomerCreated, MissingFields::Keep),
        NotificationKind::Updated => (EventName::CustomerResourceUpdated, MissingFields::Clear),
        NotificationKind::Message(message) => match message.name.as_str() {
            "CustomerCreated" => (EventName::CustomerCreated, MissingFields::Keep),
            "CustomerDeleted" => return deleted(rules, notification, resource),
            "CustomerCompanyNameSet" => (EventName::CustomerCompanyNameSet, MissingFields::Clear),
            // No "CustomerUpdated" exists: each of the other 32 messages reports one field.
            _ => (EventName::CustomerResourceUpdated, MissingFields::Clear),
        },
        NotificationKind::Deleted => return deleted(rules, notification, resource),
        NotificationKind::Other(_) => return WorkPlan::Ignore(IgnoreReason::UnknownType),
    };
    let removed = RemovedFields::of(notification);
    enabled(rules, name, Work::Profile { customer: resource.id.clone(), missing, removed })
}

/// Only a deletion with `dataErasure` erases a customer. According to the documentation only the change has it; a
/// message with it means the same.
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
