//! Records that something other than an import settled: a notification led to a complete write of them, so their
//! failures are healed. [`super::store::failures`] says what failures are.

use serde::{Deserialize, Serialize};

use super::kind::ImportKind;
use crate::commercetools::notification::{Notification, NotificationKind};
use crate::commercetools::reference::Id;
use crate::config::rules::OperatorRules;
use crate::time::UnixMs;

/// Such a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as their names say")]
pub struct SettledRecord {
    pub kind: ImportKind,
    pub id: Id,
    /// When Klaviyo accepted it: a later failure stays.
    pub at: UnixMs,
}

impl SettledRecord {
    /// The record that a delivered notification settled. Every notification of a customer, product or category leads
    /// to a complete write of its current state; of an order, only the message that it was placed leads to all events.
    #[must_use]
    pub fn of(rules: &OperatorRules, notification: &Notification, at: UnixMs) -> Option<Self> {
        let resource = notification.resource.as_ref()?;
        let of_type = |kind: &ImportKind| kind.resource_type() == resource.type_id;
        let kind = ImportKind::ALL.into_iter().find(of_type)?;
        let is_whole = kind != ImportKind::Orders
            || matches!(&notification.kind, NotificationKind::Message(message)
                if message.name != "OrderCustomerSet"
                    && rules.order.messages.created.contains(&message.name));
        is_whole.then(|| Self { kind, id: resource.id.clone(), at })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(told: Value) -> Option<(ImportKind, String)> {
        let Value::Object(raw) = told else { return None };
        let notification = Notification::read(raw).expect("a notification");
        let rules = OperatorRules::default();
        let settled = SettledRecord::of(&rules, &notification, UnixMs::EPOCH);
        settled.map(|record| (record.kind, record.id.to_string()))
    }

    #[test]
    fn what_is_written_whole_is_settled() {
        let message = |of_type: &str, name: &str| {
            let resource = json!({"typeId": of_type, "id": "r"});
            of(json!({"notificationType": "Message", "type": name, "resource": resource}))
        };
        for (of_type, name, kind) in [
            ("customer", "CustomerEmailChanged", Some(ImportKind::Customers)),
            ("product", "ProductPublished", Some(ImportKind::Products)),
            ("category", "CategoryCreated", Some(ImportKind::Categories)),
            ("order", "OrderCreated", Some(ImportKind::Orders)),
            // One event of several, or no event of its own.
            ("order", "OrderStateChanged", None),
            ("order", "OrderCustomerSet", None),
            ("payment", "PaymentTransactionStateChanged", None),
            ("inventory-entry", "InventoryEntryQuantitySet", None),
        ] {
            assert_eq!(message(of_type, name), kind.map(|kind| (kind, "r".to_owned())), "{name}");
        }
        let change = json!({"notificationType": "ResourceUpdated", "resource": {"typeId": "order", "id": "r"}});
        assert_eq!(of(change), None, "a change of an order says nothing");
    }
}
