//! The events in the shop, and their notifications.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{BUSY, World};
use crate::import::shop::{self, Catalog, Shop, id, text};
use crate::import::world::time;

/// How many there are of each.
pub(super) const CUSTOMERS: u64 = 4;
pub(super) const CATEGORIES: u64 = 2;
pub(super) const PRODUCTS: u64 = 4;

/// A notification that says that a resource was changed.
fn changed(type_id: &str, id: &str) -> Value {
    json!({"notificationType": "ResourceUpdated", "resource": {"typeId": type_id, "id": id}})
}

/// Fills the shop as it is before anybody listens.
pub(super) fn fill(world: &mut World) {
    let created = time(world.now) - chrono::Duration::hours(100);
    for number in 0..CUSTOMERS {
        let email = format!("c{number}@example.com");
        world.shop.put("customers", shop::customer(number, created, &email));
    }
    world.shop.put("product-types", shop::sizes());
    for number in 0..CATEGORIES {
        world.shop.put("categories", shop::category(number, created));
    }
    for number in 0..PRODUCTS {
        let category = Some(number % CATEGORIES);
        let mut product = shop::product(number, 2, category, created);
        // Products of the first half have a price that begins and ends while everything runs.
        if number < PRODUCTS / 2 {
            let from = 1_000 + world.chance.next(BUSY);
            let until = from + 1_000 + world.chance.next(BUSY);
            let [from, until] = [from, until].map(|wait| text(time(world.now + wait)));
            let sale = json!({"value": {"currencyCode": "EUR", "centAmount": 77, "fractionDigits": 2},
                "validFrom": from, "validUntil": until});
            let prices = product["masterData"]["current"]["masterVariant"]["prices"].as_array_mut();
            prices.expect("prices").push(sale);
        }
        world.shop.put("products", product);
        for variant in 1..=2 {
            let channels: &[Option<&str>] = match (number + variant) % 3 {
                0 => &[Some("north"), Some("south")],
                1 => &[None, Some("north")],
                _ => &[None],
            };
            for channel in channels {
                world.shop.put("inventory", entry(number, variant, *channel, created));
            }
        }
    }
    for number in 0..3 {
        let mut order =
            shop::order(number, Some("c0@example.com"), "Open", &[number], None, created);
        if number > 0 {
            order["customerId"] = json!(id("c", number));
        }
        world.shop.put("orders", order);
    }
}

/// The stock of a SKU in one place.
fn entry(number: u64, variant: u64, channel: Option<&str>, created: DateTime<Utc>) -> Value {
    let place = channel.unwrap_or("nowhere");
    let mut entry = json!({"id": format!("e-{number}-{variant}-{place}"),
        "sku": format!("sku-{number}-{variant}"), "version": 1,
        "availableQuantity": 1, "quantityOnStock": 1,
        "createdAt": text(created), "lastModifiedAt": text(created)});
    if let Some(channel) = channel {
        entry["supplyChannel"] = json!({"typeId": "channel", "id": channel});
    }
    entry
}

/// The stock of a SKU changes in one place, or begins to lie in another.
fn change_stock(world: &mut World, version: u64, now: DateTime<Utc>) -> Value {
    let (number, variant) = (world.chance.next(PRODUCTS), 1 + world.chance.next(2));
    let places = ["nowhere", "north", "south", "east"];
    let mut ids = places.iter().map(|place| format!("e-{number}-{variant}-{place}"));
    let east = ids.next_back().expect("a place");
    let there = |id: &String| world.shop.all("inventory").any(|entry| entry["id"] == json!(id));
    let mut ids: Vec<_> = ids.filter(there).collect();
    if there(&east) {
        ids.push(east);
    } else if ids.is_empty() || world.chance.happens(150) {
        let created = entry(number, variant, Some("east"), now);
        world.shop.put("inventory", created.clone());
        return json!({"notificationType": "Message", "id": format!("m-{east}"),
            "type": "InventoryEntryCreated", "createdAt": created["createdAt"],
            "resource": {"typeId": "inventory-entry", "id": east}, "inventoryEntry": created});
    }
    let id = &ids[usize::try_from(world.chance.next(ids.len() as u64)).expect("few")];
    // Sold out now and then, and sold more than there is.
    let quantity = match world.chance.next(5) {
        0 => json!(0),
        1 => json!(-3),
        _ => json!(version),
    };
    world.shop.change("inventory", id, now, |entry| {
        entry["quantityBefore"] = entry["availableQuantity"].clone();
        entry["availableQuantity"] = quantity.clone();
        entry["version"] = json!(version);
    });
    changed("inventory-entry", id)
}

/// An inventory entry is deleted: a SKU without any is not tracked.
pub(super) fn delete_stock(world: &mut World) -> Value {
    let (number, variant) = (world.chance.next(PRODUCTS), 1 + world.chance.next(2));
    let id = format!("e-{number}-{variant}-nowhere");
    world.shop.remove("inventory", &id);
    json!({"notificationType": "Message", "id": format!("m-{id}"),
        "type": "InventoryEntryDeleted", "createdAt": text(time(world.now)),
        "resource": {"typeId": "inventory-entry", "id": id},
        "sku": format!("sku-{number}-{variant}")})
}

/// How much there is of a SKU, and whether Klaviyo is to hide it when there is none: the rule in
/// words of its own. `named` is the only channel that sells, if there is one.
pub(super) fn stock(shop: &Shop, sku: &str, named: Option<&str>) -> (i64, bool) {
    let of_sku: Vec<_> = shop.all("inventory").filter(|entry| entry["sku"] == sku).collect();
    let channel = |entry: &Value| {
        entry.pointer("/supplyChannel/id").and_then(Value::as_str).map(ToOwned::to_owned)
    };
    if of_sku.is_empty() {
        return (0, false);
    }
    let has_free = of_sku.iter().any(|entry| channel(entry).is_none());
    let counted = of_sku.iter().filter(|entry| match (named, channel(entry)) {
        (Some(named), channel) => channel.as_deref() == Some(named),
        (None, channel) => channel.is_none() || !has_free,
    });
    let quantity = |entry: &&&Value| entry["availableQuantity"].as_i64().expect("a quantity");
    let counted: Vec<_> = counted.map(|entry| quantity(&entry)).collect();
    let all_below = counted.iter().all(|quantity| *quantity < 0);
    let sum = counted.iter().filter(|quantity| all_below || **quantity > 0).sum();
    let is_sold = named.is_none() && of_sku.iter().any(|entry| quantity(&entry) > 0);
    (sum, sum > 0 || !is_sold)
}

/// Something happens in the shop: what is told of it.
pub(super) fn happen(world: &mut World) -> Value {
    world.version += 1;
    let version = world.version;
    let now = time(world.now);
    match world.chance.next(10) {
        0..3 => {
            let id = id("c", world.chance.next(CUSTOMERS));
            if world.shop.all("customers").any(|customer| customer["id"] == json!(id)) {
                world.shop.change("customers", &id, now, |customer| {
                    customer["firstName"] = json!(format!("v{version}"));
                });
            }
            changed("customer", &id)
        }
        3 => {
            let id = id("k", world.chance.next(CATEGORIES));
            world.shop.change("categories", &id, now, |category| {
                category["name"]["en"] = json!(format!("Category v{version}"));
            });
            changed("category", &id)
        }
        4 | 7 | 8 if world.shop.catalog == Catalog::Modular => change_variant(world, version, now),
        4 | 5 => {
            let number = world.chance.next(PRODUCTS);
            let unpublished = world.chance.happens(250);
            let id = id("p", number);
            if world.shop.all("products").any(|product| product["id"] == json!(id)) {
                world.shop.change("products", &id, now, |product| {
                    product["masterData"]["published"] = json!(!unpublished);
                    product["masterData"]["current"]["name"]["en"] =
                        json!(format!("Product v{version}"));
                });
            }
            changed("product", &id)
        }
        6..9 => change_stock(world, version, now),
        _ => {
            let customer = world.chance.next(2 * CUSTOMERS);
            place_order(world, customer)
        }
    }
}

/// A variant that is a document of its own is published or not, which its product does not tell.
fn change_variant(world: &mut World, version: u64, now: DateTime<Utc>) -> Value {
    let product = id("p", world.chance.next(PRODUCTS));
    let unpublished = world.chance.happens(700);
    // The product's own time of change stays as it is.
    world.shop.change_silently("products", &product, |product| {
        let variant = &mut product["masterData"]["current"]["variants"][0];
        variant["unpublished"] = json!(unpublished);
        variant["lastModifiedAt"] = json!(text(now));
    });
    let variant = json!({"typeId": "variant", "id": format!("v-{product}-2")});
    if version.is_multiple_of(2) {
        return json!({"notificationType": "ResourceUpdated", "resource": variant});
    }
    let name = if unpublished { "VariantUnpublished" } else { "VariantPublished" };
    json!({"notificationType": "Message", "id": format!("m-variant-{version}"), "type": name,
        "createdAt": text(now), "resource": variant,
        "product": {"typeId": "product", "id": product}})
}

/// Whether a variant, by its number, is not for sale while its product is.
pub(super) fn is_unpublished(product: &Value, variant: u64) -> bool {
    let others = product["masterData"]["current"]["variants"].as_array().into_iter().flatten();
    let mut others = others.filter(|one| one["id"] == json!(variant));
    others.any(|one| one["unpublished"] == json!(true))
}

/// A customer places an order; of a number that no customer has, a guest does.
pub(super) fn place_order(world: &mut World, customer: u64) -> Value {
    world.version += 1;
    let number = 1_000 + world.version;
    let lines = [world.chance.next(PRODUCTS)];
    let mut order =
        shop::order(number, Some("buyer@example.com"), "Open", &lines, None, time(world.now));
    let customer = id("c", customer);
    let is_there = |known: &&Value| world.is_told && known["id"] == json!(customer);
    if let Some(known) = world.shop.all("customers").find(is_there) {
        order["customerEmail"] = known["email"].clone();
        order["customerId"] = json!(customer);
    }
    world.shop.put("orders", order.clone());
    if world.ignores_orders() {
        world.excused.insert(id("o", number));
    }
    json!({"notificationType": "Message", "id": format!("m-{number}"), "type": "OrderCreated",
        "resource": {"typeId": "order", "id": order["id"]}, "order": order,
        "createdAt": order["createdAt"]})
}

/// A customer is deleted, with personal data.
pub(super) fn erase(world: &mut World, customer: u64) -> Value {
    let id = id("c", customer);
    world.shop.remove("customers", &id);
    world.erased.insert(id.clone());
    json!({"notificationType": "ResourceDeleted", "dataErasure": true,
        "resource": {"typeId": "customer", "id": id}})
}

/// The categories in which a product stands, and those above them.
pub(super) fn categories(shop: &Shop, product: &Value) -> BTreeSet<String> {
    let own = product["masterData"]["current"]["categories"].as_array().into_iter().flatten();
    let own: Vec<_> =
        own.filter_map(|own| shop.all("categories").find(|one| one["id"] == own["id"])).collect();
    let above = own.iter().flat_map(|own| own["ancestors"].as_array().into_iter().flatten());
    let all = own.iter().copied().chain(above);
    all.filter_map(|one| one["id"].as_str().map(ToOwned::to_owned)).collect()
}

/// The category that is merged into another one: by their numbers.
const MERGED: (u64, u64) = (1, 0);

/// A product that stands in a category which is to be merged into another one stands there from now on.
pub(super) fn leave_category(world: &mut World, product: u64) -> Value {
    let (from, into) = (id("k", MERGED.0), id("k", MERGED.1));
    let (product, now) = (id("p", product), time(world.now));
    let is_in = |one: &Value| one["masterData"]["current"]["categories"][0]["id"] == json!(from);
    if world.shop.all("products").any(|one| one["id"] == json!(product) && is_in(one)) {
        world.shop.change("products", &product, now, |one| {
            one["masterData"]["current"]["categories"][0]["id"] = json!(into);
        });
    }
    changed("product", &product)
}

/// A category is deleted. What stands in it does so no more, without a word.
pub(super) fn delete_category(world: &mut World) -> Value {
    let from = id("k", MERGED.0);
    world.shop.remove("categories", &from);
    json!({"notificationType": "ResourceDeleted", "resource": {"typeId": "category", "id": from}})
}

/// A product is deleted. Its stock stays, as in commercetools.
pub(super) fn delete(world: &mut World) -> Value {
    let id = id("p", world.chance.next(PRODUCTS));
    world.shop.remove("products", &id);
    json!({"notificationType": "ResourceDeleted", "resource": {"typeId": "product", "id": id}})
}
