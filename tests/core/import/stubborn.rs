//! Input that a system cannot handle costs its record, and not the run.

use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::run::RunState;
use serde_json::json;

use super::all;
use super::modes::{calm, counts, customers, days_ago};
use super::shop::{self, id};
use super::world::World;

const MINUTE: u64 = 60_000;

fn codes(world: &World) -> Vec<(&str, &str)> {
    let failures = world.store.failures.iter();
    failures.map(|((_, id), failure)| (id.as_str(), failure.code.as_str())).collect()
}

#[test]
fn a_row_that_klaviyo_cannot_bear_is_found_among_others_and_given_up() {
    for count in [300, 1_000] {
        let mut world = calm(&json!({}));
        customers(&mut world, count);
        world.faults.cannot_bear = Some("c0@example.com");
        let began = world.now;
        world.start(ImportKind::Customers, all(ImportKind::Customers));
        world.run();
        assert_eq!(world.store.run(ImportKind::Customers).state, RunState::Completed, "{count}");
        assert_eq!(counts(&world, ImportKind::Customers), [count, count - 1, 0, 1]);
        assert_eq!(codes(&world), [(&*id("c", 0), "expired_klaviyo_500")]);
        assert!(world.now - began < 45 * MINUTE, "{} minutes", (world.now - began) / MINUTE);
    }
}

#[test]
fn a_category_that_klaviyo_cannot_bear_costs_the_products_in_it() {
    let mut world = calm(&json!({}));
    for number in 0..40 {
        let category = number % 4;
        world.shop.put("products", shop::product(number, 1, Some(category), days_ago(9)));
    }
    for number in 0..4 {
        world.shop.put("categories", shop::category(number, days_ago(9)));
    }
    world.faults.cannot_bear = Some("Category 3 v1");
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    assert_eq!(world.store.run(ImportKind::Products).state, RunState::Completed);
    assert_eq!(counts(&world, ImportKind::Products), [40, 30, 0, 10]);
    assert!(codes(&world).iter().all(|(_, code)| *code == "expired_klaviyo_500"));
}

#[test]
fn a_product_that_commercetools_cannot_bear_costs_the_orders_of_it() {
    let mut world = calm(&json!({}));
    for number in 0..40 {
        let email = format!("c{number}@example.com");
        world.shop.put("products", shop::product(number, 1, None, days_ago(9)));
        let order = shop::order(number, Some(&email), "Open", &[number], None, days_ago(5));
        world.shop.put("orders", order);
    }
    world.faults.cannot_bear = Some(id("p", 7).leak());
    world.start(ImportKind::Orders, all(ImportKind::Orders));
    world.run();
    assert_eq!(world.store.run(ImportKind::Orders).state, RunState::Completed);
    assert_eq!(counts(&world, ImportKind::Orders), [40, 39, 0, 1]);
    assert_eq!(codes(&world), [(&*id("o", 7), "expired_commercetools_500")]);
}

#[test]
fn in_an_outage_nothing_is_given_up() {
    let mut world = calm(&json!({}));
    customers(&mut world, 300);
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run_for(3_000);
    world.faults.status = Some(503);
    world.run_for(14 * MINUTE);
    assert_eq!(codes(&world), []);
    world.faults.status = None;
    world.run();
    assert_eq!(counts(&world, ImportKind::Customers), [300, 300, 0, 0]);
}
