//! Compares one expected record with what Klaviyo holds: which of the important values differ.
//!
//! For a person it shows only differences. It does not compare what Klaviyo may change by itself, such as a phone
//! number, or what others may write, such as properties.

use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use super::expected::ExpectedRecord;
use crate::klaviyo::catalog::{CatalogKind, CatalogObject};
use crate::klaviyo::event::Event;
use crate::klaviyo::field_patch::FieldPatch;
use crate::klaviyo::profile::Profile;
use crate::klaviyo::read_back::{HeldEvent, HeldRecord};
use crate::mapping::identity::external;

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Compared {
    /// The name of the part, for the line.
    pub(super) what: String,
    /// What Klaviyo should hold; null if nothing.
    pub(super) expected: Value,
    /// What Klaviyo holds; null if nothing.
    pub(super) actual: Value,
    /// The names of the differing values.
    pub(super) differing: Vec<&'static str>,
}

/// Two values to compare, with their name: the expected one, and the held one.
type Pair = (&'static str, Value, Value);

/// A profile with its names and identifiers.
pub(super) fn profile(profile: &Profile, held: Option<&HeldRecord>) -> Compared {
    let what = "Profile".to_owned();
    let Some(held) = held else {
        return Compared {
            what,
            expected: known_by(profile),
            actual: Value::Null,
            differing: vec![],
        };
    };
    let texts = [
        ("first_name", &profile.first_name),
        ("last_name", &profile.last_name),
        ("organization", &profile.organization),
        ("title", &profile.title),
    ];
    let identifiers = [("external_id", &profile.external_id), ("email", &profile.email)];
    let identifiers = identifiers
        .into_iter()
        .filter_map(|(name, value)| Some((name, json!(value.as_deref()?), member(held, name))));
    let texts = texts.into_iter().filter_map(|(name, patch)| match patch {
        FieldPatch::Keep => None,
        FieldPatch::Clear => Some((name, Value::Null, member(held, name))),
        FieldPatch::Set(value) => Some((name, json!(value), member(held, name))),
    });
    let differing: Vec<Pair> =
        identifiers.chain(texts).filter(|pair| !is_same_text(pair)).collect();
    let mut expected = known_by(profile);
    let mut actual = json!({ "id": held.id });
    for (name, wanted, found) in &differing {
        expected[*name] = wanted.clone();
        actual[*name] = found.clone();
    }
    Compared { what, expected, actual, differing: differing.iter().map(|pair| pair.0).collect() }
}

/// The profile that an order's events belong to, whatever else it contains.
pub(super) fn owner(profile: &Profile, held: Option<&HeldRecord>) -> Compared {
    let actual = held.map_or(Value::Null, |held| json!({ "id": held.id }));
    Compared { what: "Profile".to_owned(), expected: known_by(profile), actual, differing: vec![] }
}

/// The identifiers of a profile; an e-mail address is not repeated.
fn known_by(profile: &Profile) -> Value {
    match &profile.external_id {
        Some(id) => json!({ "external_id": id }),
        None => json!({ "known_by": "e-mail address" }),
    }
}

fn member(held: &HeldRecord, name: &str) -> Value {
    held.attributes.get(name).cloned().unwrap_or_default()
}

/// Klaviyo keeps addresses in lower case, and trims texts.
fn is_same_text((name, wanted, found): &Pair) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
    let (wanted, found) = (text(wanted), text(found));
    wanted == found || (*name == "email" && wanted.to_lowercase() == found.to_lowercase())
}

/// An event: its amount. Klaviyo keeps the first one of an id.
pub(super) fn event(event: &Event, held: Option<&HeldEvent>) -> Compared {
    #[derive(Deserialize)]
    struct OrderedLine {
        #[serde(rename = "SKU")]
        sku: Option<String>,
        #[serde(rename = "ProductID")]
        product: Option<String>,
    }
    // The event of a line has the product itself, the event of an order a list.
    let line: Option<OrderedLine> = event.properties.read();
    let line = line.and_then(|line| line.product.map(|product| line.sku.unwrap_or(product)));
    let what = match line {
        Some(line) => format!("{}: {line}", event.metric),
        None => event.metric.clone(),
    };
    let expected = json!({
        "event_id": event.unique_id,
        "time": event.time.to_rfc3339_opts(SecondsFormat::Secs, true),
        "value": event.value,
        "currency": event.value_currency,
    });
    let differing = held.map(|held| {
        let value = held.value.is_some_and(|value| !is_same_number(&event.value, value));
        let currency = held.currency.as_ref().is_some_and(|held| *held != event.value_currency);
        [("value", value || held.value.is_none()), ("currency", currency)]
    });
    let differing = differing.into_iter().flatten().filter(|(_, differs)| *differs);
    let differing = differing.map(|(name, _)| name).collect();
    let actual = held.map_or(Value::Null, held_event);
    Compared { what, expected, actual, differing }
}

/// A held event.
pub(super) fn held_event(held: &HeldEvent) -> Value {
    json!({
        "event_id": held.unique_id,
        "time": held.time.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "value": held.value,
        "currency": held.currency,
    })
}

/// An item, a variant or a category.
pub(super) fn object(object: &CatalogObject, held: Option<&HeldRecord>) -> Compared {
    let pairs: Vec<(&'static str, Value)> = match object {
        CatalogObject::Item(item) => vec![
            ("title", json!(item.attributes.shown.title)),
            ("price", json!(item.attributes.price)),
            ("published", json!(item.attributes.shown.published)),
        ],
        CatalogObject::Variant(variant) => vec![
            ("title", json!(variant.attributes.shown.title)),
            ("price", json!(variant.attributes.price)),
            ("published", json!(variant.attributes.shown.published)),
            ("inventory_quantity", json!(variant.attributes.stock.inventory_quantity)),
        ],
        CatalogObject::Category(category) => vec![("name", json!(category.name))],
    };
    let what = named(object.kind(), &object.key().external_id);
    let expected: Map<_, _> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let Some(held) = held else {
        return Compared {
            what,
            expected: expected.into(),
            actual: Value::Null,
            differing: vec![],
        };
    };
    let actual: Map<_, _> =
        pairs.iter().map(|(name, _)| ((*name).to_owned(), member(held, name))).collect();
    let differing = pairs.iter().filter(|(name, wanted)| !is_same_value(wanted, &actual[*name]));
    let differing = differing.map(|(name, _)| *name).collect();
    Compared { what, expected: expected.into(), actual: actual.into(), differing }
}

/// The categories of an item, by commercetools' ids; none for anything else.
pub(super) fn categories(record: &ExpectedRecord, held: Option<&Vec<String>>) -> Option<Compared> {
    let ExpectedRecord::Object(object) = record else { return None };
    let CatalogObject::Item(item) = &**object else { return None };
    let ids = |all: &[String]| {
        let mut ids: Vec<_> = all.iter().map(|id| external(id).to_owned()).collect();
        ids.sort_unstable();
        json!(ids)
    };
    let (expected, actual) = (ids(&item.categories), held.map_or(Value::Null, |held| ids(held)));
    let differs = held.is_some() && actual != expected;
    let differing = differs.then_some("categories").into_iter().collect();
    Some(Compared { what: "Categories of the item".to_owned(), expected, actual, differing })
}

/// A variant that should not be shown.
pub(super) fn hidden(variant: &str, held: Option<&HeldRecord>) -> Compared {
    let what = named(CatalogKind::Variant, external(variant));
    let Some(held) = held else {
        return Compared { what, expected: Value::Null, actual: Value::Null, differing: vec![] };
    };
    let published = member(held, "published");
    let differing = (published != json!(false)).then_some("published").into_iter().collect();
    let (expected, actual) = (json!({ "published": false }), json!({ "published": published }));
    Compared { what, expected, actual, differing }
}

/// An object that should not exist.
pub(super) fn gone(kind: CatalogKind, id: &str, held: Option<&HeldRecord>) -> Compared {
    let actual = held.map_or(Value::Null, |held| Value::Object(held.attributes.clone()));
    let differing = held.map(|_| "it should be gone").into_iter().collect();
    Compared { what: named(kind, external(id)), expected: Value::Null, actual, differing }
}

fn named(kind: CatalogKind, id: &str) -> String {
    match kind {
        CatalogKind::Item => "Item".to_owned(),
        CatalogKind::Variant => format!("Variant: {id}"),
        CatalogKind::Category => format!("Category: {id}"),
    }
}

fn is_same_value(wanted: &Value, held: &Value) -> bool {
    match (wanted, held.as_f64()) {
        (Value::Number(wanted), Some(held)) => is_same_number(wanted, held),
        _ => wanted == held,
    }
}

/// Amounts are decimal, and Klaviyo's JSON may have them as binary fractions.
fn is_same_number(wanted: &Number, held: f64) -> bool {
    wanted.as_f64().is_some_and(|wanted| (wanted - held).abs() < 1e-6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::catalog::{
        CatalogCategory, CatalogItem, CatalogKey, CatalogVariant, ItemAttributes, ShownAttributes,
        StockPolicy, VariantAttributes, VariantStock,
    };
    use crate::klaviyo::event::EventProperties;

    fn held(attributes: Value) -> HeldRecord {
        let Value::Object(attributes) = attributes else { panic!("an object") };
        HeldRecord { id: "01K".to_owned(), attributes }
    }

    fn person() -> Profile {
        Profile {
            email: Some("Jane@example.com".to_owned()),
            external_id: Some("c".to_owned()),
            first_name: FieldPatch::Set("Jane ".to_owned()),
            last_name: FieldPatch::Clear,
            ..Profile::default()
        }
    }

    #[test]
    fn of_a_person_only_what_differs_is_shown() {
        let same = json!({"email": "jane@example.com", "external_id": "c", "first_name": "Jane",
            "last_name": null, "title": "Boss"});
        let other = json!({"email": "j@example.com", "external_id": null, "first_name": "Jane",
            "last_name": "Doe"});
        for (attributes, expected, actual, differing) in [
            (same, json!({"external_id": "c"}), json!({"id": "01K"}), vec![]),
            (
                other,
                json!({"external_id": "c", "email": "Jane@example.com", "last_name": null}),
                json!({"id": "01K", "external_id": null, "email": "j@example.com",
                    "last_name": "Doe"}),
                vec!["external_id", "email", "last_name"],
            ),
        ] {
            let what = "Profile".to_owned();
            let compared = profile(&person(), Some(&held(attributes)));
            assert_eq!(compared, Compared { what, expected, actual, differing });
        }
        let guest = Profile { external_id: None, ..person() };
        let absent = owner(&guest, None);
        assert_eq!(absent.expected, json!({"known_by": "e-mail address"}));
        assert_eq!(absent.actual, Value::Null);
    }

    #[test]
    fn an_event_is_told_by_its_product_and_compared_by_its_amount() {
        let Value::Object(properties) = json!({"SKU": "s", "ProductID": "p"}) else {
            panic!("an object")
        };
        let time = chrono::DateTime::from_timestamp(1, 0).expect("a time");
        let sent = Event {
            metric: "Ordered Product".to_owned(),
            profile: person(),
            unique_id: "l".to_owned(),
            time,
            value: Number::from_f64(24.98).expect("a number"),
            value_currency: "EUR".to_owned(),
            properties: EventProperties::of(&properties),
            backfill: false,
        };
        let held = |value: Option<f64>, currency: Option<&str>| HeldEvent {
            unique_id: "l".to_owned(),
            metric_id: "M".to_owned(),
            metric: None,
            time: Some(time),
            value,
            currency: currency.map(ToOwned::to_owned),
        };
        for (value, currency, differing) in [
            (Some(24.98), Some("EUR"), vec![]),
            (Some(24.980_000_000_1), None, vec![]),
            (Some(24.99), Some("EUR"), vec!["value"]),
            (Some(24.98), Some("USD"), vec!["currency"]),
            (None, None, vec!["value"]),
        ] {
            let compared = event(&sent, Some(&held(value, currency)));
            assert_eq!(compared.differing, differing, "{value:?} {currency:?}");
            assert_eq!(compared.what, "Ordered Product: s");
            assert_eq!(compared.expected["time"], "1970-01-01T00:00:01Z");
        }
        let order = Event { properties: EventProperties::of(&Map::new()), ..sent };
        assert_eq!(event(&order, None).what, "Ordered Product");
        assert_eq!(event(&order, None).actual, Value::Null);
    }

    #[test]
    fn objects_are_compared_by_what_a_shop_sees() {
        let key =
            || CatalogKey { id: "$custom:::$default:::x".to_owned(), external_id: "x".to_owned() };
        let shown = || ShownAttributes {
            title: "T".to_owned(),
            description: String::new(),
            url: "/t".to_owned(),
            image_full_url: None,
            images: Vec::new(),
            custom_metadata: Map::new(),
            published: true,
        };
        let stock = VariantStock { inventory_policy: StockPolicy::Hide, inventory_quantity: 3 };
        let item = CatalogObject::Item(CatalogItem {
            key: key(),
            attributes: ItemAttributes { shown: shown(), price: Some(5.into()) },
            categories: vec![
                "$custom:::$default:::b".to_owned(),
                "$custom:::$default:::a".to_owned(),
            ],
        });
        let variant = CatalogObject::Variant(CatalogVariant {
            key: key(),
            sku: "x".to_owned(),
            item: key().id,
            attributes: VariantAttributes { shown: shown(), price: 5.into(), stock },
        });
        let category =
            CatalogObject::Category(CatalogCategory { key: key(), name: "C".to_owned() });
        for (expected, attributes, what, differing) in [
            (&item, json!({"title": "T", "price": 5.0, "published": true}), "Item", vec![]),
            (&item, json!({"title": "T", "price": null, "published": true}), "Item", vec!["price"]),
            (
                &variant,
                json!({"title": "U", "price": 5, "published": true, "inventory_quantity": 2}),
                "Variant: x",
                vec!["title", "inventory_quantity"],
            ),
            (&category, json!({"name": "C"}), "Category: x", vec![]),
        ] {
            let compared = object(expected, Some(&held(attributes)));
            assert_eq!((&*compared.what, compared.differing), (what, differing));
        }
        let record = ExpectedRecord::Object(Box::new(item));
        for (held, differing) in [(vec!["a", "b"], vec![]), (vec!["a"], vec!["categories"])] {
            let held = held.into_iter().map(ToOwned::to_owned).collect();
            let compared = categories(&record, Some(&held)).expect("an item");
            assert_eq!(compared.differing, differing);
        }
        assert_eq!(categories(&ExpectedRecord::Object(Box::new(category)), None), None);
    }

    #[test]
    fn what_is_not_to_be_seen_may_be_absent() {
        let variant = "$custom:::$default:::x";
        for (held_, differing) in [
            (None, vec![]),
            (Some(held(json!({"published": false}))), vec![]),
            (Some(held(json!({"published": true}))), vec!["published"]),
        ] {
            assert_eq!(hidden(variant, held_.as_ref()).differing, differing);
        }
        let there = held(json!({"title": "T"}));
        let still = gone(CatalogKind::Item, "i", Some(&there));
        assert_eq!((still.differing, still.expected), (vec!["it should be gone"], Value::Null));
        assert_eq!(gone(CatalogKind::Item, "i", None).differing, Vec::<&str>::new());
    }
}
