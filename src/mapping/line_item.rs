//! A line of an order: as an item of the order's events, and as the `Ordered Product` event.

use serde_json::{Map, Value, json};

use super::flat::flat;
use super::{amounts, category, picture};
use crate::commercetools::locale::Locale;
use crate::commercetools::money::Money;
use crate::commercetools::order::{CustomLineItem, LineItem};
use crate::commercetools::product::Product;
use crate::config::Config;
use crate::config::order::AmountBasis;
use crate::config::product_url::ProductFacts;

/// A line with its raw document and, if it still exists, its product.
#[derive(Debug, Clone, Copy)]
pub struct OrderLine<'a> {
    /// The fields that are used by name.
    pub item: &'a LineItem,
    /// The raw line.
    pub raw: &'a Map<String, Value>,
    /// The current product, for categories.
    pub product: Option<&'a Product>,
}

/// The members of `Items` in Klaviyo's guide. `ProductID` is the id of the catalogue item, so that
/// recommendations and back-in-stock find it.
#[must_use]
pub fn guide(config: &Config, locale: &Locale, line: &OrderLine) -> Map<String, Value> {
    let (item, basis) = (line.item, config.rules.order.value);
    let unit = amounts::of_unit(basis, item.price.effective(), item.tax_rate.as_ref());
    let members = [
        ("ProductID", Some(json!(item.product_id.as_str()))),
        ("SKU", item.variant.sku.as_deref().map(Value::from)),
        ("ProductName", item.name.text(locale).map(Value::from)),
        ("Quantity", Some(item.quantity.into())),
        ("ItemPrice", Some(unit.decimal().into())),
        ("RowTotal", Some(amounts::of_line(basis, item).decimal().into())),
        ("ProductURL", product_url(config, locale, line).map(Value::from)),
        ("ImageURL", image_url(line).map(Value::from)),
        ("Categories", line.product.map(|product| json!(category::paths([product], locale)))),
        ("Brand", brand(config, locale, line)),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The same for a line without a product, such as a fee or a gift card.
#[must_use]
pub fn custom(basis: AmountBasis, locale: &Locale, line: &CustomLineItem) -> Map<String, Value> {
    let amount = |money: &Money| Value::from(money.decimal());
    let unit =
        line.money.as_ref().map(|price| amounts::of_unit(basis, price, line.tax_rate.as_ref()));
    let members = [
        ("ProductName", line.name.text(locale).map(Value::from)),
        ("Quantity", Some(line.quantity.into())),
        ("ItemPrice", unit.as_ref().map(amount)),
        ("RowTotal", amounts::of_custom_line(basis, line).map(amount)),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// The properties of `Ordered Product`: those of the guide, then the raw line as in the plugin.
#[must_use]
pub fn event_properties(
    config: &Config,
    locale: &Locale,
    order_id: &str,
    line: &OrderLine,
) -> Map<String, Value> {
    let mut all = guide(config, locale, line);
    all.insert("OrderId".to_owned(), order_id.into());
    if let Some(brand) = all.get("Brand").cloned() {
        all.insert("ProductBrand".to_owned(), brand);
    }
    let mut raw = line.raw.clone();
    drop_prices(&mut raw);
    for (name, value) in raw {
        if !value.is_null() && !all.contains_key(&name) {
            all.insert(name, value);
        }
    }
    all
}

/// Removes the prices of other buyers from a raw line: all prices of the variant, and the tiers.
pub fn drop_prices(line: &mut Map<String, Value>) {
    for (member, dropped) in [("variant", "prices"), ("price", "tiers")] {
        if let Some(member) = line.get_mut(member).and_then(Value::as_object_mut) {
            member.shift_remove(dropped);
        }
    }
}

fn product_url(config: &Config, locale: &Locale, line: &OrderLine) -> Option<String> {
    let item = line.item;
    let slug_of_today = || line.product?.master_data.current.slug.text(locale);
    let facts = ProductFacts {
        slug: item.product_slug.text(locale).or_else(slug_of_today),
        name: item.name.text(locale),
        key: item.product_key.as_deref(),
        id: Some(item.product_id.as_str()),
        sku: item.variant.sku.as_deref(),
        locale: locale.tag(),
    };
    config.shop.product_url.as_ref()?.url(facts)
}

/// A picture of the variant at the time of the purchase; otherwise one of the product's master variant.
fn image_url<'a>(line: &OrderLine<'a>) -> Option<&'a str> {
    let master = line.product.and_then(|one| one.master_data.current.master_variant.as_ref());
    let images = [Some(&line.item.variant.images), master.map(|master| &master.images)];
    images.into_iter().flatten().find_map(|images| picture::addresses(images).next())
}

/// The text of the brand's attribute, from the variant or from the whole product.
fn brand(config: &Config, locale: &Locale, line: &OrderLine) -> Option<Value> {
    let name = &config.rules.product.brand_attribute;
    let of_product = line.product.map(|product| &product.master_data.current.attributes);
    let attributes = line.item.variant.attributes.iter().chain(of_product.into_iter().flatten());
    let mut named = attributes.filter(|attribute| attribute.name.eq_ignore_ascii_case(name));
    named.find_map(|attribute| flat(&attribute.value, locale).filter(Value::is_string))
}
