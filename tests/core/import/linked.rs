//! Products whose stock or prices changed: each is read and written once, however many documents lead to it.

use std::collections::BTreeMap;

use commercetools_klaviyo::engine::call::HostCall;
use commercetools_klaviyo::import::kind::ImportKind;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::modes::{calm, counts, days_ago};
use super::shop::{self, id};
use super::world::{World, time};
use super::{asked, verify};

const KIND: ImportKind = ImportKind::Products;
const PRODUCTS: u64 = 100;
const VARIANTS: u64 = 5;

/// A shop whose stock changed an hour ago, and of every third product the standalone prices, too. The
/// documents stand in another order than their products.
fn changed_shop() -> World {
    let mut world = calm(&json!({}));
    let changed = shop::text(days_ago(1));
    for product in 0..PRODUCTS {
        world.shop.put("products", shop::product(product, VARIANTS, None, days_ago(90)));
        for variant in 1..=VARIANTS {
            let sku = format!("sku-{product}-{variant}");
            let number = (product * VARIANTS + variant) * 7_919 % 10_007;
            world.shop.put(
                "inventory",
                json!({"id": id("i", number), "sku": sku, "availableQuantity": 3,
                    "createdAt": shop::text(days_ago(90)), "lastModifiedAt": changed}),
            );
            if product.is_multiple_of(3) {
                world.shop.put(
                    "standalone-prices",
                    json!({"id": id("s", number), "sku": sku, "createdAt": shop::text(days_ago(90)),
                        "lastModifiedAt": changed, "value": shop::euros(100 * product + variant)}),
                );
            }
        }
    }
    world
}

/// How often each product was read in a page, and written with others.
fn read_and_written(world: &World) -> (BTreeMap<String, u32>, BTreeMap<String, u32>) {
    let (mut read, mut written) = (BTreeMap::new(), BTreeMap::new());
    for call in world.calls.iter().flatten() {
        match call {
            HostCall::Commercetools { path, .. } if path.starts_with("/products?") => {
                let path = percent_decode_str(path).decode_utf8_lossy();
                let body = world.shop.respond(&path, usize::MAX).body;
                let body: Value = serde_json::from_str(&body).expect("JSON");
                for product in body["results"].as_array().expect("a list") {
                    *read.entry(product["id"].as_str().expect("an id").to_owned()).or_default() +=
                        1;
                }
            }
            HostCall::Klaviyo { path, body: Some(body), .. } if path.contains("item-bulk-") => {
                let body: Value = serde_json::from_str(body).expect("JSON");
                let items = &body["data"]["attributes"]["items"]["data"];
                for item in items.as_array().expect("a list") {
                    let id = item["id"].as_str().or(item["attributes"]["external_id"].as_str());
                    let id = id.expect("an id").trim_start_matches("$custom:::$default:::");
                    *written.entry(id.to_owned()).or_default() += 1;
                }
            }
            _ => {}
        }
    }
    (read, written)
}

#[test]
fn a_product_to_which_many_documents_lead_is_read_and_written_once() {
    let mut world = changed_shop();
    world.calls = Some(Vec::new());
    let since = json!({"since": shop::text(days_ago(2))});
    world.start(KIND, asked(KIND, &since));
    world.run();
    assert_eq!(counts(&world, KIND), [PRODUCTS, PRODUCTS, 0, 0]);
    let (read, written) = read_and_written(&world);
    let once = |product| (id("p", product), 1);
    assert_eq!(read, (0..PRODUCTS).map(once).collect());
    assert_eq!(written, (0..PRODUCTS).map(once).collect());
    verify(&mut world, &[KIND]);
}

/// What was met once is not forgotten too long: what changes while the run is under way is read again.
#[test]
fn stock_that_changes_behind_a_product_that_was_read_is_brought() {
    let mut world = changed_shop();
    world.account.job_ms = 30_000;
    let since = json!({"since": shop::text(days_ago(2))});
    world.start(KIND, asked(KIND, &since));
    // Some products were read, and not all documents that lead to them.
    world.run_for(2_000);
    let now = time(world.now);
    let entries: Vec<_> = world.shop.all("inventory").map(|entry| entry["id"].clone()).collect();
    for entry in entries {
        world.shop.change("inventory", entry.as_str().expect("an id"), now, |entry| {
            entry["availableQuantity"] = json!(8);
        });
    }
    world.run();
    world.account.finish();
    let stock = world.account.variants.values().map(|(_, variant)| &variant["inventory_quantity"]);
    assert!(stock.clone().count() > 0);
    assert!(stock.clone().all(|quantity| *quantity == 8), "{:?}", stock.collect::<Vec<_>>());
}
