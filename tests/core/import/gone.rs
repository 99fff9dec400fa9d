//! Customers who are erased while an import writes them, in a deployment that does not learn it.

use std::collections::BTreeSet;

use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::json;

use super::modes::{counts, customers, days_ago};
use super::shop::{self, id};
use super::world::{Faults, World};
use super::{NOW, all};
use crate::support::config;

/// The settings of a deployment that imports only.
fn settings() -> Config {
    let settings = json!({"customer": {"deletion": "erase"}, "import": {"pageSize": 10}});
    config(&[("CONFIG", &settings.to_string()), ("APP_TYPE", "BULK_IMPORT")])
}

/// Another deployment takes the pushes, is told who was erased, and does so at once.
fn erase(world: &mut World) {
    let customer = id("c", world.chance.next(60));
    world.shop.remove("customers", &customer);
    world.account.profiles.remove(&customer);
    world.erased.insert(customer);
}

/// The customers whom the outbox is to be told of, since nobody asked for them.
fn left_open(world: &World) -> BTreeSet<String> {
    let changes = world.store.open_pages.iter().flat_map(|(_, page)| &page.changes);
    let ids = changes.filter_map(|change| change["resource"]["id"].as_str());
    ids.map(ToOwned::to_owned).collect()
}

/// Runs the import of this kind to its end while customers are erased. Each profile that Klaviyo has in the end is
/// somebody whom the outbox is to look for.
fn erased_meanwhile(seed: u64, kind: ImportKind, fill: fn(&mut World), faults: Faults) -> World {
    let mut world = World::new(settings(), seed, NOW);
    world.account.job_ms = 3_000;
    fill(&mut world);
    world.meanwhile = Some(erase);
    world.faults = faults;
    world.start(kind, all(kind));
    world.run_to_its_end();
    world.account.finish();
    let brought_back = world.erased.iter().filter(|id| world.account.profiles.contains_key(*id));
    let is_left = |customer: &&String| {
        world.left_as_gone.contains_key(*customer) || left_open(&world).contains(*customer)
    };
    let forgotten: Vec<_> = brought_back.filter(|customer| !is_left(customer)).collect();
    assert!(forgotten.is_empty(), "seed {seed}: {forgotten:?} of {:?}", world.erased);
    world
}

/// Here it shows only when the profiles are written, and who is there is asked for once more.
#[test]
fn who_is_gone_when_the_profiles_are_written_is_left_to_the_outbox() {
    let faults = Faults { throttled: 20, down: 20, ..Faults::default() };
    for seed in 0..40 {
        let fill = |world: &mut World| customers(world, 60);
        let world = erased_meanwhile(seed, ImportKind::Customers, fill, faults);
        assert!(left_open(&world).is_empty(), "all were asked for");
        let began = world.store.run(ImportKind::Customers).started_at.to_rfc3339();
        assert!(world.left_as_gone.values().all(|since| *since == began), "seed {seed}");
        let [read, sent, skipped, failed] = counts(&world, ImportKind::Customers);
        assert_eq!(read, sent + skipped, "seed {seed}");
        assert_eq!(failed, 0, "seed {seed}");
    }
}

/// A page whose writes are under way is read again without them, and a call without an answer may be
/// carried out after it was asked who is there.
#[test]
fn whom_nobody_came_to_ask_for_is_left_to_the_outbox() {
    let faults = Faults { crash: 30, lost_before: 30, lost_after: 30, ..Faults::default() };
    let mut crashes = 0;
    for seed in 0..40 {
        let fill = |world: &mut World| customers(world, 60);
        crashes += erased_meanwhile(seed, ImportKind::Customers, fill, faults).crashes;
    }
    assert!(crashes > 40, "{crashes} crashes");
}

/// An event makes the profile of whom it is about, and Klaviyo does not say when.
#[test]
fn buyers_are_left_to_the_outbox() {
    fn fill(world: &mut World) {
        customers(world, 60);
        for number in 0..90 {
            let mut order = shop::order(number, None, "Open", &[], None, days_ago(2));
            order["customerId"] = json!(id("c", number % 60));
            world.shop.put("orders", order);
        }
    }
    let mut left = 0;
    for seed in 0..20 {
        let world = erased_meanwhile(seed, ImportKind::Orders, fill, Faults::default());
        left += left_open(&world).len();
    }
    assert!(left > 0, "nobody was left");
}
