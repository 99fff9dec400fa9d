//! Where a notification that cannot be delivered now is parked, and when it is tried again.
//!
//! A notification that says "this changed" is parked by resource: a thousand changes of one
//! customer are one row, and whoever delivers it reads the current state. One that tells of a
//! fact (an order was placed) is parked by message. Not in scope: the storage (`edge::outbox`).

use std::time::Duration;

use serde_json::Value;

use super::plan::Work;
use crate::commercetools::notification::{Notification, NotificationKind};
use crate::fault::{Setback, System, TransientFault};
use crate::mapping::profile::Missing;

/// Where a notification is parked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkingSlot {
    /// Notifications of the same key share one row.
    pub key: String,
    /// Of two that share a row the one of the higher rank stays, of equal ones the later.
    pub rank: u8,
    /// The commercetools customer whom it is about, if it says so; for erasing.
    pub customer: Option<String>,
}

/// The slot of a notification, and of the work that follows from it.
#[must_use]
pub fn slot(notification: &Notification, work: &Work) -> ParkingSlot {
    match work {
        // A change clears fields that a creation leaves alone, so it must not be replaced by one.
        Work::Profile { customer: id, missing } => ParkingSlot {
            key: of_customer(id.as_str()),
            rank: u8::from(*missing == Missing::Clear),
            customer: customer(notification),
        },
        // A change that is told of later finds nobody any more, so nothing is lost.
        Work::Erasure(id) => ParkingSlot {
            key: of_customer(id.as_str()),
            rank: ERASURE_RANK,
            customer: customer(notification),
        },
        // Whoever delivers one of these reads the current state.
        Work::Category { category, descendants } => {
            of_resource("category", category.as_str(), u8::from(*descendants))
        }
        // One row for each page, so that a walk that begins again is not taken for one under way.
        Work::ProductsOfCategory { category, after } => {
            let after = after.as_ref().map_or("", |id| id.as_str());
            of_resource("category-products", &format!("{category}/{after}"), 0)
        }
        Work::CategoryGone(category) => of_resource("category", category.as_str(), 2),
        Work::Product(product) => of_resource("product", product.as_str(), 0),
        Work::Stock { entry, gone, .. } => {
            of_resource("inventory-entry", entry.as_str(), u8::from(*gone))
        }
        Work::StandalonePrice { price, .. } => of_resource("standalone-price", price.as_str(), 0),
        Work::OrderPlaced(_)
        | Work::OrderGivenToCustomer { .. }
        | Work::OrderEdited { .. }
        | Work::OrderState { .. }
        | Work::Refund { .. } => slot_of_fact(notification),
    }
}

/// Whether the work is to bring what a resource is now, so that its slot is the resource's.
#[must_use]
pub fn by_resource(work: &Work) -> bool {
    match work {
        Work::Profile { .. }
        | Work::Erasure(_)
        | Work::Category { .. }
        | Work::ProductsOfCategory { .. }
        | Work::CategoryGone(_)
        | Work::Product(_)
        | Work::Stock { .. }
        | Work::StandalonePrice { .. } => true,
        Work::OrderPlaced(_)
        | Work::OrderGivenToCustomer { .. }
        | Work::OrderEdited { .. }
        | Work::OrderState { .. }
        | Work::Refund { .. } => false,
    }
}

/// The rank of an erasure, above those of any change of the customer.
pub const ERASURE_RANK: u8 = 2;

/// The key of what is parked of a customer's own document.
#[must_use]
pub fn of_customer(customer: &str) -> String {
    format!("customer/{customer}")
}

fn of_resource(type_id: &str, id: &str, rank: u8) -> ParkingSlot {
    ParkingSlot { key: format!("{type_id}/{id}"), rank, customer: None }
}

/// The slot of a notification that tells of a fact, or of which nothing more is known.
#[must_use]
pub fn slot_of_fact(notification: &Notification) -> ParkingSlot {
    ParkingSlot {
        key: format!("message/{}", message_id(notification)),
        rank: 0,
        customer: customer(notification),
    }
}

/// The id of a message, by which a broker's repetition is recognised.
fn message_id(notification: &Notification) -> String {
    match (&notification.kind, notification.raw.get("id").and_then(Value::as_str)) {
        (NotificationKind::Message(_), Some(id)) => id.to_owned(),
        _ => Value::Object(notification.raw.clone()).to_string(),
    }
}

/// The commercetools customer whom a notification is about, if it says so.
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

/// The longest wait: an outage that is over is to be noticed within 30 s.
const LONGEST: Duration = Duration::from_secs(24);

/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);

/// How long to wait before trying again after `attempts` failures, at least as long as the other
/// side asked for. `jitter` (0 to 1) spreads the tries over the last quarter.
#[must_use]
pub fn backoff(attempts: u32, asked: Option<Duration>, jitter: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32 << attempts.saturating_sub(1).min(16));
    let wait = doubled.min(LONGEST).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 4.0);
    wait.max(asked.unwrap_or_default())
}

/// The longest that is added to what Klaviyo asks for with a 429, so that all who were refused do
/// not come back at the same moment.
const THROTTLE_JITTER: Duration = Duration::from_secs(1);

/// How long to wait after a setback. A 429 says when the quota is renewed, and is no outage: the
/// wait for it does not grow, however often it comes.
#[must_use]
pub fn wait_after(setback: Setback, attempts: u32, jitter: f64) -> Duration {
    if setback.fault != TransientFault::Status(System::Klaviyo, 429) {
        return backoff(attempts, setback.retry_after, jitter);
    }
    setback.retry_after.unwrap_or(FIRST) + THROTTLE_JITTER.mul_f64(jitter.clamp(0.0, 1.0))
}

/// How long a single write without an answer may still be carried out: then Klaviyo is taken not to
/// act any more.
pub const SINGLE_IN_DOUBT: Duration = Duration::from_mins(1);

/// The same of the start of a job.
pub const JOB_IN_DOUBT: Duration = Duration::from_mins(10);

/// The longest wait for something that is to come about: it is no outage that could end.
const LONGEST_FOR_SOMETHING: Duration = Duration::from_hours(1);

/// How long to wait for something that is to come about, and did not for `age`: as in an outage at
/// first, then an eighth of the age.
#[must_use]
pub fn patience(attempts: u32, age: Duration, jitter: f64) -> Duration {
    backoff(attempts, Some((age / 8).min(LONGEST_FOR_SOMETHING)), jitter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rules;
    use crate::realtime::plan::{Plan, plan};
    use serde_json::json;

    fn slot_of(notification: Value) -> ParkingSlot {
        let Value::Object(raw) = notification else { panic!("an object") };
        let notification = Notification::read(raw).expect("a notification");
        let rules = Rules::parse(r#"{"customer":{"deletion":"erase"}}"#).expect("rules");
        let planned = plan(&rules, &notification).expect("a plan");
        let Plan::Work(work) = planned else { panic!("work") };
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

    #[test]
    fn patience_grows_with_the_age() {
        let minutes = |age| patience(99, Duration::from_mins(age), 0.0).as_secs();
        assert_eq!([0, 1, 8, 80, 9999].map(minutes), [24, 24, 60, 600, 3600]);
        assert_eq!(patience(1, Duration::ZERO, 0.0), FIRST);
    }

    #[test]
    fn a_used_up_quota_is_waited_for_and_no_longer() {
        let throttled = |seconds| Setback {
            fault: TransientFault::Status(System::Klaviyo, 429),
            retry_after: seconds,
        };
        let asked = Some(Duration::from_secs(1));
        for attempts in [1, 5, 99] {
            let wait = wait_after(throttled(asked), attempts, 0.5);
            assert_eq!(wait, Duration::from_millis(1_500), "{attempts}");
        }
        assert_eq!(wait_after(throttled(None), 9, 0.0), FIRST);
        let down = Setback::from(TransientFault::Status(System::Klaviyo, 503));
        assert_eq!(wait_after(down, 3, 0.0), backoff(3, None, 0.0));
    }

    #[test]
    fn waits_grow_and_end() {
        let seconds = |attempts| backoff(attempts, None, 0.0).as_secs();
        assert_eq!([1, 2, 3, 4, 5, 6, 7, 99].map(seconds), [1, 2, 4, 8, 16, 24, 24, 24]);
        assert!(backoff(99, None, 1.0) <= Duration::from_secs(30));
        assert!(backoff(3, None, 1.0) > backoff(3, None, 0.0));
        let asked = Duration::from_mins(2);
        assert_eq!(backoff(1, Some(asked), 0.5), asked);
    }
}
