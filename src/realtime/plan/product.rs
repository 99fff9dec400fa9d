//! Notifications about a product.

use super::{Ignored, Plan, Work, enabled};
use crate::commercetools::notification::{Kind, Notification, Resource};
use crate::config::rules::{EventName, Rules};

/// Whatever happened, the product is read afresh and written as it is now: a message that comes
/// late can neither bring back what is not for sale nor take away what is.
pub(super) fn plan(rules: &Rules, notification: &Notification, resource: &Resource) -> Plan {
    let messages = &rules.product.messages;
    let deleted = messages.deleted.iter().any(|name| name == notification.type_name());
    let name = match &notification.kind {
        Kind::Deleted if deleted => EventName::ProductResourceDeleted,
        Kind::Message(message) if deleted => match message.name.as_str() {
            "ProductDeleted" => EventName::ProductResourceDeleted,
            _ => EventName::ProductUnpublished,
        },
        Kind::Message(message) if messages.published.contains(&message.name) => {
            EventName::ProductPublished
        }
        Kind::Created => EventName::ProductResourceCreated,
        Kind::Updated => EventName::ProductResourceUpdated,
        Kind::Deleted | Kind::Message(_) | Kind::Other(_) => {
            return Plan::Ignore(Ignored::UnknownType);
        }
    };
    enabled(rules, name, Work::Product(resource.id.clone()))
}
