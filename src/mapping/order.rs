//! The properties that every event of an order carries.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::line_item::{self, OrderLine};
use super::{amounts, category, location, properties};
use crate::commercetools::locale::Locale;
use crate::commercetools::money::Money;
use crate::commercetools::order::{DiscountCode, KeyReference, OrderFields};
use crate::commercetools::product::Product;
use crate::config::{Config, order::OrderRules};
use crate::klaviyo::profile::Profile;

/// An order with the related documents.
#[derive(Debug, Clone, Copy)]
pub struct OrderContext<'a> {
    /// The fields of the order that are used by name.
    pub order: &'a OrderFields,
    /// Its whole document.
    pub raw: &'a Map<String, Value>,
    /// Its buyer, by [`super::identity::buyer`].
    pub buyer: &'a Profile,
    /// The locale of its texts: the buyer's, otherwise the shop's.
    pub locale: &'a Locale,
    /// The products of its lines, as far as they still exist.
    pub products: &'a [Rc<Product>],
    /// The used discount codes, as far as they are visible.
    pub discount_codes: &'a [DiscountCode],
}

impl<'a> OrderContext<'a> {
    /// The lines, each with its raw document and its product.
    pub fn lines(&self) -> impl Iterator<Item = OrderLine<'a>> + use<'a> {
        let products = self.products;
        let raw_lines = self.raw.get("lineItems").and_then(Value::as_array).into_iter().flatten();
        let raw_lines = raw_lines.filter_map(Value::as_object);
        self.order.line_items.iter().zip(raw_lines).map(move |(item, raw)| OrderLine {
            item,
            raw,
            product: products.iter().map(Rc::as_ref).find(|one| one.id == item.product_id),
        })
    }
}

/// The properties of an order's event: those of Klaviyo's guide, the order's own fields, its custom
/// fields. If names collide, the first of these wins. `exclude` trims all of it, `include` and
/// `map` the order's own fields.
#[must_use]
pub fn event_properties(config: &Config, context: OrderContext) -> Map<String, Value> {
    let rules = &config.rules.order;
    let mut all = guide_properties(config, context);
    all.retain(|name, _| !rules.properties.exclude.contains(name));
    for (name, value) in properties::allowed(&rules.properties, context.raw) {
        add(&mut all, name, || without_prices(name, value));
    }
    add_custom_fields(&mut all, rules, context.order);
    all
}

fn add_custom_fields(all: &mut Map<String, Value>, rules: &OrderRules, order: &OrderFields) {
    let Some(custom) = &order.custom else { return };
    for (name, value) in properties::allowed(&rules.custom_fields.properties, &custom.fields) {
        add(all, name, || value.clone());
    }
}

fn add(all: &mut Map<String, Value>, name: &str, value: impl FnOnce() -> Value) {
    if !all.contains_key(name) {
        all.insert(name.to_owned(), value());
    }
}

/// The properties of Klaviyo's guide to order events.
fn guide_properties(config: &Config, context: OrderContext) -> Map<String, Value> {
    let order = context.order;
    let (locale, basis) = (context.locale, config.rules.order.value);
    let mut lines: Vec<_> =
        context.lines().map(|line| line_item::guide(config, locale, &line)).collect();
    let custom = order.custom_line_items.iter();
    lines.extend(custom.map(|line| line_item::custom(basis, locale, line)));
    let brands = distinct(lines.iter().filter_map(|line| line.get("Brand")?.as_str()));
    let line_names = order.line_items.iter().filter_map(|line| line.name.text(locale));
    let custom_names = order.custom_line_items.iter().filter_map(|line| line.name.text(locale));
    let codes = distinct(context.discount_codes.iter().map(|code| code.code.as_str()));
    let amount = |money: Option<Money>| money.map(|money| Value::from(money.decimal()));
    let key = |reference: &Option<KeyReference>| reference.as_ref()?.key.clone().map(Value::from);
    let method = order.shippings().find_map(|shipping| shipping.shipping_method_name.as_deref());

    let members = [
        ("ItemNames", Some(json!(distinct(line_names.chain(custom_names))))),
        (
            "Categories",
            Some(json!(category::paths(context.products.iter().map(Rc::as_ref), locale))),
        ),
        ("OrderId", Some(json!(order.id.as_str()))),
        ("OrderNumber", order.order_number.as_deref().map(Value::from)),
        ("Brands", (!brands.is_empty()).then(|| json!(brands))),
        ("DiscountCode", (!codes.is_empty()).then(|| json!(codes.join(", ")))),
        ("DiscountValue", amount(amounts::discount(order))),
        ("Subtotal", amount(amounts::subtotal(basis, order))),
        ("Tax", amount(amounts::tax(order))),
        ("ShippingCost", amount(amounts::shipping(basis, order))),
        ("ItemCount", amounts::item_count(order).map(Value::from)),
        ("ShippingMethod", method.map(Value::from)),
        ("StoreKey", key(&order.store)),
        ("BusinessUnitKey", key(&order.business_unit)),
        ("Country", order.country.as_deref().map(Value::from)),
        ("BillingAddress", order.billing_address.as_ref().map(location::property)),
        ("ShippingAddress", order.first_shipping_address().map(location::property)),
        ("Items", Some(Value::Array(lines.into_iter().map(Value::Object).collect()))),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A field of the raw order, without the parts that would fill the event with the shop's other
/// prices and the payments: `variant.prices`, price tiers, expanded payments.
fn without_prices(name: &str, value: &Value) -> Value {
    let mut value = value.clone();
    match name {
        "lineItems" => {
            let lines = value.as_array_mut().into_iter().flatten();
            lines.filter_map(Value::as_object_mut).for_each(line_item::drop_prices);
        }
        "paymentInfo" => {
            let payments = value.get_mut("payments").and_then(Value::as_array_mut);
            for payment in payments.into_iter().flatten().filter_map(Value::as_object_mut) {
                payment.shift_remove("obj");
            }
        }
        _ => {}
    }
    value
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}
