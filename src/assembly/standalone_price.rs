//! The product that a standalone price belongs to.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::reading::Found;
use super::{Step, product};
use crate::commercetools::product::PriceMode;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::push::plan::Ignored;

/// Finds the product by the SKU and writes it as it is now.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    price: &Id,
    sku: Option<&str>,
    now: DateTime<Utc>,
) -> Step {
    let sku = match (sku, &documents.standalone_price) {
        (Some(sku), _) => sku,
        (None, Found::There(price)) => &price.sku,
        (None, Found::Gone) => return Step::ignore(Ignored::Gone),
        (None, Found::Unasked) => {
            return Step::read([DocumentQuery::StandalonePrice(price.clone())]);
        }
    };
    match &documents.product {
        Found::Unasked => Step::read([DocumentQuery::ProductOfSku(sku.to_owned())]),
        Found::Gone => Step::ignore(Ignored::Gone),
        Found::There(product) if product.price_mode == PriceMode::Embedded => {
            Step::ignore(Ignored::PriceNotUsed)
        }
        Found::There(product) => product::next(config, documents, &product.id, now),
    }
}
