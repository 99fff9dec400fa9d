//! Notifications about a customer.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Ignored, Plan, Work, enabled};
use crate::commercetools::notification::{Notification, NotificationKind, Resource, change};
use crate::commercetools::reference::Id;
use crate::config::rules::{Deletion, EventName, Rules};
use crate::mapping::profile::Missing;

/// The member of a change of a customer, of ours, that asks for the erasure of a profile that was brought
/// back: since when it may have been (RFC 3339).
pub const WRITTEN_SINCE: &str = "writtenSince";

/// The notification of a customer who is gone, and whose profile we may have written since (UTC).
#[must_use]
pub fn written_since(customer: &Id, since: DateTime<Utc>) -> Map<String, Value> {
    let mut change = change("customer", customer.as_str());
    change.insert(WRITTEN_SINCE.to_owned(), since.to_rfc3339().into());
    change
}

pub(super) fn plan(rules: &Rules, notification: &Notification, resource: &Resource) -> Plan {
    if let Some(since) = notification.field(WRITTEN_SINCE) {
        return match rules.customer.deletion {
            Deletion::Ignore => Plan::Ignore(Ignored::DeletionIgnored),
            Deletion::Erase => {
                Plan::Work(Work::BroughtBack { customer: resource.id.clone(), since })
            }
        };
    }
    let (name, missing) = match &notification.kind {
        NotificationKind::Created => (EventName::CustomerCreated, Missing::Keep),
        NotificationKind::Updated => (EventName::CustomerResourceUpdated, Missing::Clear),
        NotificationKind::Message(message) => match message.name.as_str() {
            "CustomerCreated" => (EventName::CustomerCreated, Missing::Keep),
            "CustomerDeleted" => return deleted(rules, notification, resource),
            "CustomerCompanyNameSet" => (EventName::CustomerCompanyNameSet, Missing::Clear),
            // There is no "CustomerUpdated": each of the other 32 messages tells of one field.
            _ => (EventName::CustomerResourceUpdated, Missing::Clear),
        },
        NotificationKind::Deleted => return deleted(rules, notification, resource),
        NotificationKind::Other(_) => return Plan::Ignore(Ignored::UnknownType),
    };
    enabled(rules, name, Work::Profile { customer: resource.id.clone(), missing })
}

/// Only a deletion that was to erase personal data erases anybody: it says `dataErasure`. As far as
/// is documented only the change does; a message that does means the same.
fn deleted(rules: &Rules, notification: &Notification, resource: &Resource) -> Plan {
    match rules.customer.deletion {
        Deletion::Ignore => Plan::Ignore(Ignored::DeletionIgnored),
        Deletion::Erase if notification.field("dataErasure") != Some(true) => {
            Plan::Ignore(Ignored::NoDataErasure)
        }
        Deletion::Erase => {
            enabled(rules, EventName::CustomerResourceDeleted, Work::Erasure(resource.id.clone()))
        }
    }
}
