//! Notifications about a customer.

use super::{Ignored, Plan, Work, enabled};
use crate::commercetools::notification::{Kind, Notification, Resource};
use crate::config::rules::{EventName, Rules};
use crate::mapping::profile::Missing;

pub(super) fn plan(rules: &Rules, notification: &Notification, resource: &Resource) -> Plan {
    let (name, missing) = match &notification.kind {
        Kind::Created => (EventName::CustomerCreated, Missing::Keep),
        Kind::Updated => (EventName::CustomerResourceUpdated, Missing::Clear),
        Kind::Message(message) => match message.name.as_str() {
            "CustomerCreated" => (EventName::CustomerCreated, Missing::Keep),
            "CustomerDeleted" => return Plan::Ignore(Ignored::UnknownType),
            "CustomerCompanyNameSet" => (EventName::CustomerCompanyNameSet, Missing::Clear),
            // There is no "CustomerUpdated": each of the other 32 messages tells of one field.
            _ => (EventName::CustomerResourceUpdated, Missing::Clear),
        },
        Kind::Deleted | Kind::Other(_) => return Plan::Ignore(Ignored::UnknownType),
    };
    enabled(rules, name, Work::Profile { customer: resource.id.clone(), missing })
}
