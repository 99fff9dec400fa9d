//! The titles of variants: the product's title, with the values that distinguish each variant.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::flat::flat;
use super::identity;
use crate::commercetools::locale::Locale;
use crate::commercetools::order::Attribute;
use crate::commercetools::product::{Product, ProductData, ProductVariant};

/// The titles of all variants, such as `Shirt - Red / M`, in their order. `telling` are the names of the attributes
/// that the product type calls unique. For a variant without any of them, the attributes count whose values differ
/// among the product's variants, except if these are documents of their own (`docs/mapping.md`). Equal titles also get
/// their SKU.
///
/// It handles all variants at once: it compares each with all others.
pub(super) fn variant_titles(
    locale: &Locale,
    product_title: &str,
    product: &Product,
    telling: &[String],
) -> Vec<String> {
    let data = &product.master_data.current;
    let values = |variant, names: &[&str]| -> Vec<String> {
        names.iter().filter_map(|name| value(variant, name, locale)).collect()
    };
    let telling: Vec<_> = telling.iter().map(String::as_str).collect();
    let differing = if product.has_variants_apart() { Vec::new() } else { differing(data) };
    let of_variants = data.all_variants().map(|variant| match values(variant, &telling) {
        unique if unique.is_empty() => values(variant, &differing),
        unique => unique,
    });
    let mut all: Vec<_> = of_variants.collect();
    let mut called: HashMap<Vec<String>, HashSet<i64>> = HashMap::new();
    for (variant, parts) in data.all_variants().zip(&all) {
        called.entry(parts.clone()).or_default().insert(variant.id);
    }
    for (variant, parts) in data.all_variants().zip(&mut all) {
        if called.get(parts).is_some_and(|variants| variants.len() > 1) {
            parts.extend(identity::sku(variant).map(ToOwned::to_owned));
        }
    }
    let title = |parts: Vec<String>| {
        let after = if parts.is_empty() { "" } else { " - " };
        format!("{product_title}{after}{}", parts.join(" / "))
    };
    all.into_iter().map(title).collect()
}

/// The names of the attributes that are not the same in all variants, in the order of their first appearance.
fn differing(data: &ProductData) -> Vec<&str> {
    let mut seen = HashSet::new();
    let names = data.all_variants().flat_map(|variant| &variant.attributes);
    let names = names.map(|attribute| attribute.name.as_str());
    let differs = |name: &&str| {
        let mut values = data.all_variants().map(|one| attribute(one, name).map(|one| &one.value));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    names.filter(|name| seen.insert(*name)).filter(differs).collect()
}

fn attribute<'a>(variant: &'a ProductVariant, name: &str) -> Option<&'a Attribute> {
    variant.attributes.iter().find(|attribute| attribute.name == name)
}

/// The value of an attribute as text. A boolean says nothing without its name.
fn value(variant: &ProductVariant, name: &str, locale: &Locale) -> Option<String> {
    match flat(&attribute(variant, name)?.value, locale)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The titles of variants with these attributes; the SKUs are `s1`, `s2` and so on.
    fn titles(telling: &[&str], variants: &[Value]) -> Vec<String> {
        let variants: Vec<Value> = variants
            .iter()
            .enumerate()
            .map(|(place, attributes)| {
                let attributes = attributes.as_object().expect("attributes");
                let attributes = attributes.iter();
                let attributes: Vec<_> =
                    attributes.map(|(name, value)| json!({"name": name, "value": value})).collect();
                json!({"id": place + 1, "sku": format!("s{}", place + 1), "attributes": attributes})
            })
            .collect();
        let data = json!({"masterVariant": variants[0], "variants": variants[1..]});
        let product = json!({"id": "p", "masterData": {"current": data}});
        let product: Product = serde_json::from_value(product).expect("a product");
        let telling: Vec<_> = telling.iter().map(ToString::to_string).collect();
        let locale = Locale::new("en".to_owned());
        variant_titles(&locale, "Shirt", &product, &telling)
    }

    #[test]
    fn a_title_says_which_variant_it_is() {
        let red = json!({"label": {"de": "Rot", "en-US": "Red"}, "key": "r"});
        let blue = json!({"label": {"de": "Blau", "en-US": "Blue"}, "key": "b"});
        for (what, telling, variants, expected) in [
            (
                "by the type",
                &["color", "size"][..],
                vec![json!({"size": "M", "color": red}), json!({"size": "M", "color": blue})],
                vec!["Shirt - Red / M", "Shirt - Blue / M"],
            ),
            (
                "by what differs, if the type says nothing",
                &[],
                vec![
                    json!({"care": "cold", "size": 38, "color": red}),
                    json!({"care": "cold", "size": 40, "color": red}),
                ],
                vec!["Shirt - 38", "Shirt - 40"],
            ),
            (
                "by the SKU, if nothing does",
                &[],
                vec![json!({"care": "cold"}), json!({"care": "cold"})],
                vec!["Shirt - s1", "Shirt - s2"],
            ),
            (
                "a truth says nothing",
                &[],
                vec![json!({"new": true}), json!({"new": false})],
                vec!["Shirt - s1", "Shirt - s2"],
            ),
            (
                "only what is not unique has its SKU",
                &["color"],
                vec![json!({"color": red}), json!({"color": red}), json!({"color": blue})],
                vec!["Shirt - Red / s1", "Shirt - Red / s2", "Shirt - Blue"],
            ),
            ("one alone is the product", &[], vec![json!({"size": "M"})], vec!["Shirt"]),
            ("by the type, also alone", &["size"], vec![json!({"size": "M"})], vec!["Shirt - M"]),
            (
                "one lacks what the others have",
                &[],
                vec![json!({}), json!({"size": "L"})],
                vec!["Shirt", "Shirt - L"],
            ),
        ] {
            assert_eq!(titles(telling, &variants), expected, "{what}");
        }
    }
}
