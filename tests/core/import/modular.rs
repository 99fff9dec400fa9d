//! Projects whose variants are documents of their own, and projects during that migration.

use chrono::Duration;
use commercetools_klaviyo::import::kind::ImportKind;
use commercetools_klaviyo::import::run::RunState;
use serde_json::{Value, json};

use super::modes::{calm, counts};
use super::shop::{self, Catalog, id};
use super::world::{World, time};
use super::{NOW, all, asked};

const PRODUCTS: u64 = 12;

fn days_ago(days: i64) -> chrono::DateTime<chrono::Utc> {
    time(NOW) - Duration::days(days)
}

/// A shop whose products have a type that says what tells their variants apart: so they are called the same
/// wherever they are.
fn shop() -> World {
    let mut world = calm(&json!({}));
    world.shop.put("product-types", shop::sizes());
    for number in 0..PRODUCTS {
        world.shop.put("products", shop::product(number, 1 + number % 4, None, days_ago(9)));
        let sku = format!("sku-{number}-1");
        world.shop.put("inventory", entry(&sku, 3));
    }
    world
}

fn entry(sku: &str, quantity: u64) -> Value {
    json!({"id": format!("e-{sku}"), "sku": sku, "version": 1, "availableQuantity": quantity,
        "createdAt": shop::text(days_ago(9)), "lastModifiedAt": shop::text(days_ago(9))})
}

fn klaviyo(id: &str) -> String {
    format!("$custom:::$default:::{id}")
}

fn catalogue(world: &mut World) -> String {
    world.account.finish();
    assert_eq!(world.account.violations, Vec::<String>::new());
    format!("{:?} {:?}", world.account.items, world.account.variants)
}

fn import(world: &mut World) {
    world.start(ImportKind::Products, all(ImportKind::Products));
    world.run();
    assert_eq!(world.store.run(ImportKind::Products).state, RunState::Completed);
}

#[test]
fn the_same_shop_gives_the_same_catalogue_wherever_its_variants_are() {
    let mut classic = shop();
    import(&mut classic);
    let expected = catalogue(&mut classic);
    assert_eq!(classic.account.variants.len(), 30);
    for catalog in [Catalog::InMigration, Catalog::Modular, Catalog::Untold] {
        let mut world = shop();
        world.shop.make_modular();
        world.shop.catalog = catalog;
        import(&mut world);
        assert_eq!(counts(&world, ImportKind::Products), [PRODUCTS, PRODUCTS, 0, 0]);
        assert_eq!(catalogue(&mut world), expected, "{catalog:?}");
    }
}

/// The variants of one product after the other move while a run is under way.
#[test]
fn a_migration_in_the_middle_of_a_run_changes_nothing() {
    let mut classic = shop();
    import(&mut classic);
    let expected = catalogue(&mut classic);
    for step in [50, 300, 1_000, 4_000] {
        let mut world = shop();
        // Klaviyo has all of it: whatever is missed is taken away.
        import(&mut world);
        world.account.job_ms = 20_000;
        world.start(ImportKind::Products, all(ImportKind::Products));
        world.shop.catalog = Catalog::InMigration;
        for number in 0..PRODUCTS {
            world.run_for(step);
            world.shop.move_variants(&id("p", number));
        }
        world.run_for(step);
        world.shop.catalog = Catalog::Modular;
        world.run();
        assert_eq!(world.store.run(ImportKind::Products).state, RunState::Completed);
        assert_eq!(catalogue(&mut world), expected, "{step}");
    }
}

/// Only a project that says that it has moved all of its variants is believed that one is gone.
#[test]
fn a_variant_is_taken_away_only_where_it_is_gone_for_certain() {
    for (catalog, is_kept) in [
        (Catalog::Classic, false),
        (Catalog::Modular, false),
        (Catalog::InMigration, true),
        (Catalog::Untold, true),
    ] {
        let mut world = shop();
        import(&mut world);
        if catalog != Catalog::Classic {
            world.shop.make_modular();
        }
        world.shop.catalog = catalog;
        let product = id("p", 3);
        world.shop.change("products", &product, days_ago(1), |product| {
            let current = &mut product["masterData"]["current"];
            let variants = current["variants"].as_array().cloned().expect("variants");
            current["variants"] = json!(variants[1..]);
        });
        world.cuts.clear();
        import(&mut world);
        catalogue(&mut world);
        let is_there = world.account.variants.contains_key(&klaviyo("sku-3-2"));
        assert_eq!(is_there, is_kept, "{catalog:?}");
        assert!(world.account.variants.contains_key(&klaviyo("sku-3-3")), "{catalog:?}");
        let cuts = serde_json::to_value(&world.cuts).expect("JSON");
        let expected =
            if is_kept { json!([{"id": product, "cut": ["variants_kept: 1"]}]) } else { json!([]) };
        assert_eq!(cuts, expected, "{catalog:?}");
    }
}

/// What is sold without a picture of its own shows that of the variant that stands for its product.
#[test]
fn an_order_shows_the_same_pictures_wherever_variants_are() {
    let pictures = |catalog: Option<Catalog>, hidden: bool| -> Vec<String> {
        let mut world = shop();
        for number in 0..PRODUCTS {
            world.shop.change("products", &id("p", number), days_ago(9), |product| {
                let master = &mut product["masterData"]["current"]["masterVariant"];
                let url = format!("https://cdn.example/{number}.jpg");
                master["images"] = json!([{"url": "/relative.jpg"}, {"url": url}]);
                master["unpublished"] = json!(hidden);
            });
            let email = Some("b@example.com");
            let order = shop::order(number, email, "Open", &[number], None, days_ago(3));
            world.shop.put("orders", order);
        }
        if let Some(catalog) = catalog {
            world.shop.make_modular();
            world.shop.catalog = catalog;
        }
        world.start(ImportKind::Orders, all(ImportKind::Orders));
        world.run();
        let events = world.account.events.values();
        let shown = events.map(|event| event["properties"]["ImageURL"].to_string());
        shown.filter(|url| url != "null").collect()
    };
    let expected = pictures(None, false);
    assert_eq!(expected.len(), usize::try_from(PRODUCTS).expect("a number"));
    for catalog in [Catalog::InMigration, Catalog::Modular, Catalog::Untold] {
        assert_eq!(pictures(Some(catalog), false), expected, "{catalog:?}");
        assert_eq!(pictures(Some(catalog), true), [""; 0], "not published: {catalog:?}");
    }
}

/// A variant that is not published is not for sale; the others are.
#[test]
fn a_variant_that_is_unpublished_goes() {
    let mut world = shop();
    world.shop.make_modular();
    import(&mut world);
    world.shop.change("products", &id("p", 3), days_ago(9), |product| {
        let current = &mut product["masterData"]["current"];
        current["masterVariant"]["unpublished"] = json!(true);
        current["masterVariant"]["lastModifiedAt"] = json!(shop::text(days_ago(1)));
    });
    let since = json!({"since": shop::text(days_ago(2))});
    world.start(ImportKind::Products, asked(ImportKind::Products, &since));
    world.run();
    assert_eq!(counts(&world, ImportKind::Products), [1, 1, 0, 0], "by its variant");
    catalogue(&mut world);
    let there = |sku: &str| world.account.variants.contains_key(&klaviyo(sku));
    assert!(!there("sku-3-1") && there("sku-3-2") && there("sku-3-3") && there("sku-3-4"));
    // The product is shown by the first of those that are left.
    assert_eq!(world.account.items[&klaviyo(&id("p", 3))]["price"], json!(3.02));
}

/// What changes leads to the product of its SKU, wherever the variant is.
#[test]
fn stock_and_prices_lead_to_products_by_their_variants() {
    for catalog in [Catalog::Classic, Catalog::InMigration, Catalog::Modular, Catalog::Untold] {
        for changed in ["inventory", "standalone-prices"] {
            let mut world = shop();
            let product = id("p", 3);
            world.shop.change("products", &product, days_ago(9), |product| {
                product["priceMode"] = json!("Standalone");
                product["masterData"]["current"]["masterVariant"]["prices"] = json!([]);
            });
            world.shop.put(
                "standalone-prices",
                json!({"id": "price", "sku": "sku-3-1", "active": true,
                    "createdAt": shop::text(days_ago(9)), "lastModifiedAt": shop::text(days_ago(9)),
                    "value": {"currencyCode": "EUR", "centAmount": 700, "fractionDigits": 2}}),
            );
            if catalog != Catalog::Classic {
                world.shop.make_modular();
            }
            world.shop.catalog = catalog;
            import(&mut world);
            let document = if changed == "inventory" { "e-sku-3-1" } else { "price" };
            world.shop.change(changed, document, days_ago(1), |document| {
                document["availableQuantity"] = json!(8);
                document["value"] =
                    json!({"currencyCode": "EUR", "centAmount": 800, "fractionDigits": 2});
            });
            let since = json!({"since": shop::text(days_ago(2))});
            world.start(ImportKind::Products, asked(ImportKind::Products, &since));
            world.run();
            let shown = format!("{catalog:?} {changed}");
            let run = world.store.run(ImportKind::Products);
            assert_eq!(run.state, RunState::Completed, "{shown}: {:?}", run.error);
            assert_eq!(counts(&world, ImportKind::Products), [1, 1, 0, 0], "{shown}");
            catalogue(&mut world);
            let (_, held) = &world.account.variants[&klaviyo("sku-3-1")];
            let expected = if changed == "inventory" { [8.0, 7.0] } else { [3.0, 8.0] };
            let held = [&held["inventory_quantity"], &held["price"]].map(Value::as_f64);
            assert_eq!(held, expected.map(Some), "{shown}");
        }
    }
}

/// Nothing is taken for gone because commercetools refuses to tell of it.
#[test]
fn a_refusal_to_tell_of_variants_fails_the_run_and_changes_nothing() {
    let mut world = shop();
    import(&mut world);
    let before = catalogue(&mut world);
    world.shop.make_modular();
    let since = json!({"since": shop::text(days_ago(2))});
    for (start, status) in [(json!({}), 404), (json!({}), 400), (since.clone(), 404), (since, 400)]
    {
        world.shop.refused = Some(("/variants", status));
        world.start(ImportKind::Products, asked(ImportKind::Products, &start));
        world.run();
        let run = world.store.run(ImportKind::Products).clone();
        assert_eq!(run.state, RunState::Failed, "{status}");
        assert_eq!(run.error.expect("an error").code, format!("commercetools_{status}"));
        assert_eq!(catalogue(&mut world), before, "{status}");
    }
    world.shop.refused = None;
    world.resume(ImportKind::Products);
    world.run();
    assert_eq!(catalogue(&mut world), before);
}

/// A SKU moves between two products, and Klaviyo carries out deletions later than all else.
#[test]
fn a_sku_that_moves_to_another_product_is_there_in_the_end() {
    for deletion_ms in [0, 90_000] {
        let mut world = shop();
        world.shop.make_modular();
        import(&mut world);
        let mut moved = Value::Null;
        let product = world.shop.all("products").find(|one| one["id"] == json!(id("p", 3)));
        moved.clone_from(&product.expect("a product")["masterData"]["current"]["variants"][2]);
        world.shop.change("products", &id("p", 3), days_ago(1), |product| {
            let current = &mut product["masterData"]["current"];
            let variants = current["variants"].as_array().cloned().expect("variants");
            current["variants"] = json!(variants[..2]);
        });
        world.shop.change("products", &id("p", 5), days_ago(1), |product| {
            product["masterData"]["current"]["variants"] = json!([moved.clone()]);
        });
        world.account.deletion_ms = deletion_ms;
        import(&mut world);
        catalogue(&mut world);
        let (item, _) = &world.account.variants[&klaviyo("sku-3-4")];
        assert_eq!(*item, klaviyo(&id("p", 5)), "{deletion_ms}");
        assert!(!world.account.variants.contains_key(&klaviyo("sku-5-2")), "{deletion_ms}");
    }
}

/// While variants are being moved, an item whose variants are not there yet keeps what it shows of them.
#[test]
fn an_item_without_variants_is_not_blanked() {
    for (catalog, is_blank) in
        [(Catalog::InMigration, false), (Catalog::Untold, false), (Catalog::Modular, true)]
    {
        let mut world = shop();
        import(&mut world);
        let before = catalogue(&mut world);
        world.shop.make_modular();
        world.shop.catalog = catalog;
        for number in 0..PRODUCTS {
            world.shop.change("products", &id("p", number), days_ago(9), |product| {
                let current = &mut product["masterData"]["current"];
                current["masterVariant"]["unpublished"] = json!(true);
                let others = current["variants"].as_array_mut().into_iter().flatten();
                others.for_each(|one| one["unpublished"] = json!(true));
            });
        }
        import(&mut world);
        assert_eq!(catalogue(&mut world) != before, is_blank, "{catalog:?}");
        assert_eq!(world.account.variants.is_empty(), is_blank, "{catalog:?}");
    }
}

/// More than a page of them.
#[test]
fn thousands_of_variants_are_brought() {
    let mut world = calm(&json!({}));
    world.shop.put("product-types", shop::sizes());
    world.shop.put("products", shop::product(0, 3_000, None, days_ago(9)));
    world.shop.put("products", shop::product(1, 2, None, days_ago(9)));
    world.shop.make_modular();
    import(&mut world);
    assert_eq!(counts(&world, ImportKind::Products), [2, 2, 0, 0]);
    assert_eq!(world.cuts, []);
    catalogue(&mut world);
    assert_eq!(world.account.variants.len(), 3_002);
    let (item, last) = &world.account.variants[&klaviyo("sku-0-3000")];
    assert_eq!((item, last["price"].as_f64()), (&klaviyo(&id("p", 0)), Some(30.0)));
}
