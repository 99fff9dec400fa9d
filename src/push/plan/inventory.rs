//! Notifications about an inventory entry.

use super::{IgnoreReason, Work, WorkPlan, enabled};
use crate::commercetools::inventory::InventoryEntry;
use crate::commercetools::notification::{Notification, NotificationKind, NotifiedResource};
use crate::commercetools::reference::IdReference;
use crate::config::rules::{EventName, OperatorRules};

/// The quantity in a message may be outdated, so it is not used: the delivery reads the stock by
/// the SKU.
pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    let (name, gone) = match &notification.kind {
        NotificationKind::Created => (EventName::InventoryResourceCreated, false),
        NotificationKind::Updated => (EventName::InventoryResourceUpdated, false),
        NotificationKind::Deleted => (EventName::InventoryResourceDeleted, true),
        NotificationKind::Message(message) => match message.name.as_str() {
            "InventoryEntryCreated" => (EventName::InventoryResourceCreated, false),
            "InventoryEntryQuantitySet" => (EventName::InventoryResourceUpdated, false),
            "InventoryEntryDeleted" => (EventName::InventoryResourceDeleted, true),
            _ => return WorkPlan::Ignore(IgnoreReason::UnknownType),
        },
        NotificationKind::Other(_) => return WorkPlan::Ignore(IgnoreReason::UnknownType),
    };
    let carried: Option<InventoryEntry> = notification.field("inventoryEntry");
    let channel: Option<IdReference> = notification.field("supplyChannel");
    let channel = channel.or_else(|| carried.as_ref()?.supply_channel.clone());
    // A created or deleted entry may be the first or the last of its SKU; then the stock becomes
    // tracked, or stops being tracked.
    let counted = &rules.product.inventory.use_channel_inventory;
    let is_other = channel.is_some_and(|channel| !counted.contains(channel.id.as_str()));
    if is_other && !counted.is_empty() && name == EventName::InventoryResourceUpdated {
        return WorkPlan::Ignore(IgnoreReason::OtherChannel);
    }
    let carried = carried.map(|entry| entry.sku);
    let sku = notification.field("sku").or(carried).or_else(|| notification.sku());
    enabled(rules, name, Work::Stock { entry: resource.id.clone(), sku, gone })
}
