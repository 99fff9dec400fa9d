//! The title of a variant: the product's, with what tells this variant from the others.

use std::collections::HashSet;

use serde_json::Value;

use super::flat::flat;
use super::identity;
use crate::commercetools::locale::Locale;
use crate::commercetools::order::Attribute;
use crate::commercetools::product::{ProductData, ProductVariant};

/// The title, such as `Shirt - Red / M`. `telling` are the names of the attributes that the product type
/// says are unique; if the variant has none of them, those count whose values differ among the product's
/// variants. Several variants of which nothing tells one from another are told by their SKUs.
pub(super) fn variant_title(
    locale: &Locale,
    product_title: &str,
    data: &ProductData,
    variant: &ProductVariant,
    telling: &[String],
) -> String {
    let unique = telling.iter().filter_map(|name| value(variant, name, locale)).collect();
    let several = data.all_variants().nth(1).is_some();
    let parts: Vec<String> = match unique {
        parts if Vec::is_empty(&parts) && several => differing(locale, data, variant),
        parts => parts,
    };
    let parts = match identity::sku(variant) {
        Some(sku) if several && is_shared(locale, data, variant, telling, &parts) => {
            parts.into_iter().chain([sku.to_owned()]).collect()
        }
        _ => parts,
    };
    if parts.is_empty() {
        return product_title.to_owned();
    }
    format!("{product_title} - {}", parts.join(" / "))
}

/// Whether another variant of the product would have the same title.
fn is_shared(
    locale: &Locale,
    data: &ProductData,
    variant: &ProductVariant,
    telling: &[String],
    parts: &[String],
) -> bool {
    data.all_variants().filter(|other| other.id != variant.id).any(|other| {
        let unique: Vec<_> = telling.iter().filter_map(|name| value(other, name, locale)).collect();
        let other = if unique.is_empty() { differing(locale, data, other) } else { unique };
        other == parts
    })
}

/// The values of the attributes that are not the same in all variants, in the order of the first
/// variant that has each.
fn differing(locale: &Locale, data: &ProductData, variant: &ProductVariant) -> Vec<String> {
    let mut seen = HashSet::new();
    let names = data.all_variants().flat_map(|variant| &variant.attributes);
    let names = names.map(|attribute| attribute.name.as_str());
    let names = names.filter(|name| seen.insert(*name));
    let differs = |name: &&str| {
        let mut values = data.all_variants().map(|one| attribute(one, name).map(|one| &one.value));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    names.filter(differs).filter_map(|name| value(variant, name, locale)).collect()
}

fn attribute<'a>(variant: &'a ProductVariant, name: &str) -> Option<&'a Attribute> {
    variant.attributes.iter().find(|attribute| attribute.name == name)
}

/// The value of an attribute as text. A truth says nothing without its name.
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
        let data: ProductData = serde_json::from_value(data).expect("data");
        let telling: Vec<_> = telling.iter().map(ToString::to_string).collect();
        let locale = Locale::new("en".to_owned());
        let title = |variant| variant_title(&locale, "Shirt", &data, variant, &telling);
        data.all_variants().map(title).collect()
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
