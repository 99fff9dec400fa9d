//! The product that a standalone price belongs to.

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::{Next, Step, product};
use crate::commercetools::product::PriceMode;
use crate::commercetools::query::Query;
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
) -> Next {
    let sku = match sku {
        Some(sku) => sku,
        None => &documents.standalone_price.or_read([Query::StandalonePrice(price.clone())])?.sku,
    };
    let product = documents.product.or_read([Query::ProductOfSku(sku.to_owned())])?;
    if product.price_mode == PriceMode::Embedded {
        return Ok(Step::ignore(Ignored::PriceNotUsed));
    }
    product::next(config, documents, &product.id, now)
}
