//! What follows from a notification: the message table.
//!
//! A state is never taken from a message, since an older one could overwrite newer data: the delivery reads it afresh.
//! An order that was just placed is a fact, so the order in the message is used.

mod category;
pub mod customer;
pub mod id_walk;
mod inventory;
mod order;
mod payment;
pub mod price_edge;
mod product;
pub mod removed_fields;
mod standalone_price;
mod variant;

use chrono::{DateTime, Utc};

use self::removed_fields::RemovedFields;
use crate::commercetools::notification::Notification;
use crate::commercetools::order::Order;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::IdWalk;
use crate::config::rules::{EventName, OperatorRules};
use crate::mapping::profile::MissingFields;

/// The plan for a notification.
#[derive(Debug, Clone, PartialEq)]
pub enum WorkPlan {
    /// Nothing.
    Ignore(IgnoreReason),
    /// This work.
    Work(Work),
}

/// Why a notification leads to no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IgnoreReason {
    /// Notifications of this type are not used.
    UnknownType,
    /// The test that commercetools sends at the creation of a subscription.
    SubscriptionTest,
    /// Switched off in `CONFIG.disabledEvents`.
    Disabled,
    /// The document does not exist any more.
    Gone,
    /// The order's state gives no event.
    StateWithoutEvent,
    /// The order names neither an e-mail address nor a customer.
    NoIdentity,
    /// The order belongs to no customer any more.
    CustomerRemoved,
    /// The edit of the order added no line with a product.
    NoNewLine,
    /// The transaction is no refund, or not (yet) in a state that counts.
    NoRefund,
    /// The product is not for sale, and Klaviyo does not hold it.
    NotPublished,
    /// None of the product's variants exists, and it is not certain that it has none: the project is moving them, or
    /// cannot be read.
    VariantsNotThere,
    /// The stock belongs to a channel that does not count.
    OtherChannel,
    /// The price does not belong to the product, whose prices come from elsewhere.
    PriceNotUsed,
    /// Klaviyo does not hold the changed object, and need not: a variant comes with its product, and a customer without
    /// a profile has none to erase.
    NotHeld,
    /// The customer of an order was erased, or may have been.
    CustomerGone,
    /// A profile was written while its customer may have been erased, but the customer exists.
    NotGone,
    /// During the work a newer notification took its place, or it was erased.
    Superseded,
    /// A customer was deleted, and `CONFIG.customer.deletion` does not ask for erasures.
    DeletionIgnored,
    /// A customer was deleted, but not to erase personal data.
    NoDataErasure,
}

impl IgnoreReason {
    /// A stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownType => "unknown_type",
            Self::SubscriptionTest => "subscription_test",
            Self::Disabled => "disabled",
            Self::Gone => "gone",
            Self::StateWithoutEvent => "state_without_event",
            Self::NoIdentity => "no_identity",
            Self::CustomerRemoved => "customer_removed",
            Self::NoNewLine => "no_new_line",
            Self::NoRefund => "no_refund",
            Self::NotPublished => "not_published",
            Self::VariantsNotThere => "variants_not_there",
            Self::OtherChannel => "other_channel",
            Self::PriceNotUsed => "price_not_used",
            Self::NotHeld => "not_held",
            Self::CustomerGone => "customer_gone",
            Self::NotGone => "not_gone",
            Self::Superseded => "superseded",
            Self::DeletionIgnored => "deletion_ignored",
            Self::NoDataErasure => "no_data_erasure",
        }
    }
}

/// Something to bring to Klaviyo.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// The profile of a customer.
    Profile {
        /// The customer.
        customer: Id,
        /// What happens to fields that the customer does not have.
        missing: MissingFields,
        /// Custom fields that were removed from the customer.
        removed: RemovedFields,
    },
    /// The erasure of a customer, at Klaviyo and in the store.
    Erasure(Id),
    /// The erasure of a profile that our write brought back, if the customer is gone.
    BroughtBack {
        /// The customer.
        customer: Id,
        /// When the write began (UTC).
        since: DateTime<Utc>,
    },
    /// `Placed Order` and `Ordered Product`.
    OrderPlaced(PlacedOrder),
    /// The profile of the customer that an order was assigned to, and perhaps the order's events.
    OrderGivenToCustomer {
        /// The order.
        order: Id,
        /// The customer; if the message does not say, the one that the order names.
        customer: Option<Id>,
        /// Whether the order had no customer before, as far as the message says.
        first_customer: bool,
    },
    /// `Ordered Product` for the lines that were added to an order after it was placed.
    OrderEdited {
        /// The order.
        order: Id,
        /// The lines that may be new.
        added: AddedLines,
        /// When (UTC); if the message does not say, the last change of the order.
        at: Option<DateTime<Utc>>,
    },
    /// `Refunded Order`.
    Refund {
        /// The payment.
        payment: Id,
        /// The refund; if the message does not say, all refunds of the payment.
        transaction: Option<Id>,
        /// When the message was created (UTC).
        at: Option<DateTime<Utc>>,
    },
    /// `Fulfilled Order` or `Cancelled Order`.
    OrderState {
        /// The order.
        order: Id,
        /// The state that it entered; if the message does not say, its current one.
        state: Option<String>,
        /// When (UTC); if the message does not say, the last change of the order.
        at: Option<DateTime<Utc>>,
    },
    /// A category.
    Category {
        /// The category.
        category: Id,
        /// Whether the paths of its descendants may have changed.
        descendants: bool,
    },
    /// A page of resources to write once more.
    IdWalk(IdWalk),
    /// The deletion of a category.
    CategoryGone(Id),
    /// A product with its variants, or that it is not for sale.
    Product(Id),
    /// The same, at the time when one of its prices starts or ends.
    PriceEdge(Id),
    /// The product of a variant that is a document of its own.
    Variant {
        /// The variant.
        variant: Id,
        /// Its product; if the notification does not say, the one that the variant names.
        product: Option<Id>,
    },
    /// The stock of a SKU.
    Stock {
        /// The inventory entry that was changed.
        entry: Id,
        /// Its SKU; if the notification does not say, the one that the entry names.
        sku: Option<String>,
        /// Whether the entry is gone.
        gone: bool,
    },
    /// The product of a standalone price.
    StandalonePrice {
        /// The price.
        price: Id,
        /// Its SKU; if the notification does not say, the one that the price names.
        sku: Option<String>,
    },
}

/// The lines that an edit may have added to an order, as far as the message says. The order shows which of them are
/// new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddedLines {
    /// The line of this id.
    Line(Id),
    /// Lines of these products.
    Products(Vec<AddedProduct>),
    /// Any: the message's payload was left out.
    Any,
}

/// A product that an edit added: by its SKU or its id, whichever the edit names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedProduct {
    #[expect(missing_docs, reason = "as its name says")]
    pub sku: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub product_id: Option<Id>,
}

/// A placed order, as far as the message carries it.
#[derive(Debug, Clone, PartialEq)]
pub enum PlacedOrder {
    /// The whole of it.
    Carried(Box<Order>),
    /// It has to be read.
    ById(Id),
}

/// A message with unreadable content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the order in the message cannot be read: {0}")]
pub struct MalformedMessage(pub String);

/// Looks up what a notification means.
///
/// # Errors
/// The message carries an order that cannot be read.
pub fn plan(
    rules: &OperatorRules,
    notification: &Notification,
) -> Result<WorkPlan, MalformedMessage> {
    let Some(resource) = &notification.resource else {
        return Ok(WorkPlan::Ignore(IgnoreReason::UnknownType));
    };
    if let Some(walk) = id_walk::read(notification, resource) {
        return Ok(WorkPlan::Work(Work::IdWalk(walk)));
    }
    match resource.type_id.as_str() {
        "subscription" => Ok(WorkPlan::Ignore(IgnoreReason::SubscriptionTest)),
        "customer" => Ok(customer::plan(rules, notification, resource)),
        "order" => order::plan(rules, notification, resource),
        "payment" => Ok(payment::plan(rules, notification, resource)),
        "category" => Ok(category::plan(rules, notification, resource)),
        "product" => Ok(product::plan(rules, notification, resource)),
        "inventory-entry" => Ok(inventory::plan(rules, notification, resource)),
        "variant" => Ok(variant::plan(rules, notification, resource)),
        "standalone-price" => Ok(standalone_price::plan(rules, notification, resource)),
        _ => Ok(WorkPlan::Ignore(IgnoreReason::UnknownType)),
    }
}

fn enabled(rules: &OperatorRules, name: EventName, work: Work) -> WorkPlan {
    if rules.disabled(name) {
        WorkPlan::Ignore(IgnoreReason::Disabled)
    } else {
        WorkPlan::Work(work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn planned(rules: &str, notification: Value) -> Result<WorkPlan, MalformedMessage> {
        let Value::Object(raw) = notification else { panic!("an object") };
        let rules = OperatorRules::parse(rules).expect("rules");
        plan(&rules, &Notification::read(raw).expect("a notification"))
    }

    fn change(kind: &str, type_id: &str) -> Value {
        json!({"notificationType": kind, "resource": {"typeId": type_id, "id": "r1"}})
    }

    fn message(name: &str, type_id: &str, fields: Value) -> Value {
        let mut message = json!({
            "notificationType": "Message", "type": name, "createdAt": "2026-01-02T03:04:05Z",
            "resource": {"typeId": type_id, "id": "r1"},
        });
        if let (Value::Object(message), Value::Object(fields)) = (&mut message, fields) {
            message.extend(fields);
        }
        message
    }

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn document(state: &str) -> Value {
        json!({"id": "r1", "createdAt": "2026-01-02T03:04:05Z", "orderState": state,
            "lastModifiedAt": "2026-01-02T03:04:05Z",
            "totalPrice": {"currencyCode": "EUR", "centAmount": 1, "fractionDigits": 2}})
    }

    #[test]
    fn customers() {
        let profile = |missing| {
            let removed = RemovedFields::default();
            WorkPlan::Work(Work::Profile { customer: id("r1"), missing, removed })
        };
        for (notification, expected) in [
            (message("CustomerCreated", "customer", json!({})), profile(MissingFields::Keep)),
            (change("ResourceCreated", "customer"), profile(MissingFields::Keep)),
            (change("ResourceUpdated", "customer"), profile(MissingFields::Clear)),
            (
                message("CustomerCompanyNameSet", "customer", json!({})),
                profile(MissingFields::Clear),
            ),
            (message("CustomerAddressAdded", "customer", json!({})), profile(MissingFields::Clear)),
        ] {
            assert_eq!(planned("{}", notification.clone()), Ok(expected), "{notification}");
        }
    }

    #[test]
    fn orders() {
        let at = DateTime::from_timestamp(1_767_323_045, 0);
        let carried = message("OrderCreated", "order", json!({"order": document("Open")}));
        let plan = planned("{}", carried).expect("a plan");
        assert!(matches!(plan, WorkPlan::Work(Work::OrderPlaced(PlacedOrder::Carried(_)))));
        let left_out = json!({"payloadNotIncluded": {"payloadType": "OrderCreated"}});
        let given = |customer: Option<&str>, first_customer| {
            let customer = customer.map(id);
            WorkPlan::Work(Work::OrderGivenToCustomer { order: id("r1"), customer, first_customer })
        };
        let customer = json!({"typeId": "customer", "id": "c1"});
        let state = |state: Option<&str>| {
            let state = state.map(ToOwned::to_owned);
            WorkPlan::Work(Work::OrderState { order: id("r1"), state, at })
        };
        for (notification, expected) in [
            (
                message("", "order", left_out.clone()),
                WorkPlan::Work(Work::OrderPlaced(PlacedOrder::ById(id("r1")))),
            ),
            (
                message("OrderImported", "order", json!({"order": document("Cancelled")})),
                WorkPlan::Ignore(IgnoreReason::StateWithoutEvent),
            ),
            (
                message("OrderCustomerSet", "order", json!({"customer": customer})),
                given(Some("c1"), true),
            ),
            (
                message(
                    "OrderCustomerSet",
                    "order",
                    json!({"customer": customer, "oldCustomer": customer}),
                ),
                given(Some("c1"), false),
            ),
            (
                message(
                    "OrderCustomerSet",
                    "order",
                    json!({"payloadNotIncluded": {"reason": "x"}}),
                ),
                given(None, false),
            ),
            (
                message("OrderCustomerSet", "order", json!({"oldCustomer": customer})),
                WorkPlan::Ignore(IgnoreReason::CustomerRemoved),
            ),
            (
                message("OrderStateChanged", "order", json!({"orderState": "Complete"})),
                state(Some("Complete")),
            ),
            (message("OrderStateChanged", "order", json!({"payloadNotIncluded": {}})), state(None)),
            (
                message("OrderStoreSet", "order", json!({})),
                WorkPlan::Ignore(IgnoreReason::UnknownType),
            ),
            (change("ResourceUpdated", "order"), WorkPlan::Ignore(IgnoreReason::UnknownType)),
        ] {
            assert_eq!(planned("{}", notification.clone()), Ok(expected), "{notification}");
        }
    }

    #[test]
    fn payments() {
        let at = DateTime::from_timestamp(1_767_323_045, 0);
        let refund = |transaction: Option<&str>| {
            let transaction = transaction.map(id);
            WorkPlan::Work(Work::Refund { payment: id("r1"), transaction, at })
        };
        let added = |kind: &str| {
            let transaction = json!({"id": "t1", "type": kind, "state": "Success"});
            message("PaymentTransactionAdded", "payment", json!({ "transaction": transaction }))
        };
        let changed = json!({"transactionId": "t1", "state": "Success"});
        let left_out = json!({"payloadNotIncluded": {"payloadType": "PaymentTransactionAdded"}});
        for (notification, expected) in [
            (added("Refund"), refund(Some("t1"))),
            (added("Charge"), WorkPlan::Ignore(IgnoreReason::NoRefund)),
            (message("PaymentTransactionStateChanged", "payment", changed), refund(Some("t1"))),
            (message("", "payment", left_out), refund(None)),
            (
                message("PaymentCreated", "payment", json!({})),
                WorkPlan::Ignore(IgnoreReason::UnknownType),
            ),
            (change("ResourceUpdated", "payment"), WorkPlan::Ignore(IgnoreReason::UnknownType)),
        ] {
            assert_eq!(planned("{}", notification.clone()), Ok(expected), "{notification}");
        }
    }

    #[test]
    fn what_is_not_ours_or_switched_off_is_ignored() {
        for (rules, notification, why) in [
            ("{}", change("ResourceCreated", "subscription"), IgnoreReason::SubscriptionTest),
            ("{}", change("ResourceCreated", "review"), IgnoreReason::UnknownType),
            ("{}", json!({"notificationType": "Event", "type": "X"}), IgnoreReason::UnknownType),
            (
                r#"{"disabledEvents":["CustomerResourceUpdated"]}"#,
                change("ResourceUpdated", "customer"),
                IgnoreReason::Disabled,
            ),
            (
                r#"{"disabledEvents":["OrderCreated"]}"#,
                message("OrderCreated", "order", json!({})),
                IgnoreReason::Disabled,
            ),
            (
                r#"{"disabledEvents":["OrderStateChanged"]}"#,
                message("OrderStateChanged", "order", json!({})),
                IgnoreReason::Disabled,
            ),
        ] {
            assert_eq!(
                planned(rules, notification.clone()),
                Ok(WorkPlan::Ignore(why)),
                "{notification}"
            );
        }
    }

    #[test]
    fn a_carried_order_that_cannot_be_read_is_told_without_its_values() {
        let carried =
            message("OrderCreated", "order", json!({"order": {"id": "r1", "createdAt": "Jane"}}));
        let fault = planned("{}", carried).expect_err("a fault");
        assert!(!fault.to_string().contains("Jane"), "{fault}");
    }
}
