//! The two thousand orders of [`crate::orders`] through the objects themselves: through the outbox after an outage, and
//! through a run of an import.

use std::collections::BTreeSet;

use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::Value;

use super::network::WayFaults;
use super::{Event, Faults, World};
use crate::import::account::Account;
use crate::import::shop::Shop;
use crate::orders::{Story, Told, seed, stories};
use crate::support::config;

/// Orders of one world.
const TOGETHER: usize = 250;

/// When the systems answer again, in ms: every push came before.
const OUTAGE: u64 = 120_000;

/// A calm world with the shop of these orders.
fn world(stories: &[Story]) -> World {
    let mut world = World::new(7);
    (world.faults, world.network.faults) = (Faults::default(), WayFaults::default());
    world.events.clear();
    world.config = config(&[]);
    world.shop = Shop::default();
    for (path, document) in stories.iter().flat_map(|story| &story.shop) {
        let resource = ["customers", "orders", "payments"];
        let mut resource = resource.into_iter();
        let resource = resource.find(|name| path.split('/').nth(1) == Some(*name));
        world.shop.put(resource.expect("a resource"), document.clone());
    }
    world
}

/// What Klaviyo was told, apart from the earlier orders of payments that pay for two.
fn told(account: &Account) -> BTreeSet<Told> {
    let told = account.events.iter().map(|((metric, unique), event)| {
        let person = |name: &str| {
            let value = &event["profile"]["data"]["attributes"][name];
            value.as_str().unwrap_or("-").to_owned()
        };
        let currency = event["value_currency"].as_str().expect("a currency");
        let amount = format!("{} {currency}", event["value"]);
        let person = format!("{} {}", person("external_id"), person("email"));
        (metric.clone(), unique.clone(), amount, person)
    });
    told.filter(|(_, _, _, person)| !person.starts_with("- earlier.")).collect()
}

fn expected(stories: &[Story]) -> BTreeSet<Told> {
    stories.iter().flat_map(|story| story.expected.iter().cloned()).collect()
}

fn assert_same(world: &mut World, stories: &[Story], way: &str) {
    world.account.finish();
    let (told, expected) = (told(&world.account), expected(stories));
    let missing: Vec<_> = expected.difference(&told).take(3).collect();
    let more: Vec<_> = told.difference(&expected).take(3).collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "seed {}, {way}: {missing:?} are missing, {more:?} are more",
        seed()
    );
    assert_eq!(world.account.violations, Vec::<String>::new(), "{way}");
}

fn chunks() -> Vec<Vec<Story>> {
    let mut all = stories(seed());
    let mut chunks = Vec::new();
    loop {
        let some: Vec<_> = all.by_ref().take(TOGETHER).collect();
        if some.is_empty() {
            return chunks;
        }
        chunks.push(some);
    }
}

#[test]
fn the_outbox_brings_the_same_events_after_an_outage() {
    for stories in chunks() {
        let mut world = world(&stories);
        world.network.faults.down = 1_000;
        for notification in stories.iter().flat_map(|story| &story.notifications) {
            world.told_of += 1;
            let wait = world.chance.next(OUTAGE / 2);
            world.at(wait, Event::Push(notification.clone()));
        }
        world.at(OUTAGE, Event::Peace);
        world.run_until(world.now + OUTAGE - 1);
        let parked = world.outbox.sql.all("SELECT COUNT(*) AS parked FROM parked");
        let parked: Option<usize> = parked.value().expect("a number");
        assert_eq!(parked, Some(world.told_of), "each waits");
        assert!(world.account.events.is_empty());
        world.run();
        assert_same(&mut world, &stories, "by the outbox");
        assert_eq!(world.outcomes, world.told_of, "each push has one outcome");
        assert!(world.outbox.sql.all("SELECT id FROM dead_letters").is_empty());
        let bulk = world.account.calls.get("POST /api/event-bulk-create-jobs");
        assert!(bulk.is_some_and(|calls| *calls > 0), "{:?}", world.account.calls);
    }
}

#[test]
fn an_import_brings_the_same_events() {
    for stories in chunks() {
        let mut world = world(&stories);
        world.at(0, Event::Import(ImportKind::Orders, Value::Null));
        world.run();
        assert_same(&mut world, &stories, "by an import");
        let failures = world.import.sql.all("SELECT id FROM failures");
        assert!(failures.is_empty(), "no order failed");
    }
}
