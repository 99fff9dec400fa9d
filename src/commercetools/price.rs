//! Prices of a variant, with their scope: for whom, where and when.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::money::Money;
use super::order::DiscountedPrice;
use super::reference::{Id, IdReference};

/// A price. Without a scope it holds for everybody; expired and future prices stay in the list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// Before a product discount.
    pub value: Money,
    /// After it, if there is one.
    pub discounted: Option<DiscountedPrice>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub customer_group: Option<IdReference>,
    /// A product distribution channel.
    pub channel: Option<IdReference>,
    /// When it starts (UTC).
    pub valid_from: Option<DateTime<Utc>>,
    /// When it ends (UTC).
    pub valid_until: Option<DateTime<Utc>>,
    /// Only for recurring orders.
    pub recurrence_policy: Option<IdReference>,
}

impl Price {
    /// The price of a unit.
    #[must_use]
    pub fn effective(&self) -> &Money {
        self.discounted.as_ref().map_or(&self.value, |discounted| &discounted.value)
    }

    /// Whether it holds at this time.
    #[must_use]
    pub fn valid_at(&self, now: DateTime<Utc>) -> bool {
        self.valid_from.is_none_or(|from| from <= now)
            && self.valid_until.is_none_or(|until| now < until)
    }
}

/// A standalone price, for the variant with its SKU; it counts for products with the price mode
/// `Standalone`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StandalonePrice {
    /// The price's id.
    pub id: Id,
    #[expect(missing_docs, reason = "as its name says")]
    pub sku: String,
    /// Whether it counts at all.
    #[serde(default = "active")]
    pub active: bool,
    /// The price itself.
    #[serde(flatten)]
    pub price: Price,
}

/// commercetools' default.
fn active() -> bool {
    true
}
