//! How an import reads: the number of pages at once, and their size.

use chrono::Duration;
use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::json;

use super::defects::long_ago;
use super::modes::{calm, customers};
use super::world::{World, time};
use super::{NOW, all, shop, verify};
use crate::support::config;

/// There are more parts of the walk than lanes: one is read to its end before the next begins.
#[test]
fn as_many_pages_are_read_at_once_as_there_are_lanes() {
    for lanes in 1..=3 {
        let mut world = calm(&json!({"import": {"lanes": lanes}}));
        customers(&mut world, 1_200);
        world.start(ImportKind::Customers, all(ImportKind::Customers));
        world.run();
        assert_eq!(world.most_pages, lanes);
        verify(&mut world, &[ImportKind::Customers]);
    }
}

/// Rows wait for others, but only as long as some may come.
#[test]
fn the_last_rows_do_not_wait_for_more() {
    let mut world = calm(&json!({}));
    for number in 0..5 {
        let order = shop::order(number, Some("a@example.com"), "Open", &[], None, long_ago());
        world.shop.put("orders", order);
    }
    world.start(ImportKind::Orders, all(ImportKind::Orders));
    world.run();
    verify(&mut world, &[ImportKind::Orders]);
    assert!(world.now - NOW < 1_500, "it took {} ms", world.now - NOW);
}

/// What is read for the products of a page comes one by one. The rows of the page before, which are whole, wait
/// for those of the last one, also if there is nothing more to be read of the shop.
#[test]
fn the_rows_of_the_last_pages_go_together() {
    let mut world = calm(&json!({}));
    for number in 0..20 {
        world.shop.put("products", shop::product(number, 1, None, long_ago()));
    }
    for _ in 0..2 {
        world.account.calls.clear();
        world.start(ImportKind::Products, all(ImportKind::Products));
        world.run();
    }
    assert_eq!(world.account.calls["GET /api/catalog-items/$custom"], 20);
    assert_eq!(world.account.calls["POST /api/catalog-item-bulk-update-jobs"], 1);
    verify(&mut world, &[ImportKind::Products]);
}

/// Memory depends on bytes, and documents may have any size: it is learned from the first document.
#[test]
fn pages_of_large_documents_have_fewer_of_them() {
    let rules = json!({"import": {"pageSize": 500, "lanes": 1}}).to_string();
    let mut world = World::new(config(&[("CONFIG", &rules)]), 7, NOW);
    for number in 0..1_500 {
        let created = time(NOW) - Duration::days(3);
        let mut customer = shop::customer(number, created, &format!("c{number}@example.com"));
        customer["note"] = json!("x".repeat(10_000));
        world.shop.put("customers", customer);
    }
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run();
    verify(&mut world, &[ImportKind::Customers]);
    let pages = &world.pages;
    assert!(pages.iter().all(|bytes| *bytes < 1_600_000), "{pages:?}");
    assert!(pages.len() < 15, "and not fewer than fit: {pages:?}");
}
