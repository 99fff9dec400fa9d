//! The stock of a SKU.

use super::documents::Documents;
use super::reading::KnownDocument;
use super::{DeliveryStep, StepResult};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::catalog::VariantStock;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::{identity, stock};
use crate::push::plan::IgnoreReason;

/// The entry that counts is read afresh, whichever was changed. Without it, nothing is known of the
/// stock; only where an entry is gone, it may have been the one: then there is none of what is
/// counted elsewhere, and what is counted nowhere is not tracked any more.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    entry: &Id,
    sku: Option<&str>,
    gone: bool,
) -> StepResult {
    let sku = match sku {
        Some(sku) => sku,
        None => {
            &documents.inventory_entry.or_read([DocumentQuery::InventoryEntry(entry.clone())])?.sku
        }
    };
    if let (Some(written), KnownDocument::Unasked) =
        (&documents.written_entry, &documents.counted_stock)
    {
        return Ok(DeliveryStep::read([DocumentQuery::InventoryEntry(written.clone())]));
    }
    let channel = stock::channel(&config.rules.product.inventory).map(ToOwned::to_owned);
    Ok(match (&documents.counted_stock, &documents.any_stock) {
        (KnownDocument::Unasked, _) => {
            let counted = DocumentQuery::CountedStock { sku: sku.to_owned(), channel };
            let any = gone.then(|| DocumentQuery::AnyStock(sku.to_owned()));
            DeliveryStep::read([Some(counted), any].into_iter().flatten())
        }
        (KnownDocument::There(entry), _) => send(sku, stock::of_entry(entry)),
        (KnownDocument::Gone, KnownDocument::Unasked) => {
            DeliveryStep::ignore(IgnoreReason::OtherChannel)
        }
        (KnownDocument::Gone, KnownDocument::There(_)) => send(sku, stock::tracked(0)),
        (KnownDocument::Gone, KnownDocument::Gone) => send(sku, stock::untracked()),
    })
}

/// A variant that Klaviyo does not know is no matter: it comes with its product.
fn send(sku: &str, stock: VariantStock) -> DeliveryStep {
    let variant = identity::variant_of_sku(sku).id;
    DeliveryStep::send(vec![WriteRequest::Catalog(CatalogWrite::SetStock { variant, stock })])
}
