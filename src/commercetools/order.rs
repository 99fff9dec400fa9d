//! An order: the fields of its events, beside the raw document.

use chrono::{DateTime, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::customer::{Address, CustomFields};
use super::lenient::or_default;
use super::locale::LocalizedString;
use super::money::Money;
use super::payment::Payment;
use super::reference::{Id, IdReference};

/// An order and its raw document, since existing flows use the raw names.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The fields that are used by name.
    pub fields: OrderFields,
    /// The whole document, as text: a tree takes twelve times the bytes, and many orders at once wait for their related
    /// documents.
    document: Box<str>,
}

impl<'de> Deserialize<'de> for Order {
    /// Reads an order document. An error names the field that is missing or of another type.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document = Box::<RawValue>::deserialize(deserializer)?;
        let fields = serde_json::from_str(document.get()).map_err(D::Error::custom)?;
        Ok(Self { fields, document: document.into() })
    }
}

impl Order {
    /// The whole document as a tree, except for payments that a query expanded.
    #[must_use]
    pub fn raw(&self) -> Map<String, Value> {
        let read = serde_json::from_str(&self.document);
        debug_assert!(read.is_ok(), "fields were read of it, so it is an object");
        let mut raw: Map<String, Value> = read.unwrap_or_default();
        let payments = raw.get_mut("paymentInfo").and_then(|info| info.get_mut("payments"));
        for payment in payments.and_then(Value::as_array_mut).into_iter().flatten() {
            payment.as_object_mut().and_then(|reference| reference.shift_remove("obj"));
        }
        raw
    }

    /// Takes out the payments that the query expanded.
    ///
    /// # Errors
    /// One of them is not a payment.
    pub fn take_payments(&mut self) -> Result<Vec<Payment>, serde_json::Error> {
        let references = self.fields.payment_info.payments.iter_mut();
        let expanded = references.filter_map(|payment| payment.obj.take());
        expanded.map(|payment| serde_json::from_str(&payment)).collect()
    }

    /// The ids of the products of its lines, each once, in the order of the lines.
    #[must_use]
    pub fn product_ids(&self) -> Vec<Id> {
        let mut ids: Vec<Id> = Vec::new();
        for line in &self.fields.line_items {
            if !ids.contains(&line.product_id) {
                ids.push(line.product_id.clone());
            }
        }
        ids
    }
}

/// The fields of an order that are used by name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderFields {
    /// The order's id.
    pub id: Id,
    /// The number that the shop's people use.
    pub order_number: Option<String>,
    /// When it was placed or imported (UTC).
    pub created_at: DateTime<Utc>,
    /// When it was last changed (UTC).
    pub last_modified_at: DateTime<Utc>,
    /// The shop's date of an imported order (UTC).
    pub completed_at: Option<DateTime<Utc>>,
    /// The registered customer; none for a guest.
    pub customer_id: Option<Id>,
    /// The buyer's e-mail address; an order need not have one.
    pub customer_email: Option<String>,
    /// After discounts; with tax only if prices include it.
    pub total_price: Money,
    /// The same net and gross, as soon as the taxes are known.
    pub taxed_price: Option<TaxedPrice>,
    /// The price of shipping, net and gross, over all deliveries.
    pub taxed_shipping_price: Option<TaxedPrice>,
    /// The shipping, if all of it goes to one address.
    pub shipping_info: Option<ShippingInfo>,
    /// The shipping of its parts, if they go to several.
    #[serde(default, deserialize_with = "or_default")]
    pub shipping: Vec<OrderShipping>,
    /// The buyer's language, such as `de-DE`.
    pub locale: Option<String>,
    /// Two letters.
    pub country: Option<String>,
    /// The store it was placed in.
    pub store: Option<KeyReference>,
    /// The business unit that it was placed for.
    pub business_unit: Option<KeyReference>,
    /// `Open`, `Confirmed`, `Complete` or `Cancelled`.
    #[serde(default, deserialize_with = "or_default")]
    pub order_state: String,
    /// The lines with a product.
    #[serde(default, deserialize_with = "or_default")]
    pub line_items: Vec<LineItem>,
    /// The lines without one: fees, vouchers.
    #[serde(default, deserialize_with = "or_default")]
    pub custom_line_items: Vec<CustomLineItem>,
    #[expect(missing_docs, reason = "as its name says")]
    pub billing_address: Option<Address>,
    #[expect(missing_docs, reason = "as its name says")]
    pub shipping_address: Option<Address>,
    /// The used codes.
    #[serde(default, deserialize_with = "or_default")]
    pub discount_codes: Vec<DiscountCodeInfo>,
    /// The discount on the whole order.
    pub discount_on_total_price: Option<DiscountOnTotalPrice>,
    /// Its payments.
    #[serde(default, deserialize_with = "or_default")]
    pub payment_info: PaymentInfo,
    #[expect(missing_docs, reason = "as its name says")]
    pub custom: Option<CustomFields>,
}

impl OrderFields {
    /// The address of the delivery; if there are several, the first.
    #[must_use]
    pub fn first_shipping_address(&self) -> Option<&Address> {
        let of_parts = || self.shipping.iter().find_map(|part| part.shipping_address.as_ref());
        self.shipping_address.as_ref().or_else(of_parts)
    }

    /// The shipping, part by part.
    pub fn shippings(&self) -> impl Iterator<Item = &ShippingInfo> {
        let of_parts = self.shipping.iter().filter_map(|part| part.shipping_info.as_ref());
        self.shipping_info.iter().chain(of_parts)
    }
}

/// The payments of an order.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PaymentInfo {
    /// The payments, in the order they were added.
    #[serde(deserialize_with = "or_default")]
    pub payments: Vec<PaymentReference>,
}

/// A payment of an order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PaymentReference {
    #[expect(missing_docs, reason = "as its name says")]
    pub id: Id,
    /// The text of the payment itself, if the query expanded it.
    #[serde(default, deserialize_with = "text_of")]
    obj: Option<Box<str>>,
}

fn text_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<str>>, D::Error> {
    let object: Option<Box<RawValue>> = Option::deserialize(deserializer)?;
    Ok(object.map(Into::into))
}

/// A line with a product.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineItem {
    /// Unique in the project.
    pub id: Id,
    #[expect(missing_docs, reason = "as its name says")]
    pub product_id: Id,
    #[expect(missing_docs, reason = "as its name says")]
    pub product_key: Option<String>,
    /// When the line was added to the cart, or to the order by an edit (UTC); not every line has it.
    pub added_at: Option<DateTime<Utc>>,
    /// The product's slug at the time.
    #[serde(default, deserialize_with = "or_default")]
    pub product_slug: LocalizedString,
    /// The product's name at the time.
    #[serde(default, deserialize_with = "or_default")]
    pub name: LocalizedString,
    /// The variant at the time.
    #[serde(default, deserialize_with = "or_default")]
    pub variant: LineVariant,
    #[expect(missing_docs, reason = "as its name says")]
    pub quantity: i64,
    /// The unit price.
    pub price: UnitPrice,
    /// For the whole line, after discounts.
    pub total_price: Money,
    /// The same net and gross, as soon as the taxes are known.
    pub taxed_price: Option<TaxedPrice>,
    /// The tax of the line, as soon as it is known.
    pub tax_rate: Option<TaxRate>,
    /// The discounts of the cart.
    #[serde(default, deserialize_with = "or_default")]
    pub discounted_price_per_quantity: Vec<DiscountedQuantity>,
}

/// A price net and gross.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "as their names say")]
pub struct TaxedPrice {
    pub total_net: Money,
    pub total_gross: Money,
    pub total_tax: Option<Money>,
}

/// A tax.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaxRate {
    /// Between 0 and 1.
    pub amount: f64,
    /// Whether prices include it.
    #[serde(default, deserialize_with = "or_default")]
    pub included_in_price: bool,
}

/// A number of units of a line with the same price after discounts of the cart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountedQuantity {
    #[expect(missing_docs, reason = "as its name says")]
    pub quantity: i64,
    /// For one unit.
    pub discounted_price: DiscountedLinePrice,
}

/// A price after discounts of the cart.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountedLinePrice {
    /// The remaining price.
    pub value: Option<Money>,
    /// The discounts.
    #[serde(default, deserialize_with = "or_default")]
    pub included_discounts: Vec<IncludedDiscount>,
}

/// The amount of one discount.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncludedDiscount {
    #[expect(missing_docs, reason = "as its name says")]
    pub discounted_amount: Money,
}

/// How a delivery is shipped.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShippingInfo {
    /// The name that the buyer saw.
    pub shipping_method_name: Option<String>,
    /// Before discounts.
    pub price: Money,
    /// After discounts, net and gross, as soon as the taxes are known.
    pub taxed_price: Option<TaxedPrice>,
    /// The discounts of the cart.
    pub discounted_price: Option<DiscountedLinePrice>,
}

/// A part of an order with its own address.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "as their names say")]
pub struct OrderShipping {
    pub shipping_info: Option<ShippingInfo>,
    pub shipping_address: Option<Address>,
}

/// A reference by key.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KeyReference {
    /// None if the reference was by id.
    pub key: Option<String>,
}

/// The ordered variant.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LineVariant {
    /// Not every variant has one.
    pub sku: Option<String>,
    #[serde(deserialize_with = "or_default")]
    #[expect(missing_docs, reason = "as its name says")]
    pub images: Vec<Image>,
    #[serde(deserialize_with = "or_default")]
    #[expect(missing_docs, reason = "as its name says")]
    pub attributes: Vec<Attribute>,
}

/// An image of a variant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Image {
    #[expect(missing_docs, reason = "as its name says")]
    pub url: String,
}

/// An attribute of a variant; the shape of its value depends on the product type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Attribute {
    #[expect(missing_docs, reason = "as its name says")]
    pub name: String,
    #[serde(default, deserialize_with = "or_default")]
    #[expect(missing_docs, reason = "as its name says")]
    pub value: Value,
}

/// A unit price.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UnitPrice {
    /// Before a product discount.
    pub value: Money,
    /// After it, if there is one.
    pub discounted: Option<DiscountedPrice>,
}

impl UnitPrice {
    /// The price of a unit.
    #[must_use]
    pub fn effective(&self) -> &Money {
        self.discounted.as_ref().map_or(&self.value, |discounted| &discounted.value)
    }
}

/// A price after a product discount.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DiscountedPrice {
    #[expect(missing_docs, reason = "as its name says")]
    pub value: Money,
}

/// A line without a product.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomLineItem {
    #[serde(default, deserialize_with = "or_default")]
    #[expect(missing_docs, reason = "as its name says")]
    pub name: LocalizedString,
    #[serde(default = "one")]
    #[expect(missing_docs, reason = "as its name says")]
    pub quantity: i64,
    /// The unit price.
    pub money: Option<Money>,
    /// For the whole line, after discounts.
    pub total_price: Option<Money>,
    /// The same net and gross, as soon as the taxes are known.
    pub taxed_price: Option<TaxedPrice>,
    /// The tax of the line, as soon as it is known.
    pub tax_rate: Option<TaxRate>,
    /// The discounts of the cart.
    #[serde(default, deserialize_with = "or_default")]
    pub discounted_price_per_quantity: Vec<DiscountedQuantity>,
}

fn one() -> i64 {
    1
}

/// A used discount code.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountCodeInfo {
    #[expect(missing_docs, reason = "as its name says")]
    pub discount_code: IdReference,
    /// `MatchesCart` if it was applied; otherwise why it was not.
    pub state: Option<String>,
}

impl DiscountCodeInfo {
    /// Whether the code took anything off.
    #[must_use]
    pub fn is_applied(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state == "MatchesCart")
    }
}

/// A discount code.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DiscountCode {
    /// The code's id.
    pub id: Id,
    /// The text that the buyer enters.
    pub code: String,
}

/// The discount on the whole order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountOnTotalPrice {
    #[expect(missing_docs, reason = "as its name says")]
    pub discounted_amount: Money,
}

/// The customer of an order, with the fields that an event needs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Buyer {
    /// The customer's id.
    pub id: Id,
    /// The customer's current address.
    #[serde(default, deserialize_with = "or_default")]
    pub email: String,
    /// Whether the customer has a postal address, which then is the one that counts.
    #[serde(rename = "addresses", default, deserialize_with = "is_not_empty")]
    pub has_address: bool,
}

fn is_not_empty<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Ok(Option::<Vec<serde::de::IgnoredAny>>::deserialize(from)?.is_some_and(|all| !all.is_empty()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expanded_payments_are_read_and_not_told_of() {
        let money = json!({"type": "centPrecision", "currencyCode": "EUR", "centAmount": 1, "fractionDigits": 2});
        let payment = |obj: Value| json!({"typeId": "payment", "id": "p", "obj": obj});
        let order = |obj: Value| -> Order {
            let document = json!({"id": "o", "createdAt": "2026-01-01T00:00:00Z",
                "lastModifiedAt": "2026-01-01T00:00:00Z", "totalPrice": money, "beside": [null],
                "paymentInfo": {"payments": [payment(obj), {"typeId": "payment", "id": "q"}]}});
            serde_json::from_str(&document.to_string()).expect("an order")
        };
        let mut expanded = order(json!({"id": "p", "transactions": []}));
        let payments = expanded.take_payments().expect("a payment");
        assert_eq!(payments.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), ["p"]);
        assert_eq!(expanded.take_payments().expect("none"), []);
        let raw = expanded.raw();
        assert_eq!(raw["beside"], json!([null]));
        let told = json!([{"typeId": "payment", "id": "p"}, {"typeId": "payment", "id": "q"}]);
        assert_eq!(raw["paymentInfo"]["payments"], told);
        assert!(
            order(json!({"transactions": []})).take_payments().is_err(),
            "without an id it is no payment"
        );
    }
}
