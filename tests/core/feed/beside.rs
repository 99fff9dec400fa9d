//! Beside a broker: the feed delivers and counts what the broker does not deliver in time.

use commercetools_klaviyo::commercetools::notification::Notification;
use commercetools_klaviyo::feed::desk::take_brought;
use commercetools_klaviyo::feed::page::brought;
use commercetools_klaviyo::feed::store::lost;
use commercetools_klaviyo::feed::store::state::load;
use serde_json::{Value, json};

use super::{FeedWorld, MINUTE, NOW, SECOND, fact};
use crate::support::object;

const BESIDE: &str = r#"{"feed":{"mode":"beside"}}"#;

/// The broker brings this, which is told 10 s later.
fn bring(world: &mut FeedWorld, notification: Value) {
    let notification = Notification::read(object(notification)).expect("a notification");
    let all = brought(&world.rules, &notification, world.time());
    world.feed.turn(|sql| take_brought(sql, &all)).expect("stored");
}

/// How many are lost, and how many came late.
fn counts(world: &FeedWorld) -> (u64, u64) {
    let state = load(&world.feed).expect("the state");
    (state.lost, state.late)
}

#[test]
fn what_the_broker_brings_is_not_delivered_again() {
    let mut world = FeedWorld::new(BESIDE, 1);
    world.run_until(NOW + 10 * SECOND);
    let stamp = NOW + 20 * SECOND;
    for name in ["brought", "lost", "late"] {
        let mut message = fact(name);
        message["createdAt"] = crate::support::at(stamp).shown().into();
        world.project.tell(stamp, stamp, message);
    }
    // Nothing is made of it, so nobody lost it.
    let review = json!({"id": "review", "type": "ReviewCreated",
        "resource": {"typeId": "review", "id": "r"}});
    world.project.tell(stamp, stamp, review);
    world.run_until(stamp + 59 * SECOND);
    bring(&mut world, fact("brought"));
    world.run_until(stamp + 2 * MINUTE);
    assert_eq!(["brought", "lost", "late"].map(|name| world.times(name)), [0, 1, 1]);
    assert_eq!(counts(&world), (2, 0));
    let newest = lost::newest(&world.feed).expect("the newest");
    let newest: Vec<_> = newest.iter().map(|lost| (&*lost.id, &*lost.name)).collect();
    assert_eq!(newest, [("late", "OrderStateChanged"), ("lost", "OrderStateChanged")]);
    bring(&mut world, fact("late"));
    bring(&mut world, fact("late"));
    assert_eq!(counts(&world), (1, 1));
    world.run_until(stamp + 10 * MINUTE);
    assert_eq!(["brought", "lost", "late"].map(|name| world.times(name)), [0, 1, 1]);
}

#[test]
fn a_change_is_known_by_its_version() {
    use commercetools_klaviyo::commercetools::keyset::StampedResource::Customers;
    let mut world = FeedWorld::new(BESIDE, 1);
    world.run_until(NOW + 10 * SECOND);
    let stamp = NOW + 20 * SECOND;
    for (id, version) in [("a", 3), ("b", 4)] {
        world.project.change(Customers, stamp, stamp, json!({"id": id, "version": version}));
        let resource = json!({"typeId": "customer", "id": id});
        bring(
            &mut world,
            json!({"notificationType": "ResourceUpdated", "resource": resource, "version": 3}),
        );
    }
    world.run_until(stamp + 4 * MINUTE);
    assert_eq!((world.times("a 3"), world.times("b 4")), (0, 1));
    assert_eq!(counts(&world), (1, 0));
}
