//! The plugin's own outputs, against ours.
//!
//! `../shared/parity/` holds inputs with the exact bodies that the Node.js plugin sends for them.
//! Ours may differ only as the one table below says, and each row of it must be needed. Tests that
//! need `../shared` are in modules named `needs_shared` and fail if it is missing; to leave them
//! out, run `cargo test -- --skip needs_shared`.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test may stop where something is missing"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use crate::support::{Shop, config, deliver, object, requests, sent};
use commercetools_klaviyo::config::Config;
use commercetools_klaviyo::klaviyo::verdict::Verdict;
use serde_json::{Map, Value, json};

/// A place where ours differs on purpose.
struct Difference {
    /// Which vectors, by the start of their name.
    vectors: &'static str,
    /// Where, as a JSON pointer in which `*` stands for one segment or the rest of one; everything
    /// below it counts. What a text of the metadata says in JSON counts as if it stood there.
    pointer: &'static str,
    why: &'static str,
}

const fn differs(vectors: &'static str, pointer: &'static str, why: &'static str) -> Difference {
    Difference { vectors, pointer, why }
}

/// Every intended difference.
const DIFFERENCES: &[Difference] = &[
    differs("customer_", "/data/attributes/phone_number", "E.164, as Klaviyo takes nothing else"),
    differs("customer_noaddress", "/data/attributes/location", "a new customer clears nothing"),
    differs("customer_0_update", "/data/id", "an upsert finds the profile by its identifiers"),
    differs("customer_1_update", "/data/id", "an upsert finds the profile by its identifiers"),
    differs("customer_2_update", "/data/id", "an upsert finds the profile by its identifiers"),
    differs("customer_", "/data/attributes/organization", "cleared when gone, on a change"),
    differs("customer_", "/data/attributes/locale", "cleared when gone, on a change"),
    differs("customer_", "/data/attributes/location/region", "cleared when gone, on a change"),
    differs("customer_", "/data/attributes/location/address1", "the number as in the country"),
    differs("customer_", "/data/attributes/location/address2", "absent, where it says nothing"),
    differs("customer_", "/data/attributes/title", "Klaviyo's is the title of a job"),
    differs("customer_", "/data/attributes/properties", "the customer's further fields"),
    differs("order_", "/data/attributes/value_currency", "shops sell in several currencies"),
    differs("order_", "/data/attributes/backfill", "what is a day old starts no flow"),
    differs("order_", "/data/attributes/properties/OrderId", "Klaviyo's guide"),
    differs("order_", "/data/attributes/properties/OrderNumber", "Klaviyo's guide"),
    differs("order_", "/data/attributes/properties/Items", "Klaviyo's guide"),
    differs("order_", "/data/attributes/properties/ItemCount", "a flat number for segments"),
    differs("order_", "/data/attributes/properties/StoreKey", "a flat text for segments"),
    differs("order_", "/data/attributes/properties/Subtotal", "a flat number for segments"),
    differs("order_", "/data/attributes/properties/transactionFee", "`false` is a value (M4)"),
    differs("order_", "/data/attributes/properties/lineItems/*/variant/prices", "M3"),
    differs("order_0_refunded", "/data/attributes/properties/paymentInfo/payments/*/obj", "M3"),
    differs("order_0_line", "/data/attributes/time", "the real time, not a second later"),
    differs("order_0_line", "/data/attributes/properties/variant/prices", "M3"),
    differs("order_0_line", "/data/attributes/properties/ProductID", "Klaviyo's guide"),
    differs("order_0_line", "/data/attributes/properties/SKU", "Klaviyo's guide"),
    differs("order_0_line", "/data/attributes/properties/ProductName", "Klaviyo's guide"),
    differs("order_0_line", "/data/attributes/properties/Quantity", "Klaviyo's guide"),
    differs("order_0_line", "/data/attributes/properties/ItemPrice", "Klaviyo's guide"),
    differs("order_0_line", "/data/attributes/properties/RowTotal", "Klaviyo's guide"),
    differs("order_0_line", "/data/attributes/properties/ImageURL", "Klaviyo's guide"),
    differs("product_", "/data/attributes/images", "all of them, not only the first (M5)"),
    differs("product_", "/data/attributes/custom_metadata/attribute_*", "attributes (M5)"),
    differs("product_", "/data/attributes/custom_metadata/price_json/price_DE", "M2"),
    differs("product_", "/data/attributes/custom_metadata/price_json/price_IT", "M2"),
    differs("product_", "/data/attributes/custom_metadata/price_json/price_GB", "M2"),
    differs("product_", "/data/attributes/custom_metadata/currency_json/currency_GB", "M2"),
    differs("product_0_variant", "/data/attributes/inventory_policy", "not tracked (R19)"),
];

mod needs_shared {
    use super::*;

    #[test]
    fn ours_differs_from_the_plugin_only_on_purpose() {
        let mut needed = BTreeSet::new();
        let mut compared = 0;
        for (name, vector) in vectors() {
            let Some(ours) = ours(&name, &vector) else { continue };
            compared += 1;
            let mut places = Vec::new();
            compare(&vector["expectedBody"], &ours, String::new(), &mut places);
            for place in places {
                let row = DIFFERENCES
                    .iter()
                    .position(|row| name.starts_with(row.vectors) && covers(row.pointer, &place));
                match row {
                    Some(row) => needed.insert(row),
                    None => panic!(
                        "{name}{place}: the plugin has {}, ours {}",
                        shown(&vector["expectedBody"], &place),
                        shown(&ours, &place)
                    ),
                };
            }
        }
        assert!(compared >= 24, "only {compared} vectors were found");
        for (index, row) in DIFFERENCES.iter().enumerate() {
            assert!(
                needed.contains(&index),
                "not needed: {} {} ({})",
                row.vectors,
                row.pointer,
                row.why
            );
        }
    }
}

/// All vectors by name.
fn vectors() -> Vec<(String, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/parity");
    let entries = fs::read_dir(folder).expect("the vectors of ../shared/parity");
    let mut vectors: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).expect("a vector");
            (name, serde_json::from_str(&text).expect("JSON"))
        })
        .collect();
    vectors.sort_by(|(one, _): &(String, Value), (other, _)| one.cmp(other));
    vectors
}

/// Of each vector: its settings, its input, and what ours sends for it.
pub(crate) fn bodies_of_vectors() -> Vec<(Config, Value, Vec<Value>)> {
    let bodies = |(name, vector): (String, Value)| {
        let ours = ours(&name, &vector)?;
        Some((config(&settings(&vector)?), vector["input"].clone(), vec![ours]))
    };
    vectors().into_iter().filter_map(bodies).collect()
}

fn settings(vector: &Value) -> Option<Vec<(&str, &str)>> {
    let settings = vector["env"].as_object()?.iter();
    Some(settings.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect())
}

/// What ours sends for the input of a vector; none for what is not built yet.
fn ours(name: &str, vector: &Value) -> Option<Value> {
    let config = config(&settings(vector)?);
    let input = &vector["input"];
    let metric =
        &vector["expectedBody"]["data"]["attributes"]["metric"]["data"]["attributes"]["name"];
    let bodies = if name.starts_with("customer_") {
        let kind = if name.ends_with("_create") { "ResourceCreated" } else { "ResourceUpdated" };
        let notification = change(kind, "customer", input);
        deliver(&config, &vec![("/customers/it".to_owned(), input.clone())], &notification).bodies()
    } else if name.starts_with("order_") {
        let order = &input["order"];
        let mut shop = vec![("/orders/it".to_owned(), order.clone())];
        if let Some(id) = order["customerId"].as_str() {
            let customer = json!({"id": id, "email": order["customerEmail"]});
            shop.push((format!("/customers/{id}"), customer));
        }
        let products = input["products"].as_array().cloned().unwrap_or_default();
        shop.extend(products.into_iter().map(|product| ("/products".to_owned(), product)));
        let at = &order["lastModifiedAt"];
        let notification = match metric.as_str()? {
            "Placed Order" | "Ordered Product" => {
                message("OrderCreated", "order", at, json!({ "order": order }))
            }
            "Fulfilled Order" => {
                message("OrderStateChanged", "order", at, json!({"orderState": "Complete"}))
            }
            "Cancelled Order" => {
                message("OrderStateChanged", "order", at, json!({"orderState": "Cancelled"}))
            }
            "Refunded Order" => {
                shop.push(("/payments/it".to_owned(), payment(order)));
                shop.push(("/orders".to_owned(), order.clone()));
                let refund = json!({"transactionId": "t1", "state": "Success"});
                message("PaymentTransactionStateChanged", "payment", at, refund)
            }
            other => panic!("an unknown metric: {other}"),
        };
        deliver(&config, &shop, &notification).bodies()
    } else if name.starts_with("category_") {
        let kind = if name.ends_with("_create") { "ResourceCreated" } else { "ResourceUpdated" };
        let notification = change(kind, "category", input);
        let shop = vec![("/categories/it".to_owned(), input.clone())];
        return Some(written(&config, &shop, &notification, vector));
    } else if name.starts_with("product_") {
        let product = input.get("product").unwrap_or(input);
        let mut shop = vec![("/products/it".to_owned(), product.clone())];
        if name.ends_with("_update") {
            let id = &vector["expectedBody"]["data"]["id"];
            shop.push(("klaviyo/variants".to_owned(), id.clone()));
        }
        let notification = change("ResourceUpdated", "product", product);
        return Some(written(&config, &shop, &notification, vector));
    } else {
        return None;
    };
    let wanted = &vector["expectedBody"]["data"]["attributes"]["unique_id"];
    let body = bodies.into_iter().find(|body| {
        let attributes = &body["data"]["attributes"];
        attributes["unique_id"] == *wanted
            && attributes["metric"]["data"]["attributes"]["name"] == *metric
    });
    Some(body.unwrap_or_else(|| panic!("{name}: no such body was sent")))
}

/// The body that writes the object of a vector. A category is first updated, since that is the
/// upsert: what creates it is what comes of a 404.
fn written(config: &Config, shop: &Shop, notification: &Value, vector: &Value) -> Value {
    let endpoint = vector["endpoint"].as_str().expect("an endpoint");
    let method = endpoint.split(' ').next().expect("a method");
    let data = &vector["expectedBody"]["data"];
    let requests = requests(config, shop, notification);
    let tries = requests.iter().flat_map(|first| {
        [Some(first.clone()), first.way_out(&Verdict::Missing)].into_iter().flatten()
    });
    let bodies = tries.filter(|request| request.method() == method).map(|request| sent(&request).1);
    let mut same = bodies.filter(|body| {
        body["data"]["type"] == data["type"]
            && body["data"].get("id") == data.get("id")
            && body["data"]["attributes"].get("external_id")
                == data["attributes"].get("external_id")
    });
    same.next().unwrap_or_else(|| panic!("no {method} of {}", data["type"]))
}

/// The first payment of an order, which the vector holds expanded.
fn payment(order: &Value) -> Value {
    let reference = &order["paymentInfo"]["payments"][0];
    let mut payment = object(reference["obj"].clone());
    payment.insert("id".to_owned(), reference["id"].clone());
    Value::Object(payment)
}

fn change(kind: &str, type_id: &str, document: &Value) -> Value {
    assert!(document.is_object());
    json!({"notificationType": kind, "resource": {"typeId": type_id, "id": "it"}})
}

fn message(name: &str, type_id: &str, at: &Value, fields: Value) -> Value {
    let mut message = Map::new();
    message.insert("notificationType".to_owned(), "Message".into());
    message.insert("type".to_owned(), name.into());
    message.insert("createdAt".to_owned(), at.clone());
    message.insert("resource".to_owned(), json!({"typeId": type_id, "id": "it"}));
    message.extend(object(fields));
    Value::Object(message)
}

/// Collects the pointers at which the two differ. Numbers are compared by value.
fn compare(theirs: &Value, ours: &Value, pointer: String, places: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
            for name in names {
                let pointer = format!("{pointer}/{name}");
                match (theirs.get(name), ours.get(name)) {
                    (Some(theirs), Some(ours)) => compare(theirs, ours, pointer, places),
                    _ => places.push(pointer),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (index, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                compare(theirs, ours, format!("{pointer}/{index}"), places);
            }
        }
        (Value::Number(theirs), Value::Number(ours)) if theirs.as_f64() == ours.as_f64() => {}
        (theirs, ours) if theirs == ours => {}
        (Value::String(theirs), Value::String(ours)) if pointer.ends_with("_json") => {
            let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
            compare(&read(theirs), &read(ours), pointer, places);
        }
        _ => places.push(pointer),
    }
}

fn covers(pattern: &str, pointer: &str) -> bool {
    let mut pointer = pointer.split('/');
    pattern.split('/').all(|expected| {
        let starts = |segment: &str| {
            expected.strip_suffix('*').is_some_and(|start| segment.starts_with(start))
        };
        pointer.next().is_some_and(|segment| expected == segment || starts(segment))
    })
}

fn shown(body: &Value, pointer: &str) -> String {
    body.pointer(pointer).map_or_else(|| "nothing".to_owned(), ToString::to_string)
}
