//! Failures that are healed because something settles the record later.

use commercetools_klaviyo::commercetools::reference::Id;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::selection::RunSelection;
use commercetools_klaviyo::import::start::RunStart;
use serde_json::json;

use super::modes::{calm, counts, customers, days_ago};
use super::shop::{self, id};
use super::world::{World, time};
use super::{all, asked};

const KIND: ImportKind = ImportKind::Customers;

/// Sixty customers, of whom Klaviyo refuses one.
fn refusing() -> World {
    let mut world = calm(&json!({}));
    customers(&mut world, 60);
    world.shop.change("customers", &id("c", 7), days_ago(2), |customer| {
        customer["email"] = json!("no address");
    });
    world
}

fn mend(world: &mut World) {
    let now = time(world.now);
    world.shop.change("customers", &id("c", 7), now, |customer| {
        customer["email"] = json!("c7@example.com");
    });
}

fn failures(world: &World) -> Vec<&str> {
    world.store.failures.keys().map(|(_, id)| id.as_str()).collect()
}

#[test]
fn the_closing_pass_heals_what_failed_before_and_its_counts() {
    let mut world = refusing();
    world.account.job_ms = 30_000;
    world.start(KIND, all(KIND));
    // All is read, and what is not refused is with the jobs.
    world.run_for(5_000);
    mend(&mut world);
    world.run();
    assert_eq!(failures(&world), [] as [&str; 0]);
    assert_eq!(counts(&world, KIND), [60, 60, 0, 0]);
    assert_eq!(world.shown(KIND)["failed"], 0);
}

#[test]
fn a_run_over_what_changed_heals_what_failed_in_another() {
    let mut world = refusing();
    world.start(KIND, all(KIND));
    world.run();
    assert_eq!(failures(&world), [id("c", 7)]);
    assert_eq!(counts(&world, KIND), [60, 59, 0, 1]);
    mend(&mut world);
    let since = json!({"since": shop::text(time(world.now) - chrono::Duration::hours(1))});
    world.start(KIND, asked(KIND, &since));
    world.run();
    assert_eq!(failures(&world), [] as [&str; 0]);
    assert_eq!(counts(&world, KIND)[3], 0);
}

#[test]
fn a_retry_that_finds_nothing_to_do_heals() {
    let mut world = refusing();
    world.start(KIND, all(KIND));
    world.run();
    let failed = failures(&world).into_iter().map(ToOwned::to_owned).collect::<Vec<_>>();
    assert_eq!(failed, [id("c", 7)]);
    world.shop.remove("customers", &failed[0]);
    let ids = failed.iter().filter_map(Id::new).collect();
    world.start(KIND, RunStart::over(ids, RunSelection::Retry));
    world.run();
    assert_eq!(failures(&world), [] as [&str; 0]);
    assert_eq!(counts(&world, KIND), [1, 0, 1, 0]);
    assert_eq!(world.store.skipped[&KIND], [(id("c", 7), "gone")]);
    // By an id that a person named it is a failure.
    world.start(KIND, asked(KIND, &json!({ "ids": failed })));
    world.run();
    assert_eq!(counts(&world, KIND), [1, 0, 0, 1]);
    assert!(world.store.skipped[&KIND].is_empty());
}
