//! The product that a standalone price belongs to.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::reading::KnownDocument;
use super::{DeliveryStep, StepResult, product, variant};
use crate::commercetools::product::PriceMode;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::push::plan::IgnoreReason;

/// Finds the product by the SKU and writes its current state. If the SKU belongs to a variant that is a document of its
/// own, the outbox gets the product: it may have 10,000 of them, and prices.
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
    let product = match &documents.product {
        KnownDocument::Unasked => {
            return Ok(DeliveryStep::read([DocumentQuery::ProductOfSku(sku.to_owned())]));
        }
        KnownDocument::Gone => return variant::next_of_sku(documents, sku),
        KnownDocument::There(product) => product,
    };
    if product.price_mode == PriceMode::Embedded {
        return Ok(DeliveryStep::ignore(IgnoreReason::PriceNotUsed));
    }
    product::next(config, documents, &product.id, now)
}
