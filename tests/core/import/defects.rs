//! The plugin's defects in bulk imports, by their numbers: ours has none of them. Those that only
//! show over HTTP (B9, B12, B15) are in `tests/runtime`; B7, B10, B13 and B14 are in `modes`.

use chrono::Duration;
use commercetools_klaviyo::import::kind::ImportKind;
use serde_json::json;

use super::shop::{self, id};
use super::world::{Faults, World};
use super::{NOW, all, verify};
use crate::support::config;

fn world() -> World {
    let mut world = World::new(config(&[]), 3, NOW);
    world.account.job_ms = 2_000;
    world.account.pointers = true;
    world
}

pub(super) fn long_ago() -> chrono::DateTime<chrono::Utc> {
    super::world::time(NOW) - Duration::days(90)
}

#[test]
fn b1_what_is_throttled_is_sent_again() {
    let mut world = world();
    for number in 0..40 {
        world.shop.put("products", shop::product(number, 6, None, long_ago()));
    }
    world.faults = Faults { throttled: 600, ..Faults::default() };
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    verify(&mut world, &[ImportKind::Products]);
    assert_eq!(world.store.run(ImportKind::Products).counts.sent, 40);
}

#[test]
fn b2_what_klaviyo_has_already_is_updated() {
    let mut world = world();
    for number in 0..30 {
        world.shop.put("categories", shop::category(number, long_ago()));
    }
    world.start(ImportKind::Categories, all(ImportKind::Categories));
    world.run();
    for number in 0..30 {
        world.shop.change("categories", &id("k", number), long_ago(), |category| {
            category["name"]["en"] = json!(format!("Category {number} v2"));
        });
    }
    world.shop.put("categories", shop::category(30, long_ago()));
    world.start(ImportKind::Categories, all(ImportKind::Categories));
    world.run();
    verify(&mut world, &[ImportKind::Categories]);
    assert_eq!(world.store.run(ImportKind::Categories).counts.sent, 31);
}

#[test]
fn b3_no_row_is_dropped_however_many_a_product_has() {
    let mut world = world();
    for (number, variants) in [(0, 60), (1, 150), (2, 30), (3, 250), (4, 1)] {
        world.shop.put("products", shop::product(number, variants, None, long_ago()));
    }
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    verify(&mut world, &[ImportKind::Products]);
    assert_eq!(world.account.variants.len(), 491);
}

#[test]
fn b4_all_known_variants_are_known_and_the_stale_ones_go() {
    let mut world = world();
    world.shop.put("products", shop::product(0, 230, None, long_ago()));
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    let creations = world.account.calls["POST /api/catalog-variant-bulk-create-jobs"];
    world.shop.put("products", shop::product(0, 120, None, long_ago()));
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    verify(&mut world, &[ImportKind::Products]);
    assert_eq!(world.account.variants.len(), 120);
    assert_eq!(world.account.calls["POST /api/catalog-variant-bulk-create-jobs"], creations);
}

#[test]
fn b5_variants_follow_when_their_items_are_there_whatever_the_job_says() {
    let mut world = world();
    world.account.linger_ms = 600_000;
    for number in 0..20 {
        world.shop.put("products", shop::product(number, 3, None, long_ago()));
    }
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    assert!(world.now - NOW < 60_000, "it took {} ms", world.now - NOW);
    verify(&mut world, &[ImportKind::Products]);
}

#[test]
fn b6_jobs_and_memory_stay_bounded() {
    let mut world = world();
    world.account.job_ms = 600_000;
    for number in 0..600 {
        world.shop.put("products", shop::product(number, 90, None, long_ago()));
    }
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    assert!(world.account.most_open_jobs <= 420, "{} jobs", world.account.most_open_jobs);
    verify(&mut world, &[ImportKind::Products]);
}

#[test]
fn b8_a_bad_record_costs_itself_alone() {
    let mut world = world();
    for number in 0..100 {
        let email = if number == 50 {
            "not an address".to_owned()
        } else {
            format!("c{number}@example.com")
        };
        world.shop.put("customers", shop::customer(number, long_ago(), &email));
        let mut order = shop::order(number, Some("a@example.com"), "Open", &[], None, long_ago());
        if number == 50 {
            order["totalPrice"] = json!("free");
        }
        world.shop.put("orders", order);
    }
    for kind in [ImportKind::Customers, ImportKind::Orders] {
        world.start(kind, all(kind));
    }
    world.run();
    for (kind, code) in [
        (ImportKind::Customers, "malformed_email"),
        (ImportKind::Orders, "commercetools_document_malformed"),
    ] {
        let counts = world.store.run(kind).counts;
        assert_eq!((counts.read, counts.sent, counts.failed), (100, 99, 1), "{kind:?}");
        let failure = world.store.failures.values().find(|failure| failure.code == code);
        assert!(failure.is_some_and(|failure| failure.id.as_str().ends_with("-50")), "{kind:?}");
    }
}

#[test]
fn b11_records_go_in_bulk() {
    let mut world = world();
    for number in 0..2_000 {
        let email = format!("c{number}@example.com");
        world.shop.put("customers", shop::customer(number, long_ago(), &email));
    }
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run();
    verify(&mut world, &[ImportKind::Customers]);
    let calls: u64 = world.account.calls.values().sum();
    assert!(calls < 20, "{:?}", world.account.calls);
}
