//! Values of commercetools' types as one text, number or boolean: Klaviyo segments by nothing else.

use serde_json::Value;

use crate::commercetools::lenient::is_blank;
use crate::commercetools::locale::{Locale, LocalizedString};
use crate::commercetools::money::Money;
use crate::json::read_value;

/// The value of an attribute or a custom field: an enum by its label, a localized text in the preferred locale, money
/// by its amount, a set joined with commas. Anything else (references, nested products) gives none, and so do an empty
/// set and a blank text.
pub(super) fn flat(value: &Value, locale: &Locale) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!is_blank(text)).then(|| value.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.clone()),
        Value::Array(set) => {
            let members: Vec<_> =
                set.iter().filter_map(|member| flat(member, locale)).map(shown).collect();
            (!members.is_empty()).then(|| members.join(", ").into())
        }
        Value::Object(members) => {
            if let Some(label) = members.get("label") {
                return flat(label, locale);
            }
            if members.contains_key("centAmount")
                && let Ok(money) = read_value::<Money>(value)
            {
                return Some(money.decimal().into());
            }
            if members.contains_key("typeId") || !members.values().all(Value::is_string) {
                return None;
            }
            let texts = read_value::<LocalizedString>(value).ok()?;
            texts.text(locale).filter(|text| !is_blank(text)).map(Value::from)
        }
    }
}

/// Whether a value is empty: an empty value is not one without a flat form.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => is_blank(text),
        Value::Array(set) => set.iter().all(is_nothing),
        Value::Object(members) => members.values().all(is_nothing),
        Value::Bool(_) | Value::Number(_) => false,
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
    fn m5_every_value_becomes_flat() {
        let locale = Locale::new("de".to_owned());
        let money = |cents: i64| {
            json!({"type": "centPrecision", "currencyCode": "EUR", "centAmount": cents,
                "fractionDigits": 2})
        };
        for (value, expected) in [
            (json!("one size"), Some(json!("one size"))),
            (json!(412), Some(json!(412))),
            (json!(false), Some(json!(false))),
            (json!({"en": "red", "de": "rot"}), Some(json!("rot"))),
            (json!({"key": "slim", "label": "Slim"}), Some(json!("Slim"))),
            (json!({"key": "k", "label": {"en": "red", "de": "rot"}}), Some(json!("rot"))),
            (json!(["nylon", 3, {"key": "k", "label": "L"}]), Some(json!("nylon, 3, L"))),
            (money(150), Some(json!(1.5))),
            (money(0), Some(json!(0))),
            (json!([money(150), money(200)]), Some(json!("1.5, 2"))),
            (json!([{"de": "rot"}, {"en": "blue"}]), Some(json!("rot, blue"))),
            (json!({"typeId": "product", "id": "p"}), None),
            (json!([{"typeId": "product", "id": "p"}]), None),
            (json!([[{"name": "nested", "value": {"a": [1]}}]]), None),
            (json!([]), None),
            (json!(" "), None),
            (json!({"de": ""}), None),
            (json!(["", "a"]), Some(json!("a"))),
            (json!(null), None),
        ] {
            assert_eq!(flat(&value, &locale), expected, "{value}");
        }
    }

    #[test]
    fn nothing_is_told_from_what_has_no_flat_form() {
        for (value, nothing) in [
            (json!(null), true),
            (json!(" "), true),
            (json!(["", null]), true),
            (json!({"de": ""}), true),
            (json!(0), false),
            (json!(false), false),
            (json!({"typeId": "product", "id": "p"}), false),
        ] {
            assert_eq!(is_nothing(&value), nothing, "{value}");
        }
    }
}
