//! `docs/mapping.md`, "Klaviyo's guide, field by field": an order of twelve lines has each listed field, of the guide's
//! kind, in every line.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{code, table, text};
use crate::support::{Shop, config, deliver};

const LINES: usize = 12;

/// The fields that are numbers and lists at Klaviyo; all others are texts.
const NUMBERS: [&str; 5] = ["value", "DiscountValue", "Quantity", "ItemPrice", "RowTotal"];
const LISTS: [&str; 3] = ["Categories", "ItemNames", "Brands"];

fn money(cents: usize) -> Value {
    json!({"type": "centPrecision", "currencyCode": "EUR", "centAmount": cents, "fractionDigits": 2})
}

fn address(street: &str) -> Value {
    json!({"firstName": "Sarah", "lastName": "Mason", "company": "Mason Ltd", "streetName": street,
        "streetNumber": "89", "additionalAddressInfo": "Floor 3", "city": "New York",
        "region": "New York", "state": "NY", "country": "US", "postalCode": "10017",
        "phone": "+1 212 555 0123"})
}

fn line(number: usize) -> Value {
    json!({"id": format!("l{number}"), "productId": format!("p{number}"),
        "productKey": format!("key-{number}"), "productSlug": {"en": format!("slug-{number}")},
        "productType": {"typeId": "product-type", "id": "t"},
        "name": {"en": format!("Product {number}")},
        "variant": {"id": 1, "sku": format!("S{number}"), "prices": [],
            "images": [{"url": format!("https://cdn.example.com/{number}.jpg"),
                "dimensions": {"w": 1, "h": 1}}],
            "attributes": [{"name": "brand", "value": format!("Brand {number}")}]},
        "price": {"id": "p", "value": money(1_000)}, "quantity": number + 1,
        "totalPrice": money(1_000 * (number + 1)), "discountedPricePerQuantity": [],
        "taxedPricePortions": [], "state": [], "perMethodTaxRate": [],
        "priceMode": "Platform", "lineItemMode": "Standard"})
}

fn order() -> Value {
    let total = (1..=LINES).map(|count| 1_000 * count).sum::<usize>() - 500;
    json!({"id": "o1", "version": 1, "createdAt": "2026-06-30T10:00:00.000Z",
        "lastModifiedAt": "2026-06-30T10:00:00.000Z", "type": "Order", "orderNumber": "1001",
        "customerEmail": "sarah@example.com", "totalPrice": money(total), "orderState": "Open",
        "discountOnTotalPrice": {"discountedAmount": money(500), "includedDiscounts": []},
        "discountCodes": [{"discountCode": {"typeId": "discount-code", "id": "d1"},
            "state": "MatchesCart"}],
        "billingAddress": address("42nd St"), "shippingAddress": address("Park Ave"),
        "lineItems": (0..LINES).map(line).collect::<Vec<_>>(), "customLineItems": []})
}

fn shop() -> Shop {
    let product = |number: usize| {
        let name = format!("Category {number}");
        let category = json!({"id": format!("k{number}"), "name": {"en": name}, "ancestors": []});
        json!({"id": format!("p{number}"), "version": 1, "masterData": {"published": true,
            "current": {"name": {"en": "P"}, "slug": {"en": "p"}, "categories":
                [{"typeId": "category", "id": format!("k{number}"), "obj": category}]}}})
    };
    let products = (0..LINES).map(|number| ("/products".to_owned(), product(number)));
    let code = ("/discount-codes".to_owned(), json!({"id": "d1", "code": "SPRING"}));
    products.chain([code]).collect()
}

/// The events of the order, each with its profile's attributes.
fn events() -> Vec<Value> {
    let template = "https://shop.example.com/p/{{productSlug}}";
    let config = config(&[("PREFERRED_LOCALE", "en"), ("PRODUCT_URL_TEMPLATE", template)]);
    let order = order();
    let message = json!({"notificationType": "Message", "projectKey": "shop", "id": "m1",
        "version": 1, "sequenceNumber": 1, "resource": {"typeId": "order", "id": "o1"},
        "resourceVersion": 1, "type": "OrderCreated", "createdAt": "2026-06-30T10:00:00.000Z",
        "lastModifiedAt": "2026-06-30T10:00:00.000Z", "order": order});
    let bodies = deliver(&config, &shop(), &message).bodies();
    let mut events = Vec::new();
    for group in bodies.iter().flat_map(|body| {
        let groups = body.pointer("/data/attributes/events-bulk-create/data");
        groups.and_then(Value::as_array).expect("so many events go in bulk")
    }) {
        let profile = &group["attributes"]["profile"]["data"]["attributes"];
        for event in group["attributes"]["events"]["data"].as_array().expect("events") {
            let mut event = event["attributes"].clone();
            event["profile"] = profile.clone();
            event["metric"] = event["metric"]["data"]["attributes"]["name"].take();
            events.push(event);
        }
    }
    events
}

/// What is at a path: of a list (`Items[]`) in each member.
fn at<'a>(value: &'a Value, path: &str) -> Vec<&'a Value> {
    let Some((name, rest)) = path.split_once('.') else { return vec![&value[path]] };
    match name.strip_suffix("[]") {
        None => at(&value[name], rest),
        Some(list) => {
            let members = value[list].as_array().expect("a list");
            members.iter().flat_map(|member| at(member, rest)).collect()
        }
    }
}

fn is_there(field: &str, value: &Value) -> bool {
    let name = field.rsplit('.').next().unwrap_or(field);
    if NUMBERS.contains(&name) {
        value.as_f64().is_some_and(|number| number > 0.0)
    } else if LISTS.contains(&name) {
        let is_text = |one: &Value| one.as_str().is_some_and(|text| !text.is_empty());
        value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_text))
    } else {
        value.as_str().is_some_and(|text| !text.is_empty())
    }
}

#[test]
fn an_order_of_twelve_lines_has_every_field_of_the_guide() {
    let page = text("docs/mapping.md");
    let rows = table(&page, "### Klaviyo's guide, field by field");
    let events = events();
    for (metric, count) in [("Placed Order", 1), ("Ordered Product", LINES)] {
        let of: Vec<_> = events.iter().filter(|event| event["metric"] == metric).collect();
        assert_eq!(of.len(), count, "{metric}");
        let fields: Vec<_> = rows.iter().filter(|row| row[0] == metric).collect();
        assert!(fields.len() > 10, "{metric}");
        for row in fields {
            let field = code(&row[1]);
            for event in &of {
                let found = at(event, field);
                let expected = if field.contains("[]") { LINES } else { 1 };
                assert_eq!(found.len(), expected, "{metric} {field}");
                for value in found {
                    assert!(is_there(field, value), "{metric} {field}: {value}");
                }
            }
        }
    }
}

#[test]
fn what_all_lines_have_stands_once_at_the_top() {
    let events = events();
    let placed = events.iter().find(|event| event["metric"] == "Placed Order").expect("an event");
    for (list, name) in [("ItemNames", "Product"), ("Brands", "Brand"), ("Categories", "Category")]
    {
        let found = placed["properties"][list].as_array().expect("a list");
        assert_eq!(found.len(), LINES, "{list}");
        for number in 0..LINES {
            assert!(found.contains(&json!(format!("{name} {number}"))), "{list} {number}");
        }
    }
    let ids: BTreeSet<_> = events.iter().map(|event| event["unique_id"].to_string()).collect();
    assert_eq!(ids.len(), LINES + 1);
}
