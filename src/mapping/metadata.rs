//! The custom metadata of items and variants: what the plugin puts there, as JSON in texts, then
//! the attributes. Klaviyo wants them flat.

use serde_json::{Map, Value};

use super::price::VariantPrices;
use crate::commercetools::locale::{Locale, LocalizedString};
use crate::commercetools::money::Money;
use crate::commercetools::order::Attribute;
use crate::commercetools::product::ProductData;
use serde::Deserialize;

/// Members that the metadata of every item from here has, and hardly that of another: by these it
/// is known what may be deleted.
pub const MARKS: [&str; 2] = ["title_json", "slug_json"];

/// The metadata of a product, or of one of its variants.
pub(super) fn metadata<'a>(
    locale: &Locale,
    data: &ProductData,
    prices: &VariantPrices,
    attributes: impl IntoIterator<Item = &'a Attribute>,
) -> Map<String, Value> {
    let (price, currency) = prices.by_country();
    let texts = [
        ("title_json", by_locale("title", &data.name)),
        ("slug_json", by_locale("slug", &data.slug)),
        ("price_json", price),
        ("currency_json", currency),
    ];
    let texts = texts.map(|(name, value)| (name.to_owned(), Value::Object(value).to_string()));
    let mut all: Map<_, _> = texts.into_iter().map(|(name, text)| (name, text.into())).collect();
    for attribute in attributes {
        if let Some(value) = flat(&attribute.value, locale) {
            all.insert(format!("attribute_{}", attribute.name), value);
        }
    }
    all
}

fn by_locale(name: &str, texts: &LocalizedString) -> Map<String, Value> {
    texts.texts().map(|(locale, text)| (format!("{name}_{locale}"), text.into())).collect()
}

/// An attribute's value as one text, number or truth: an enum by its label, a localized text in the
/// preferred locale, money by its amount, a set with commas. What else there is (references, nested
/// products) is left out.
fn flat(value: &Value, locale: &Locale) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Some(value.clone()),
        Value::Array(set) => {
            let members: Vec<_> =
                set.iter().filter_map(|member| flat(member, locale)).map(shown).collect();
            (!members.is_empty()).then(|| members.join(", ").into())
        }
        Value::Object(members) => {
            if let Some(label) = members.get("label") {
                return flat(label, locale);
            }
            if let Ok(money) = Money::deserialize(value) {
                return Some(money.decimal().into());
            }
            if members.contains_key("typeId") || !members.values().all(Value::is_string) {
                return None;
            }
            let texts = LocalizedString::deserialize(value).ok()?;
            texts.text(locale).map(Value::from)
        }
    }
}

fn shown(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn m5_every_attribute_becomes_flat() {
        let locale = Locale::new("de".to_owned());
        for (value, expected) in [
            (json!("one size"), Some(json!("one size"))),
            (json!(412), Some(json!(412))),
            (json!(false), Some(json!(false))),
            (json!({"en": "red", "de": "rot"}), Some(json!("rot"))),
            (json!({"key": "slim", "label": "Slim"}), Some(json!("Slim"))),
            (json!({"key": "k", "label": {"en": "red", "de": "rot"}}), Some(json!("rot"))),
            (json!(["nylon", 3, {"key": "k", "label": "L"}]), Some(json!("nylon, 3, L"))),
            (
                json!({"type": "centPrecision", "currencyCode": "EUR", "centAmount": 150,
                    "fractionDigits": 2}),
                Some(json!(1.5)),
            ),
            (json!({"typeId": "product", "id": "p"}), None),
            (json!([[{"name": "nested", "value": {"a": [1]}}]]), None),
            (json!([]), None),
            (json!(null), None),
        ] {
            assert_eq!(flat(&value, &locale), expected, "{value}");
        }
    }
}
