//! Records that something else than an import settled: realtime wrote them whole, so a failure of theirs is
//! healed. What the failures are is for [`super::store::failures`] to say.

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
    /// When Klaviyo had taken it: what failed later goes on being a failure.
    pub at: UnixMs,
}

impl SettledRecord {
    /// The record that a notification which was delivered settled. Whatever tells of a customer, a product or a
    /// category has it written as it is now; of an order only the message that it was placed brings all its events.
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
            // One event of several, or none of its own.
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
