//! The custom metadata of items and variants: the plugin's, as JSON in texts, then the attributes.
//! Klaviyo requires them flat.

use serde_json::{Map, Value};

use super::flat::flat;
use super::price::VariantPrices;
use crate::commercetools::locale::{Locale, LocalizedString};
use crate::commercetools::order::Attribute;
use crate::commercetools::product::ProductData;

/// Members that the metadata of each of our items has, and hardly that of any other: they mark what
/// the Worker may delete.
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
