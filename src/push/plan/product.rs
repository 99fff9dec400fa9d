//! Notifications about a product.

use super::price_edge::edge_of;
use super::{IgnoreReason, Work, WorkPlan, enabled};
use crate::commercetools::notification::{Notification, NotificationKind, NotifiedResource};
use crate::config::rules::{EventName, OperatorRules};

/// Whatever happened, the delivery reads the product and writes its current state: a late message
/// can neither bring back a product that is not for sale nor remove one that is.
pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    if edge_of(notification).is_some() {
        return WorkPlan::Work(Work::PriceEdge(resource.id.clone()));
    }
    let messages = &rules.product.messages;
    let deleted = messages.deleted.iter().any(|name| name == notification.type_name());
    let name = match &notification.kind {
        NotificationKind::Deleted if deleted => EventName::ProductResourceDeleted,
        NotificationKind::Message(message) if deleted => match message.name.as_str() {
            "ProductDeleted" => EventName::ProductResourceDeleted,
            _ => EventName::ProductUnpublished,
        },
        NotificationKind::Message(message) if messages.published.contains(&message.name) => {
            EventName::ProductPublished
        }
        NotificationKind::Created => EventName::ProductResourceCreated,
        NotificationKind::Updated => EventName::ProductResourceUpdated,
        NotificationKind::Deleted | NotificationKind::Message(_) | NotificationKind::Other(_) => {
            return WorkPlan::Ignore(IgnoreReason::UnknownType);
        }
    };
    enabled(rules, name, Work::Product(resource.id.clone()))
}
