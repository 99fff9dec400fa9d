//! The stock of a SKU.
//!
//! A SKU has an entry for each supply channel, and perhaps one without. All are read, whichever
//! changed; [`stock`] says which ones count.

use super::DeliveryStep;
use super::documents::Documents;
use super::reading::UnitReading;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::catalog::VariantStock;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::{identity, stock};
use crate::push::plan::IgnoreReason;

/// Reads the entries of the SKU and writes their result. A SKU without any is not tracked (any
/// more).
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    entry: &Id,
    sku: Option<&str>,
    gone: bool,
) -> DeliveryStep {
    let stock = &documents.stock;
    let sku = match (sku, stock.read_by_id(entry)) {
        (Some(sku), _) => sku,
        (None, Some(Some(entry))) => &entry.sku,
        (None, Some(None)) => return DeliveryStep::ignore(IgnoreReason::Gone),
        (None, None) => {
            return DeliveryStep::read([DocumentQuery::InventoryEntry(entry.clone())]);
        }
    };
    let readings = unread(documents, entry, sku, gone);
    if !readings.is_empty() {
        return DeliveryStep::Read(readings);
    }
    let channels = &config.rules.product.inventory.use_channel_inventory;
    send(sku, stock::of_variant(channels, stock.of_sku(sku), None))
}

/// What is not read yet. A query may lag behind, so entries known to belong to the SKU are also
/// read by id: the changed entry, if the query has not found it, and, after a write, the entries
/// that it was made from.
fn unread(documents: &Documents, entry: &Id, sku: &str, gone: bool) -> Vec<UnitReading> {
    let stock = &documents.stock;
    let mut readings: Vec<_> = documents.further.clone();
    if !stock.is_listed() {
        let skus = vec![sku.to_owned()];
        readings.push(DocumentQuery::StockEntries { skus, after: None }.into());
    } else if readings.is_empty() && !gone && !stock.has(entry) {
        readings.push(DocumentQuery::InventoryEntry(entry.clone()).into());
    }
    let written = stock.written().iter().filter(|id| stock.read_by_id(id).is_none());
    readings.extend(written.map(|id| DocumentQuery::InventoryEntry(id.clone()).into()));
    readings
}

/// A variant that Klaviyo does not know does not matter: it comes with its product.
fn send(sku: &str, stock: VariantStock) -> DeliveryStep {
    let variant = identity::variant_of_sku(sku).id;
    DeliveryStep::send(vec![WriteRequest::Catalog(CatalogWrite::SetStock { variant, stock })])
}
