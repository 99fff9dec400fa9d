//! Prices of a variant, and for whom, where and when each of them holds.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::money::Money;
use super::order::DiscountedPrice;
use super::reference::{Id, IdReference};

/// A price. Without a scope it holds for everybody; prices that are over, or not yet valid, stay
/// in the list.
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
    /// A channel of product distribution.
    pub channel: Option<IdReference>,
    /// From when on it holds (UTC).
    pub valid_from: Option<DateTime<Utc>>,
    /// Until when it holds (UTC).
    pub valid_until: Option<DateTime<Utc>>,
    /// Only for orders that come again and again.
    pub recurrence_policy: Option<IdReference>,
}

impl Price {
    /// What a unit costs.
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

/// A price that stands by itself, for the variant with its SKU; it counts for products whose
/// price mode is `Standalone`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StandalonePrice {
    /// The price's id.
    pub id: Id,
    #[expect(missing_docs, reason = "as its name says")]
    pub sku: String,
    /// Whether it counts at all.
    #[serde(default = "active")]
    pub active: bool,
    /// What it says.
    #[serde(flatten)]
    pub price: Price,
}

/// commercetools' default.
fn active() -> bool {
    true
}
