//! Documents of every size, and pages that are too long or too slow: each record and the run reach an end.

use chrono::Duration;
use commercetools_klaviyo::http::{DOCUMENT_BYTES, PAGE_BYTES};
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::run::RunState;
use serde_json::json;

use super::modes::{calm, counts, days_ago};
use super::shop::{self, id};
use super::world::{Faults, World};
use super::{all, asked, verify};

const RECORDS: u64 = 40;

/// Documents that are larger than others, by their numbers.
const SIZES: [(u64, usize); 4] = [
    (3, 400_000),
    (7, PAGE_BYTES + 1_000_000),
    (8, PAGE_BYTES - 200_000),
    (20, DOCUMENT_BYTES + 1_000_000),
];

/// The path of a kind's documents, the letter of their ids, and what is padded of a document.
fn of(kind: ImportKind) -> (&'static str, &'static str, &'static str) {
    match kind {
        ImportKind::Customers => ("customers", "c", "/other"),
        ImportKind::Orders => ("orders", "o", "/other"),
        ImportKind::Categories => ("categories", "k", "/other"),
        ImportKind::Products => ("products", "p", "/masterData/staged"),
    }
}

/// A shop whose documents have 20 kB, and a few of them far more.
fn shop_of_sizes(kind: ImportKind) -> World {
    let mut world = calm(&json!({}));
    let (path, letter, padded) = of(kind);
    for number in 0..RECORDS {
        let created = days_ago(9 + i64::try_from(number).expect("days"));
        let buyer = format!("c{number}@example.com");
        world.shop.put(
            path,
            match kind {
                ImportKind::Customers => shop::customer(number, created, &buyer),
                ImportKind::Orders => shop::order(number, Some(&buyer), "Open", &[], None, created),
                ImportKind::Categories => shop::category(number, created),
                ImportKind::Products => shop::product(number, 2, None, created),
            },
        );
        let size = SIZES.iter().find(|(of, _)| *of == number).map_or(20_000, |(_, size)| *size);
        world.shop.change_silently(path, &id(letter, number), |document| {
            let (parent, member) = padded.rsplit_once('/').expect("a member");
            document.pointer_mut(parent).expect("a parent")[member] = json!("x".repeat(size));
        });
    }
    world
}

#[test]
fn what_is_too_large_costs_itself_alone() {
    let too_large = 20;
    for kind in ImportKind::ALL {
        let (_, letter, _) = of(kind);
        let ids: Vec<_> = (0..RECORDS).map(|number| id(letter, number)).collect();
        for start in [
            all(kind),
            asked(kind, &json!({ "ids": ids })),
            asked(kind, &json!({ "since": "2020-01-01T00:00:00Z" })),
        ] {
            let mut world = shop_of_sizes(kind);
            let mode = format!("{kind:?} {start:?}");
            world.start(kind, start);
            world.run();
            let run = world.store.run(kind);
            assert_eq!(run.state, RunState::Completed, "{mode}: {:?}", run.error);
            assert_eq!(counts(&world, kind), [RECORDS, RECORDS - 1, 0, 1], "{mode}");
            let failures: Vec<_> = world.store.failures.iter().collect();
            let [((_, failed), failure)] = failures.as_slice() else { panic!("{failures:?}") };
            assert_eq!(
                (failed.as_str(), failure.code.as_str()),
                (&*id(letter, too_large), "too_large")
            );
        }
    }
}

#[test]
fn large_products_of_orders_are_read_a_few_at_a_time() {
    let mut world = calm(&json!({}));
    for number in 0..60 {
        world.shop.put("products", shop::product(number, 1, None, days_ago(9)));
        world.shop.change_silently("products", &id("p", number), |product| {
            product["masterData"]["staged"] = json!("x".repeat(150_000));
        });
    }
    // One that is larger than is read of a page, and one that is larger than can be read.
    for (number, bytes) in [(7, PAGE_BYTES), (8, DOCUMENT_BYTES)] {
        world.shop.change_silently("products", &id("p", number), |product| {
            product["masterData"]["staged"] = json!("x".repeat(bytes));
        });
    }
    for number in 0..20 {
        let buyer = format!("c{number}@example.com");
        let products = [3 * number, 3 * number + 1, 3 * number + 2];
        let order = shop::order(number, Some(&buyer), "Open", &products, None, days_ago(9));
        world.shop.put("orders", order);
    }
    world.start(ImportKind::Orders, all(ImportKind::Orders));
    world.run();
    assert_eq!(counts(&world, ImportKind::Orders), [20, 19, 0, 1]);
    let codes: Vec<_> = world.store.failures.values().map(|failure| &*failure.code).collect();
    assert_eq!(codes, ["too_large"], "the order whose product cannot be read");
}

#[test]
fn what_is_too_slow_is_asked_for_in_smaller_pages() {
    for (kind, most) in ImportKind::ALL.into_iter().flat_map(|kind| [(kind, 1), (kind, 3)]) {
        for by_ids in [false, true] {
            let mut world = shop_of_sizes(kind);
            world.shop.remove(of(kind).0, &id(of(kind).1, 20));
            world.faults = Faults { slow_above: Some(most), ..Faults::default() };
            let ids: Vec<_> = (0..RECORDS).map(|number| id(of(kind).1, number)).collect();
            let start = if by_ids { asked(kind, &json!({ "ids": ids })) } else { all(kind) };
            world.start(kind, start);
            world.run();
            let gone = u64::from(by_ids);
            assert_eq!(
                counts(&world, kind),
                [RECORDS - 1 + gone, RECORDS - 1, 0, gone],
                "{kind:?} {most} {by_ids}"
            );
            let total = by_ids.then_some(RECORDS);
            assert_eq!(world.store.run(kind).total, total, "no count is answered in time");
        }
    }
}

/// What an order needs is asked for in parts, and each part is put where it belongs.
#[test]
fn pages_that_break_off_lose_nothing() {
    for bytes in (300..4_000).step_by(370) {
        let mut world = super::world(9, 60);
        world.shop.page_bytes = Some(bytes);
        for kind in ImportKind::ALL {
            world.start(kind, all(kind));
        }
        world.run();
        verify(&mut world, &ImportKind::ALL);
    }
}

/// commercetools counts up to 10,000 where there is a predicate, as for orders that are not young, and most
/// of a shop may be of one day.
#[test]
fn more_than_is_counted_at_once_is_counted_in_parts() {
    const ORDERS: u64 = 12_500;
    let mut world = calm(&json!({}));
    for number in 0..ORDERS {
        let hours = if number % 20 == 0 { number } else { 4_000 };
        let created = days_ago(2)
            - Duration::hours(i64::try_from(hours).expect("hours"))
            - Duration::seconds(i64::try_from(number).expect("seconds"));
        let order = shop::order(number, Some("a@example.com"), "Open", &[], None, created);
        world.shop.put("orders", order);
    }
    world.start(ImportKind::Orders, all(ImportKind::Orders));
    world.run();
    assert_eq!(counts(&world, ImportKind::Orders), [ORDERS, ORDERS, 0, 0]);
    assert_eq!(world.store.run(ImportKind::Orders).total, Some(ORDERS));
}
