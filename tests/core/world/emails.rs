//! Events that go out in bulk with their customers' e-mail addresses, and that Klaviyo carries out after a newer
//! address was written.

use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::{Value, json};

use super::network::WayFaults;
use super::{Event, Faults, NOW, World};
use crate::import::shop::{self, id};
use crate::import::world::time;

/// How long Klaviyo takes to carry out events, in ms.
const CARRIED_OUT: u64 = 480_000;

/// When a customer changes, in ms: the events are with Klaviyo, and not carried out.
const CHANGED: u64 = 240_000;

const ORDERS: u64 = 12;

/// A calm world with a customer at Klaviyo who has placed some orders.
fn world() -> World {
    let mut world = World::new(7);
    (world.faults, world.network.faults) = (Faults::default(), WayFaults::default());
    world.events.clear();
    world.account.bulk_events_ms = CARRIED_OUT;
    world.at(0, change());
    world.told_of = 1;
    for number in 1_000..1_000 + ORDERS {
        let created = time(NOW) - chrono::Duration::hours(2);
        let mut order = shop::order(number, None, "Open", &[1], None, created);
        order["customerId"] = json!(id("c", 0));
        world.shop.put("orders", order);
    }
    world
}

fn change() -> Event {
    Event::Push(json!({"notificationType": "ResourceUpdated",
        "resource": {"typeId": "customer", "id": id("c", 0)}}))
}

/// The customer gets another e-mail, which is told and written at once; Klaviyo carries out the older one
/// later. At rest the newer one is there.
fn changes_meanwhile(world: &mut World) {
    let email_at = |world: &mut World, wait: u64| {
        world.run_until(NOW + wait);
        world.now = world.now.max(NOW + wait);
        world.account.settle(world.now);
        world.account.profiles[&id("c", 0)]["email"].clone()
    };
    assert_eq!(email_at(world, CHANGED), json!("c0@example.com"));
    let is_sent = |world: &World| {
        world.account.calls.get("POST /api/event-bulk-create-jobs").is_some_and(|calls| *calls > 0)
    };
    assert!(is_sent(world), "{:?}", world.account.calls);
    world.shop.change("customers", &id("c", 0), time(world.now), |customer| {
        customer["email"] = json!("new@example.com");
    });
    world.told_of += 1;
    world.at(1, change());
    let written = email_at(world, CHANGED + 30_000);
    assert_eq!(written, json!("new@example.com"), "it is written at once");
    let late = email_at(world, CARRIED_OUT + 90_000);
    assert_eq!(late, json!("c0@example.com"), "the older one is carried out");
    world.run();
    world.verify();
    assert_eq!(world.account.profiles[&id("c", 0)]["email"], json!("new@example.com"));
}

#[test]
fn who_changed_during_an_import_of_orders_keeps_the_newer_email() {
    let mut world = world();
    world.at(1_000, Event::Import(ImportKind::Orders, Value::Null));
    changes_meanwhile(&mut world);
}

#[test]
fn who_changed_during_a_drain_of_the_outbox_keeps_the_newer_email() {
    let mut world = world();
    world.run_until(NOW + 5_000);
    // An outage: pushes are parked.
    world.network.faults.down = 1_000;
    let orders: Vec<_> = world.shop.all("orders").cloned().collect();
    for order in orders.iter().filter(|order| order["customerId"].is_string()) {
        let number = order["id"].as_str().expect("an id");
        world.told_of += 1;
        let message = json!({"notificationType": "Message", "id": format!("m-{number}"),
            "type": "OrderCreated", "resource": {"typeId": "order", "id": number},
            "order": order, "createdAt": order["createdAt"]});
        world.at(1, Event::Push(message));
    }
    world.at(20_000, Event::Peace);
    changes_meanwhile(&mut world);
}
