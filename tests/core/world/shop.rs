//! What happens in the shop, and the notifications that tell of it.

use commercetools_klaviyo::http::HttpAnswer;
use serde_json::{Value, json};

use super::{BUSY, World};
use crate::import::shop::{self, Shop, id, text};
use crate::import::world::time;

/// How many there are of each.
pub(super) const CUSTOMERS: u64 = 4;
pub(super) const CATEGORIES: u64 = 2;
pub(super) const PRODUCTS: u64 = 4;

/// A notification that says that a resource was changed.
fn changed(type_id: &str, id: &str) -> Value {
    json!({"notificationType": "ResourceUpdated", "resource": {"typeId": type_id, "id": id}})
}

/// The answer to a query, or to a read by id.
pub(super) fn answer(shop: &Shop, path_and_query: &str) -> HttpAnswer {
    let path = path_and_query.split('?').next().expect("a path").trim_start_matches('/');
    let Some((resource, id)) = path.split_once('/') else {
        return HttpAnswer {
            status: 200,
            body: shop.answer(path_and_query),
            ..HttpAnswer::default()
        };
    };
    let Some(document) = shop.all(resource).find(|one| one["id"] == json!(id)) else {
        let body = json!({"statusCode": 404, "message": "none"}).to_string();
        return HttpAnswer { status: 404, body, ..HttpAnswer::default() };
    };
    let body = shop.expanded(resource, document).to_string();
    HttpAnswer { status: 200, body, ..HttpAnswer::default() }
}

/// Fills the shop as it is before anybody listens.
pub(super) fn fill(world: &mut World) {
    let created = time(world.now) - chrono::Duration::hours(100);
    for number in 0..CUSTOMERS {
        let email = format!("c{number}@example.com");
        world.shop.put("customers", shop::customer(number, created, &email));
    }
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
            let sku = format!("sku-{number}-{variant}");
            let entry = json!({"id": format!("e-{number}-{variant}"), "sku": sku,
                "availableQuantity": 1, "quantityOnStock": 1,
                "createdAt": text(created), "lastModifiedAt": text(created)});
            world.shop.put("inventory", entry);
        }
    }
    for number in 0..3 {
        let order = shop::order(number, Some("c0@example.com"), "Open", &[number], None, created);
        world.shop.put("orders", order);
    }
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
        6..9 => {
            let (number, variant) = (world.chance.next(PRODUCTS), 1 + world.chance.next(2));
            let id = format!("e-{number}-{variant}");
            world.shop.change("inventory", &id, now, |entry| {
                entry["availableQuantity"] = json!(version);
            });
            changed("inventory-entry", &id)
        }
        _ => place_order(world),
    }
}

fn place_order(world: &mut World) -> Value {
    let number = 1_000 + world.version;
    let lines = [world.chance.next(PRODUCTS)];
    let order =
        shop::order(number, Some("buyer@example.com"), "Open", &lines, None, time(world.now));
    world.shop.put("orders", order.clone());
    json!({"notificationType": "Message", "id": format!("m-{number}"), "type": "OrderCreated",
        "resource": {"typeId": "order", "id": order["id"]}, "order": order,
        "createdAt": order["createdAt"]})
}

/// A customer is deleted, with personal data.
pub(super) fn erase(world: &mut World) -> Value {
    let id = id("c", world.chance.next(CUSTOMERS));
    world.shop.remove("customers", &id);
    world.erased.insert(id.clone());
    json!({"notificationType": "ResourceDeleted", "dataErasure": true,
        "resource": {"typeId": "customer", "id": id}})
}

/// A product is deleted. Its stock stays, as in commercetools.
pub(super) fn delete(world: &mut World) -> Value {
    let id = id("p", world.chance.next(PRODUCTS));
    world.shop.remove("products", &id);
    json!({"notificationType": "ResourceDeleted", "resource": {"typeId": "product", "id": id}})
}
