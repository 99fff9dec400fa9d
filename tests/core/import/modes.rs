//! The ways to start, stop and resume a run, and what ends one.

use chrono::Duration;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::run::RunState;
use serde_json::{Value, json};

use super::shop::{self, id};
use super::world::{Chance, World, time};
use super::{NOW, all, asked, held, verify};
use crate::support::config;

/// A world without chance, with small pages.
pub(super) fn calm(rules: &Value) -> World {
    let mut rules = rules.clone();
    rules["import"]["pageSize"] = json!(10);
    let mut world = World::new(config(&[("CONFIG", &rules.to_string())]), 7, NOW);
    world.account.job_ms = 3_000;
    world.account.pointers = true;
    world
}

pub(super) fn days_ago(days: i64) -> chrono::DateTime<chrono::Utc> {
    time(NOW) - Duration::days(days)
}

pub(super) fn customers(world: &mut World, count: u64) {
    for number in 0..count {
        let created = days_ago(2 + i64::try_from(number).expect("days"));
        world
            .shop
            .put("customers", shop::customer(number, created, &format!("c{number}@example.com")));
    }
}

pub(super) fn counts(world: &World, kind: ImportKind) -> [u64; 4] {
    let counts = world.store.run(kind).counts;
    [counts.read, counts.sent, counts.skipped, counts.failed]
}

#[test]
fn what_changes_while_it_is_read_is_brought_as_it_is_in_the_end() {
    fn change(world: &mut World) {
        let (id, now) = (id("c", world.chance.next(60)), time(world.now));
        let name = json!(format!("v{}", now.timestamp_millis()));
        world.shop.change("customers", &id, now, |customer| customer["firstName"] = name.clone());
        // The notification of it is delivered at once, before what the run has under way.
        let profile = world.account.profiles.entry(id).or_insert_with(|| json!({}));
        profile["first_name"] = name;
    }
    for mode in ["full", "since", "ids"] {
        let mut world = calm(&json!({}));
        customers(&mut world, 60);
        // To the very end of the run, while jobs are under way as well.
        world.meanwhile = Some(change);
        let ids: Vec<_> = (0..60).map(|number| id("c", number)).collect();
        let start = match mode {
            "full" => all(ImportKind::Customers),
            "since" => asked(ImportKind::Customers, &json!({"since": shop::text(days_ago(900))})),
            _ => asked(ImportKind::Customers, &json!({ "ids": ids })),
        };
        world.start(ImportKind::Customers, start);
        world.run();
        assert_eq!(counts(&world, ImportKind::Customers), [60, 60, 0, 0], "{mode}");
        assert!(world.store.run(ImportKind::Customers).reread > 0, "{mode}");
        verify(&mut world, &[ImportKind::Customers]);
    }
}

/// A walk is divided by the times of its first and its last document: without either it is not divided.
#[test]
fn a_document_without_its_time_of_creation_does_not_fail_the_run() {
    for created in [json!(null), json!(""), json!("yesterday"), json!(3), json!({})] {
        for numbers in [&[0][..], &[0, 59]] {
            let mut world = calm(&json!({"import": {"lanes": 4}}));
            customers(&mut world, 60);
            for number in numbers {
                world.shop.change("customers", &id("c", *number), days_ago(9), |customer| {
                    customer["createdAt"] = created.clone();
                });
            }
            world.start(ImportKind::Customers, all(ImportKind::Customers));
            world.run();
            assert_eq!(world.store.run(ImportKind::Customers).state, RunState::Completed);
            assert_eq!(counts(&world, ImportKind::Customers), [60, 60, 0, 0], "{created}");
            assert_eq!(world.account.profiles.len(), 60);
        }
    }
}

/// What changes while a product's job is under way: stock, a standalone price, and that it is for
/// sale at all. None of them changes the product's own time.
#[test]
fn what_changes_beside_the_job_of_a_product_is_not_overwritten() {
    for changed in ["stock", "price", "unpublished"] {
        let mut world = calm(&json!({}));
        world.account.job_ms = 30_000;
        for number in 0..12 {
            world.shop.put("products", shop::product(number, 2, None, days_ago(9)));
        }
        let sku = "sku-3-1";
        world.shop.change("products", &id("p", 3), days_ago(9), |product| {
            product["priceMode"] = json!("Standalone");
        });
        let price = |cents: u64| {
            json!({"id": "price", "sku": sku, "createdAt": shop::text(days_ago(9)),
                "lastModifiedAt": shop::text(days_ago(9)),
                "value": {"currencyCode": "EUR", "centAmount": cents, "fractionDigits": 2}})
        };
        world.shop.put("standalone-prices", price(1000));
        world.shop.put(
            "inventory",
            json!({"id": "entry", "sku": sku, "createdAt": shop::text(days_ago(9)),
                "lastModifiedAt": shop::text(days_ago(9)), "availableQuantity": 6}),
        );
        world.start(ImportKind::Products, all(ImportKind::Products));
        // All is read, and with the jobs.
        world.run_for(5_000);
        let now = time(world.now);
        match changed {
            "stock" => world.shop.change("inventory", "entry", now, |entry| {
                entry["availableQuantity"] = json!(0);
            }),
            "price" => world.shop.change("standalone-prices", "price", now, |price| {
                price["value"]["centAmount"] = json!(555);
            }),
            _ => world.shop.change("products", &id("p", 3), now, |product| {
                product["masterData"]["published"] = json!(false);
            }),
        }
        world.run();
        world.account.finish();
        let klaviyo = |id: &str| format!("$custom:::$default:::{id}");
        let variant = world.account.variants.get(&klaviyo(sku)).map(|(_, variant)| variant);
        match changed {
            "stock" => assert_eq!(variant.expect("a variant")["inventory_quantity"], 0),
            "price" => assert_eq!(variant.expect("a variant")["price"], json!(5.55)),
            _ => {
                assert_eq!(variant, None);
                assert!(!world.account.items.contains_key(&klaviyo(&id("p", 3))));
            }
        }
        let run = world.store.run(ImportKind::Products);
        assert_eq!(run.state, RunState::Completed);
        assert_eq!(counts(&world, ImportKind::Products), [12, 12, 0, 0], "{changed}");
    }
}

/// A SKU moves between two products, and Klaviyo carries out deletions later than all else.
#[test]
fn a_sku_that_moves_to_another_product_is_there_in_the_end() {
    for deletion_ms in [0, 90_000] {
        let mut world = calm(&json!({}));
        for number in 0..6 {
            world.shop.put("products", shop::product(number, 3, None, days_ago(9)));
        }
        world.start(ImportKind::Products, all(ImportKind::Products));
        world.run();
        let variants = |product: &mut Value| {
            let current = &mut product["masterData"]["current"];
            current["variants"].as_array().cloned().expect("variants")
        };
        let mut from = world.shop.all("products").find(|one| one["id"] == id("p", 3)).cloned();
        let from = from.as_mut().expect("a product");
        let moved = variants(from).pop().expect("a variant");
        world.shop.change("products", &id("p", 3), days_ago(1), |product| {
            let rest = variants(product);
            product["masterData"]["current"]["variants"] = json!(rest[..rest.len() - 1]);
        });
        world.shop.change("products", &id("p", 5), days_ago(1), |product| {
            let more = [variants(product), vec![moved.clone()]].concat();
            product["masterData"]["current"]["variants"] = json!(more);
        });
        world.account.deletion_ms = deletion_ms;
        world.start(ImportKind::Products, all(ImportKind::Products));
        world.run();
        world.account.finish();
        let klaviyo = |id: &str| format!("$custom:::$default:::{id}");
        let sku = moved["sku"].as_str().expect("a SKU");
        let (item, _) = &world.account.variants[&klaviyo(sku)];
        assert_eq!(*item, klaviyo(&id("p", 5)), "{deletion_ms}");
        verify(&mut world, &[ImportKind::Products]);
    }
}

/// A helpline's number on many customers: one of them has it, and all are there.
#[test]
fn customers_who_share_a_phone_number_go_together() {
    let mut world = calm(&json!({}));
    one_phone(&mut world);
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run();
    verify(&mut world, &[ImportKind::Customers]);
    let jobs = world.account.calls["POST /api/profile-bulk-import-jobs"];
    assert!(jobs <= 20, "{jobs} jobs");
    let phones = world.account.profiles.values().filter(|one| !one["phone_number"].is_null());
    assert_eq!(phones.count(), 1);
    assert_eq!(world.shown(ImportKind::Customers)["phonesLeftOut"], 99);
}

/// The run tells what it left out, and of which record.
#[test]
fn what_is_left_out_of_records_is_told_by_their_ids() {
    let mut world = calm(&json!({}));
    let mut product = shop::product(1, 2, None, days_ago(3));
    let master = &mut product["masterData"]["current"]["masterVariant"];
    master["prices"] = json!([]);
    let id = product["id"].clone();
    world.shop.put("products", product);
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    let cut = serde_json::to_value(&world.cuts).expect("JSON");
    assert_eq!(cut[0], json!({"id": id, "cut": ["no_price: 1"]}));
}

/// A bulk request that is refused as a whole, whatever its rows are.
#[test]
fn a_request_that_is_refused_whatever_its_rows_fails_the_run_with_its_reason() {
    for status in [400, 410] {
        let mut world = calm(&json!({}));
        customers(&mut world, 300);
        world.account.refused_jobs = Some(status);
        world.start(ImportKind::Customers, all(ImportKind::Customers));
        world.run();
        let run = world.store.run(ImportKind::Customers).clone();
        assert_eq!(run.state, RunState::Failed, "{run:?}");
        assert_eq!(run.error.expect("an error").code, format!("klaviyo_{status}"));
        let calls = world.account.calls["POST /api/profile-bulk-import-jobs"];
        assert!(calls < 30, "{calls} calls");
        world.account.refused_jobs = None;
        world.resume(ImportKind::Customers);
        world.run();
        verify(&mut world, &[ImportKind::Customers]);
    }
}

#[test]
fn b12_a_list_of_ids_is_brought_and_what_is_not_found_is_said() {
    let mut world = calm(&json!({}));
    customers(&mut world, 150);
    let mut ids: Vec<_> = (0..120).map(|number| id("c", number)).collect();
    ids.push(r#"x") or (id <> ""#.to_owned());
    world.start(ImportKind::Customers, asked(ImportKind::Customers, &json!({ "ids": ids })));
    world.run();
    assert_eq!(counts(&world, ImportKind::Customers), [121, 120, 0, 1]);
    assert_eq!(held(&world, ImportKind::Customers).len(), 120);
    let failure = world.store.failures.values().next().expect("a failure");
    assert_eq!(failure.code, "not_found");
}

#[test]
fn rows_that_failed_without_being_named_are_sent_again_as_well() {
    let mut world = calm(&json!({}));
    customers(&mut world, 20);
    world.account.told = Some(1);
    for number in [3, 4, 5] {
        // Only a job refuses them; a call of its own brings each.
        world.account.refused_later.insert(format!("c{number}@example.com"));
    }
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run();
    assert_eq!(counts(&world, ImportKind::Customers), [20, 20, 0, 0]);
    verify(&mut world, &[ImportKind::Customers]);
}

#[test]
fn a_category_that_several_pages_need_is_written_once() {
    let mut world = calm(&json!({}));
    for number in 0..5 {
        world.shop.put("categories", shop::category(number, days_ago(90)));
    }
    for number in 0..400 {
        let created = days_ago(90) + Duration::minutes(i64::try_from(number).unwrap_or(0));
        world.shop.put("products", shop::product(number, 1, Some(number % 5), created));
    }
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    verify(&mut world, &[ImportKind::Products]);
    let calls = |world: &World, operation: &str| {
        world.account.calls.get(operation).copied().unwrap_or_default()
    };
    assert_eq!(calls(&world, "POST /api/catalog-categories"), 5);
    // Nothing is asked about one by one: not which categories there are, nor whether an item is.
    let variants = "GET /api/catalog-items/$custom";
    assert!(calls(&world, "GET /api/catalog-categories") < 20, "{:?}", world.account.calls);
    assert_eq!(calls(&world, variants), 0, "no item was there");
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    assert_eq!(calls(&world, variants), 400, "each item was there, and may have variants");
    assert_eq!(calls(&world, "POST /api/catalog-categories"), 5);
}

#[test]
fn a_price_that_cannot_be_read_costs_only_its_product() {
    let mut world = calm(&json!({}));
    for number in 0..3 {
        let mut product = shop::product(number, 1, None, days_ago(90));
        if number > 0 {
            product["priceMode"] = json!("Standalone");
            let text = shop::text(days_ago(90));
            let value = if number == 1 {
                json!("much")
            } else {
                json!({"currencyCode": "EUR",
                "centAmount": 500, "fractionDigits": 2})
            };
            let price = json!({"id": id("s", number), "sku": format!("sku-{number}-1"),
                "value": value, "active": true, "createdAt": text, "lastModifiedAt": text});
            world.shop.put("standalone-prices", price);
        }
        world.shop.put("products", product);
    }
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    assert_eq!(counts(&world, ImportKind::Products), [3, 2, 0, 1]);
    let codes: Vec<_> = world.store.failures.values().map(|failure| &failure.code).collect();
    assert_eq!(codes, ["commercetools_document_malformed"]);
}

#[test]
fn a_category_that_klaviyo_refuses_does_not_keep_its_products() {
    let mut world = calm(&json!({}));
    for number in 0..2 {
        world.shop.put("categories", shop::category(number, days_ago(90)));
    }
    for number in 0..60 {
        let created = days_ago(90) + Duration::minutes(i64::try_from(number).unwrap_or(0));
        world.shop.put("products", shop::product(number, 1, Some(number % 2), created));
    }
    world.account.refused.insert("Category 1 v1".to_owned());
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    verify(&mut world, &[ImportKind::Products]);
    assert_eq!(counts(&world, ImportKind::Products), [60, 60, 0, 0]);
    assert_eq!(world.account.categories.len(), 1);
}

#[test]
fn a_failure_that_is_mended_is_none_any_more() {
    let mut world = calm(&json!({}));
    customers(&mut world, 5);
    world.account.refused.insert("c3@example.com".to_owned());
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run();
    assert_eq!(counts(&world, ImportKind::Customers), [5, 4, 0, 1]);
    world.account.refused.clear();
    world.start(ImportKind::Customers, asked(ImportKind::Customers, &json!({"ids": [id("c", 3)]})));
    world.run();
    assert_eq!(counts(&world, ImportKind::Customers), [1, 1, 0, 0]);
    assert_eq!(world.store.failures.len(), 0);
    assert_eq!(held(&world, ImportKind::Customers).len(), 5);
}

#[test]
fn b7_a_start_id_skips_none_after_it() {
    let mut world = calm(&json!({}));
    customers(&mut world, 60);
    let mut ids: Vec<_> = (0..60).map(|number| id("c", number)).collect();
    ids.sort_by_key(|id| id.chars().rev().collect::<String>());
    world.start(ImportKind::Customers, asked(ImportKind::Customers, &json!({"startId": ids[25]})));
    world.run();
    assert_eq!(counts(&world, ImportKind::Customers), [35, 35, 0, 0]);
    let held: Vec<_> = world.account.profiles.keys().cloned().collect();
    assert!(ids[25..].iter().all(|id| held.contains(id)));
}

#[test]
fn since_brings_orders_by_their_payments_and_products_by_stock_and_prices() {
    let mut world = calm(&json!({}));
    let since = days_ago(5);
    for number in 0..30 {
        let buyer = Some("a@example.com");
        let order = shop::order(number, buyer, "Open", &[number], Some(number), days_ago(20));
        world.shop.put("orders", order);
        world.shop.put("payments", shop::payment(number, &["Success"], days_ago(20)));
        world.shop.put("products", shop::product(number, 2, None, days_ago(20)));
        let entry = |kind: &str| {
            json!({"id": id(kind, number), "sku": format!("sku-{number}-2"), "availableQuantity": 1,
                "createdAt": shop::text(days_ago(20)), "lastModifiedAt": shop::text(days_ago(20))})
        };
        world.shop.put("inventory", entry("i"));
        world.shop.put("standalone-prices", entry("s"));
    }
    let touch = |world: &mut World, path: &str, id: String| {
        world.shop.change(path, &id, days_ago(1), |_| {});
    };
    touch(&mut world, "orders", id("o", 3));
    touch(&mut world, "payments", id("y", 3));
    touch(&mut world, "payments", id("y", 4));
    touch(&mut world, "products", id("p", 5));
    touch(&mut world, "inventory", id("i", 6));
    touch(&mut world, "standalone-prices", id("s", 6));
    touch(&mut world, "standalone-prices", id("s", 7));
    for kind in [ImportKind::Orders, ImportKind::Products] {
        world.start(kind, asked(kind, &json!({"since": shop::text(since)})));
    }
    world.run();
    world.account.finish();
    let placed: Vec<_> = world
        .account
        .events
        .keys()
        .filter(|(metric, _)| metric == "Placed Order")
        .map(|(_, id)| id.clone())
        .collect();
    let mut expected = vec![id("o", 3), id("o", 4)];
    expected.sort();
    assert_eq!(placed, expected);
    let mut items: Vec<_> = world
        .account
        .items
        .keys()
        .map(|id| id.rsplit(":::").next().expect("an id").to_owned())
        .collect();
    items.sort();
    let mut expected: Vec<_> = [5, 6, 7].map(|number| id("p", number)).into();
    expected.sort();
    assert_eq!(items, expected);
}

#[test]
fn b13_young_orders_are_left_to_realtime_unless_they_are_asked_for() {
    let mut world = calm(&json!({}));
    let order = |number, minutes| {
        let created = time(NOW) - Duration::minutes(minutes);
        shop::order(number, Some("a@example.com"), "Open", &[], None, created)
    };
    world.shop.put("orders", order(1, 59));
    world.shop.put("orders", order(2, 61));
    world.start(ImportKind::Orders, all(ImportKind::Orders));
    world.run();
    assert_eq!(counts(&world, ImportKind::Orders), [1, 1, 0, 0]);
    world.start(ImportKind::Orders, asked(ImportKind::Orders, &json!({"ids": [id("o", 1)]})));
    world.run();
    assert_eq!(world.account.events.len(), 2);
}

#[test]
fn everything_of_a_kind_can_be_deleted() {
    let mut world = calm(&json!({}));
    for number in 0..25 {
        world.shop.put("products", shop::product(number, 3, None, days_ago(9)));
    }
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    assert_eq!((world.account.items.len(), world.account.variants.len()), (25, 75));
    let delete = json!({"deleteAll": true, "confirmDeletion": "products"});
    world.start(ImportKind::Products, asked(ImportKind::Products, &delete));
    world.run();
    assert_eq!(counts(&world, ImportKind::Products), [25, 25, 0, 0]);
    assert_eq!((world.account.items.len(), world.account.variants.len()), (0, 0));
}

#[test]
fn b14_what_is_gone_from_commercetools_goes_if_that_is_wanted() {
    for (wanted, left) in [(false, 7), (true, 5)] {
        let mut world = calm(&json!({"product": {"import": {"deleteMissing": wanted}}}));
        for number in 0..6 {
            world.shop.put("products", shop::product(number, 3, None, days_ago(9)));
        }
        // Not from here, so it stays.
        let foreign = json!({"title": "Foreign", "custom_metadata": {"title_json": "{}"}});
        world.account.items.insert("$custom:::$default:::foreign".to_owned(), foreign);
        world.start(ImportKind::Products, all(ImportKind::Products));
        world.run();
        world.shop.remove("products", &id("p", 1));
        world.shop.change("products", &id("p", 2), days_ago(1), |product| {
            product["masterData"]["published"] = json!(false);
        });
        // A variant that is gone goes always: its product says so.
        world.shop.change("products", &id("p", 3), days_ago(1), |product| {
            product["masterData"]["current"]["variants"] = json!([]);
        });
        world.start(ImportKind::Products, all(ImportKind::Products));
        world.run();
        assert_eq!(world.account.items.len(), left, "{wanted}");
        let of_third = world.account.variants.keys().filter(|id| id.contains("sku-3-")).count();
        assert_eq!(of_third, 1);
    }
}

#[test]
fn b10_a_stop_keeps_the_cursor_and_a_resume_goes_on() {
    let mut world = calm(&json!({"import": {"lanes": 1}}));
    customers(&mut world, 200);
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run_for(2_500);
    let before = world.shown(ImportKind::Customers);
    assert!(before["read"].as_u64().expect("a count") > 0, "{before}");
    world.stop(ImportKind::Customers);
    world.run();
    let stopped = world.store.run(ImportKind::Customers).clone();
    assert_eq!(stopped.state, RunState::Stopped);
    assert!(stopped.counts.read > 0 && stopped.counts.read < 200, "{stopped:?}");
    let after: Vec<_> =
        stopped.ranges.iter().flatten().filter_map(|part| part.after.clone()).collect();
    assert!(!after.is_empty());
    assert_eq!(world.shown(ImportKind::Customers)["after"], json!(after));
    let reads = world.account.calls.len();
    world.resume(ImportKind::Customers);
    world.run();
    verify(&mut world, &[ImportKind::Customers]);
    assert_eq!(world.shown(ImportKind::Customers)["after"], json!([]));
    let done = world.store.run(ImportKind::Customers);
    assert_eq!((done.id.as_str(), done.counts.read), (stopped.id.as_str(), 200));
    assert!(reads > 0);
}

#[test]
fn a_wrong_key_ends_the_run_with_its_reason_and_it_can_be_resumed() {
    for (status, said) in [(401, "KLAVIYO_AUTH_KEY"), (403, "scope")] {
        let mut world = calm(&json!({}));
        customers(&mut world, 30);
        world.faults.status = Some(status);
        world.start(ImportKind::Customers, all(ImportKind::Customers));
        world.run();
        let failed = world.store.run(ImportKind::Customers).clone();
        assert_eq!(failed.state, RunState::Failed);
        let error = failed.error.expect("an error");
        assert_eq!(error.code, format!("klaviyo_{status}"));
        assert!(error.message.contains(said), "{}", error.message);
        world.faults.status = None;
        world.resume(ImportKind::Customers);
        world.run();
        verify(&mut world, &[ImportKind::Customers]);
        assert_eq!(world.store.run(ImportKind::Customers).error, None);
    }
}

#[test]
fn an_outage_is_waited_for_and_its_reason_shown() {
    let mut world = calm(&json!({}));
    customers(&mut world, 30);
    // When the outage is over, the run still has something to wait for.
    world.account.job_ms = 120_000;
    world.faults.status = Some(503);
    world.start(ImportKind::Customers, all(ImportKind::Customers));
    world.run_for(14 * 60_000);
    let shown = world.shown(ImportKind::Customers);
    assert_eq!(shown["state"], "running");
    assert_eq!(shown["waiting"]["code"], "klaviyo_503");
    world.faults.status = None;
    world.run_for(40_000);
    let shown = world.shown(ImportKind::Customers);
    assert_eq!((&shown["state"], &shown["waiting"]), (&json!("running"), &Value::Null));
    world.run();
    verify(&mut world, &[ImportKind::Customers]);
}

#[test]
fn a_deployment_in_mid_run_changes_none_of_its_passes() {
    let rules = |wanted: bool| json!({"product": {"import": {"deleteMissing": wanted}}});
    for (before, after) in [(true, false), (false, true)] {
        let mut world = calm(&rules(before));
        world.shop.put("products", shop::product(0, 2, None, days_ago(9)));
        let gone = json!({"title": "Gone", "custom_metadata": {"title_json": "{}", "slug": "s",
            "slug_json": "{}"}});
        world.account.items.insert("$custom:::$default:::gone".to_owned(), gone);
        world.start(ImportKind::Products, all(ImportKind::Products));
        // Into the second pass, which reads what Klaviyo holds where that is wanted.
        while world.store.runs_pass(ImportKind::Products) < 1 {
            world.run_for(1);
        }
        let rules = rules(after).to_string();
        world.deploy(config(&[("CONFIG", &rules), ("PREFERRED_CURRENCY", "EUR")]));
        world.run();
        assert_eq!(world.store.run(ImportKind::Products).state, RunState::Completed);
        assert_eq!(world.account.items.len(), if before { 1 } else { 2 }, "{before}");
    }
}

#[test]
fn chance_is_repeatable() {
    let draw = |seed| {
        let mut chance = Chance::new(seed);
        [(); 4].map(|()| chance.next(1_000_000))
    };
    assert_eq!(draw(5), draw(5));
    assert_ne!(draw(5), draw(6));
}

/// Customers with one phone number, who go in many jobs.
pub(super) fn one_phone(world: &mut World) {
    for number in 0..100 {
        let mut customer = shop::customer(number, days_ago(3), &format!("c{number}@example.com"));
        customer["addresses"] = json!([{"id": "a", "country": "DE", "phone": "+49 30 123456"}]);
        customer["defaultBillingAddressId"] = json!("a");
        customer["billingAddressIds"] = json!(["a"]);
        world.shop.put("customers", customer);
    }
}
