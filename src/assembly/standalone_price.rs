//! The product that a standalone price belongs to.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::reading::KnownDocument;
use super::{DeliveryStep, product};
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
) -> DeliveryStep {
    let sku = match (sku, &documents.standalone_price) {
        (Some(sku), _) => sku,
        (None, KnownDocument::There(price)) => &price.sku,
        (None, KnownDocument::Gone) => return DeliveryStep::ignore(IgnoreReason::Gone),
        (None, KnownDocument::Unasked) => {
            return DeliveryStep::read([DocumentQuery::StandalonePrice(price.clone())]);
        }
    };
    match &documents.product {
        KnownDocument::Unasked => DeliveryStep::read([DocumentQuery::ProductOfSku(sku.to_owned())]),
        KnownDocument::Gone => DeliveryStep::ignore(IgnoreReason::Gone),
        KnownDocument::There(product) if product.price_mode == PriceMode::Embedded => {
            DeliveryStep::ignore(IgnoreReason::PriceNotUsed)
        }
        KnownDocument::There(product) => product::next(config, documents, &product.id, now),
    }
}
