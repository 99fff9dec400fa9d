//! The slot in which an undelivered notification is parked.
//!
//! A notification that says "this changed" is parked by resource: a thousand changes of one
//! customer are one row, and its delivery reads the current state. A notification of a fact (an
//! order was placed) is parked by message. Not in scope: the storage (`outbox::store`).

use serde_json::Value;

use super::plan::{Work, WorkPlan, plan};
use crate::commercetools::notification::{Notification, NotificationKind};
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{IdWalk, WalkOver};
use crate::config::rules::OperatorRules;
use crate::mapping::profile::MissingFields;

/// The slot of a notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkingSlot {
    /// Notifications of the same key share one row.
    pub key: String,
    /// If two share a row, the one with the higher rank stays; of equal ranks the later one.
    pub rank: u8,
    /// The commercetools customer that it is about, if it says so; for erasures.
    pub customer: Option<String>,
}

/// Rows that need the same operations of the two systems; the prefix of their keys identifies them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowGroup {
    /// Profiles.
    Customers,
    /// Profiles that a write may have brought back.
    BroughtBack,
    /// Events of orders.
    Facts,
    /// Categories.
    Categories,
    /// Walks over the products of a category.
    CategoryProducts,
    /// Walks over what changed.
    Changes,
    /// Items with their variants.
    Products,
    /// Items with their variants, at the time when a price starts or ends. Separate from the
    /// product's own row: neither waits for the other.
    PriceEdges,
    /// Variants that are documents of their own, until their product is known.
    Variants,
    /// Stock of variants.
    Stock,
    /// Items with their variants, found through a price.
    StandalonePrices,
}

impl RowGroup {
    /// All groups.
    pub const ALL: [Self; 11] = [
        Self::Facts,
        Self::Customers,
        Self::BroughtBack,
        Self::Stock,
        Self::Variants,
        Self::Products,
        Self::PriceEdges,
        Self::StandalonePrices,
        Self::Categories,
        Self::CategoryProducts,
        Self::Changes,
    ];

    /// The prefix of the group's keys.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Customers => "customer/",
            Self::BroughtBack => "brought-back/",
            Self::Facts => "message/",
            Self::Categories => "category/",
            Self::CategoryProducts => "category-products/",
            Self::Changes => "changed-since/",
            Self::Products => "product/",
            Self::PriceEdges => "price-edge/",
            Self::Variants => "variant/",
            Self::Stock => "inventory-entry/",
            Self::StandalonePrices => "standalone-price/",
        }
    }

    /// The key of a row in it.
    fn key(self, id: &str) -> String {
        format!("{}{id}", self.prefix())
    }

    /// The group of a row.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| key.starts_with(group.prefix()))
    }
}

/// The slot of a notification and its work.
#[must_use]
pub fn slot(notification: &Notification, work: &Work) -> ParkingSlot {
    match work {
        // A change clears fields that a creation leaves alone, so a creation must not replace it.
        Work::Profile { customer: id, missing, .. } => ParkingSlot {
            key: of_customer(id.as_str()),
            rank: u8::from(*missing == MissingFields::Clear),
            customer: customer(notification),
        },
        // A change that is delivered later finds no customer any more, so nothing is lost.
        Work::Erasure(id) => ParkingSlot {
            key: of_customer(id.as_str()),
            rank: ERASURE_RANK,
            customer: customer(notification),
        },
        // Separate from the customer's own row: neither replaces the other.
        Work::BroughtBack { customer: id, .. } => ParkingSlot {
            key: RowGroup::BroughtBack.key(id.as_str()),
            rank: 0,
            customer: customer(notification),
        },
        // The delivery of any of these reads the current state.
        Work::Category { category, descendants } => {
            of_resource(RowGroup::Categories, category.as_str(), u8::from(*descendants))
        }
        // Each page has its own row, so that a new walk is not mistaken for one under way.
        Work::IdWalk(IdWalk { over, after }) => {
            let after = after.as_ref().map_or("", Id::as_str);
            match over {
                WalkOver::ProductsIn(category) => {
                    of_resource(RowGroup::CategoryProducts, &format!("{category}/{after}"), 0)
                }
                WalkOver::ChangedSince { of, since } => {
                    let page = format!("{}/{}/{after}", of.type_id(), since.timestamp_millis());
                    of_resource(RowGroup::Changes, &page, 0)
                }
            }
        }
        Work::CategoryGone(category) => of_resource(RowGroup::Categories, category.as_str(), 2),
        Work::Product(product) => of_resource(RowGroup::Products, product.as_str(), 0),
        Work::PriceEdge(product) => of_resource(RowGroup::PriceEdges, product.as_str(), 0),
        Work::Variant { variant, .. } => of_resource(RowGroup::Variants, variant.as_str(), 0),
        Work::Stock { entry, gone, .. } => {
            of_resource(RowGroup::Stock, entry.as_str(), u8::from(*gone))
        }
        Work::StandalonePrice { price, .. } => {
            of_resource(RowGroup::StandalonePrices, price.as_str(), 0)
        }
        Work::OrderPlaced(_)
        | Work::OrderGivenToCustomer { .. }
        | Work::OrderEdited { .. }
        | Work::OrderState { .. }
        | Work::Refund { .. } => slot_of_fact(notification),
    }
}

/// The slot of a notification by its work; none if it asks for nothing.
#[must_use]
pub fn planned_slot(rules: &OperatorRules, notification: &Notification) -> Option<ParkingSlot> {
    match plan(rules, notification) {
        Ok(WorkPlan::Work(work)) => Some(slot(notification, &work)),
        Ok(WorkPlan::Ignore(_)) | Err(_) => None,
    }
}

/// Whether the work brings the current state of a resource, so that its slot is the resource's.
#[must_use]
pub fn by_resource(work: &Work) -> bool {
    match work {
        Work::Profile { .. }
        | Work::Erasure(_)
        | Work::BroughtBack { .. }
        | Work::Category { .. }
        | Work::IdWalk(_)
        | Work::CategoryGone(_)
        | Work::Product(_)
        | Work::PriceEdge(_)
        | Work::Variant { .. }
        | Work::Stock { .. }
        | Work::StandalonePrice { .. } => true,
        Work::OrderPlaced(_)
        | Work::OrderGivenToCustomer { .. }
        | Work::OrderEdited { .. }
        | Work::OrderState { .. }
        | Work::Refund { .. } => false,
    }
}

/// The rank of an erasure, above that of any change of the customer.
pub const ERASURE_RANK: u8 = 2;

/// The key for changes of a customer's own document.
#[must_use]
pub fn of_customer(customer: &str) -> String {
    RowGroup::Customers.key(customer)
}

fn of_resource(group: RowGroup, id: &str, rank: u8) -> ParkingSlot {
    ParkingSlot { key: group.key(id), rank, customer: None }
}

/// The slot of a notification of a fact, or of unknown work.
#[must_use]
pub fn slot_of_fact(notification: &Notification) -> ParkingSlot {
    ParkingSlot {
        key: RowGroup::Facts.key(&message_id(notification)),
        rank: 0,
        customer: customer(notification),
    }
}

/// The id of a message, which identifies a broker's repetition.
fn message_id(notification: &Notification) -> String {
    match (&notification.kind, notification.raw.get("id").and_then(Value::as_str)) {
        (NotificationKind::Message(_), Some(id)) => id.to_owned(),
        _ => Value::Object(notification.raw.clone()).to_string(),
    }
}

/// The commercetools customer that a notification is about, if it says so.
#[must_use]
pub fn customer(notification: &Notification) -> Option<String> {
    let resource = notification.resource.as_ref()?;
    if resource.type_id == "customer" {
        return Some(resource.id.to_string());
    }
    let raw = &notification.raw;
    let id = raw.get("order").and_then(|order| order.get("customerId"));
    let id = id.or_else(|| raw.get("customer").and_then(|customer| customer.get("id")));
    id.and_then(Value::as_str).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn slot_of(notification: Value) -> ParkingSlot {
        let Value::Object(raw) = notification else { panic!("an object") };
        let notification = Notification::read(raw).expect("a notification");
        let rules = OperatorRules::parse(r#"{"customer":{"deletion":"erase"}}"#).expect("rules");
        let planned = plan(&rules, &notification).expect("a plan");
        let WorkPlan::Work(work) = planned else { panic!("work") };
        slot(&notification, &work)
    }

    #[test]
    fn changes_share_a_row_and_facts_do_not() {
        let resource = json!({"typeId": "customer", "id": "c1"});
        let created = slot_of(json!({"notificationType": "ResourceCreated", "resource": resource}));
        let changed = slot_of(json!({"notificationType": "ResourceUpdated", "resource": resource}));
        assert_eq!(created.key, "customer/c1");
        assert_eq!(changed.key, created.key);
        assert!(changed.rank > created.rank);
        assert_eq!(created.customer.as_deref(), Some("c1"));

        let message = |id: &str| {
            slot_of(json!({"notificationType": "Message", "type": "OrderStateChanged", "id": id,
                "resource": {"typeId": "order", "id": "o1"}, "orderState": "Complete"}))
        };
        assert_ne!(message("m1").key, message("m2").key);
        assert_eq!(message("m1").key, message("m1").key);
    }

    /// A row without a group would never be tried.
    #[test]
    fn each_group_has_its_keys() {
        for group in RowGroup::ALL {
            assert_eq!(RowGroup::of_key(&group.key("a/b")), Some(group));
        }
        let back = slot_of(json!({"notificationType": "ResourceUpdated",
            "writtenSince": "2026-06-01T00:00:00Z",
            "resource": {"typeId": "customer", "id": "c1"}}));
        assert_eq!((back.key.as_str(), back.customer.as_deref()), ("brought-back/c1", Some("c1")));
    }

    #[test]
    fn an_erasure_outranks_what_else_there_is_of_the_customer() {
        let slot = |kind: &str| {
            slot_of(json!({"notificationType": kind, "dataErasure": true,
                "resource": {"typeId": "customer", "id": "c1"}}))
        };
        let (changed, deleted) = (slot("ResourceUpdated"), slot("ResourceDeleted"));
        assert_eq!(deleted.key, changed.key);
        assert!(deleted.rank > changed.rank);
        assert_eq!(deleted.customer.as_deref(), Some("c1"));
    }

    #[test]
    fn the_customer_of_an_order_is_known() {
        let order = json!({"id": "o1", "customerId": "c1", "orderState": "Open",
            "createdAt": "2026-01-02T03:04:05Z", "lastModifiedAt": "2026-01-02T03:04:05Z",
            "totalPrice": {"currencyCode": "EUR", "centAmount": 1, "fractionDigits": 2}});
        let slot = slot_of(json!({"type": "OrderCreated", "id": "m", "order": order,
            "resource": {"typeId": "order", "id": "o1"}}));
        assert_eq!(slot.customer.as_deref(), Some("c1"));
    }
}
