//! An order: the fields its events are made of, beside the document as it came.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::customer::{Address, CustomFields};
use super::locale::LocalizedString;
use super::money::Money;
use super::reference::{Id, IdReference};

/// An order and its raw document, since existing flows use the raw names.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The fields that are used by name.
    pub fields: OrderFields,
    /// The whole document.
    pub raw: Map<String, Value>,
}

impl Order {
    /// Reads an order document.
    ///
    /// # Errors
    /// Where a field that is used is missing or of another type; the error names it.
    pub fn read(document: Value) -> Result<Self, serde_json::Error> {
        let fields = OrderFields::deserialize(&document)?;
        // An object, since fields could be read of it; taken as it is, not rebuilt.
        let raw = if let Value::Object(raw) = document { raw } else { Map::new() };
        Ok(Self { fields, raw })
    }

    /// The line items as they came, in the order of `fields.line_items`.
    pub fn raw_lines(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let lines = self.raw.get("lineItems").and_then(Value::as_array);
        lines.into_iter().flatten().filter_map(Value::as_object)
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
    /// The number the shop's people know it by.
    pub order_number: Option<String>,
    /// When it was placed, or imported (UTC).
    pub created_at: DateTime<Utc>,
    /// When it was last changed (UTC).
    pub last_modified_at: DateTime<Utc>,
    /// The date of an imported order, as the shop gave it (UTC).
    pub completed_at: Option<DateTime<Utc>>,
    /// The registered customer; none for a guest.
    pub customer_id: Option<Id>,
    /// The buyer's e-mail; an order need not have one.
    pub customer_email: Option<String>,
    /// After discounts; with tax only where prices include it.
    pub total_price: Money,
    /// `Open`, `Confirmed`, `Complete` or `Cancelled`.
    #[serde(default)]
    pub order_state: String,
    /// The lines with a product.
    #[serde(default)]
    pub line_items: Vec<LineItem>,
    /// The lines without one: fees, vouchers.
    #[serde(default)]
    pub custom_line_items: Vec<CustomLineItem>,
    #[expect(missing_docs, reason = "as its name says")]
    pub billing_address: Option<Address>,
    #[expect(missing_docs, reason = "as its name says")]
    pub shipping_address: Option<Address>,
    /// The codes that were used.
    #[serde(default)]
    pub discount_codes: Vec<DiscountCodeInfo>,
    /// What was taken off the whole order.
    pub discount_on_total_price: Option<DiscountOnTotalPrice>,
    /// How it is paid.
    #[serde(default)]
    pub payment_info: PaymentInfo,
    #[expect(missing_docs, reason = "as its name says")]
    pub custom: Option<CustomFields>,
}

/// How an order is paid.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct PaymentInfo {
    /// The payments, in the order they were added.
    pub payments: Vec<IdReference>,
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
    /// When the line was added to the cart, or by an edit to the order (UTC); not every line says so.
    pub added_at: Option<DateTime<Utc>>,
    /// The product's slug at the time.
    #[serde(default)]
    pub product_slug: LocalizedString,
    /// The product's name at the time.
    #[serde(default)]
    pub name: LocalizedString,
    /// The variant at the time.
    #[serde(default)]
    pub variant: LineVariant,
    #[expect(missing_docs, reason = "as its name says")]
    pub quantity: i64,
    /// The unit price.
    pub price: UnitPrice,
    /// For the whole line, after discounts.
    pub total_price: Money,
}

/// The variant that was ordered.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct LineVariant {
    /// Not every variant has one.
    pub sku: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub images: Vec<Image>,
    #[expect(missing_docs, reason = "as its name says")]
    pub attributes: Vec<Attribute>,
}

/// An image of a variant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Image {
    #[expect(missing_docs, reason = "as its name says")]
    pub url: String,
}

/// An attribute of a variant; what its value looks like depends on the product type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Attribute {
    #[expect(missing_docs, reason = "as its name says")]
    pub name: String,
    #[serde(default)]
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
    /// What a unit costs.
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
pub struct CustomLineItem {
    #[serde(default)]
    #[expect(missing_docs, reason = "as its name says")]
    pub name: LocalizedString,
}

/// A discount code that was used.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountCodeInfo {
    #[expect(missing_docs, reason = "as its name says")]
    pub discount_code: IdReference,
}

/// A discount code.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct DiscountCode {
    /// The code's id.
    pub id: Id,
    /// The text that the buyer typed.
    pub code: String,
}

/// What was taken off the whole order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscountOnTotalPrice {
    #[expect(missing_docs, reason = "as its name says")]
    pub discounted_amount: Money,
}
