//! The product that a standalone price belongs to.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::{DeliveryStep, StepResult, product};
use crate::commercetools::product::PriceMode;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::push::plan::IgnoreReason;

/// Finds the product by the SKU and writes it as it is now.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    price: &Id,
    sku: Option<&str>,
    now: DateTime<Utc>,
) -> StepResult {
    let sku = match sku {
        Some(sku) => sku,
        None => {
            &documents
                .standalone_price
                .or_read([DocumentQuery::StandalonePrice(price.clone())])?
                .sku
        }
    };
    let product = documents.product.or_read([DocumentQuery::ProductOfSku(sku.to_owned())])?;
    if product.price_mode == PriceMode::Embedded {
        return Ok(DeliveryStep::ignore(IgnoreReason::PriceNotUsed));
    }
    product::next(config, documents, &product.id, now)
}
