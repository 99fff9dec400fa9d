//! The records that documents have led a run to. A record that several documents lead to, such as a product whose five
//! variants have new stock, is read and written once.
//!
//! If a record changes after it was read, a later pass handles it: later passes look back to the beginning of these. So
//! this covers passes of one sort, and is cleared between them and the closing ones.

use std::collections::HashSet;

use serde::Deserialize;

use crate::commercetools::reference::Id;
use crate::commercetools::variant::VariantSku;
use crate::commercetools::walk::{FilterList, Walk};

/// Bytes that may be remembered. A product that is forgotten beyond that is read once more if something leads to it.
const MOST_BYTES: usize = 4_000_000;

/// The approximate memory of an entry beside its text.
const ENTRY_BYTES: usize = 64;

/// Records and the SKUs that belong to them.
#[derive(Debug, Default)]
pub(super) struct LinkedBefore {
    records: HashSet<Id>,
    skus: HashSet<String>,
    bytes: usize,
}

/// A product, read for the SKUs of the variants within it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProductSkus {
    master_data: Option<CurrentSkus>,
}

#[derive(Deserialize)]
struct CurrentSkus {
    current: VariantSkus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VariantSkus {
    master_variant: Option<VariantSku>,
    #[serde(default)]
    variants: Vec<VariantSku>,
}

impl LinkedBefore {
    /// Remembers a record; returns whether it is new.
    pub(super) fn meet(&mut self, id: &Id) -> bool {
        if self.records.contains(id) {
            return false;
        }
        self.make_room(id.as_str().len());
        self.records.insert(id.clone())
    }

    /// Remembers the SKUs of documents that are products; other documents have none in that place.
    pub(super) fn meet_skus(&mut self, documents: &[&str]) {
        let read = documents.iter().filter_map(|text| serde_json::from_str(text).ok());
        for ProductSkus { master_data } in read {
            let Some(CurrentSkus { current }) = master_data else { continue };
            let variants = current.master_variant.into_iter().chain(current.variants);
            for sku in variants.filter_map(|variant| variant.sku) {
                self.make_room(sku.len());
                self.skus.insert(sku);
            }
        }
    }

    /// The rest of a walk without records met before; none if nothing is left.
    pub(super) fn rest_of(&self, mut walk: Walk) -> Option<Walk> {
        let left = match &mut walk.filter.among {
            Some(FilterList::Skus(skus)) => {
                skus.retain(|sku| !self.skus.contains(sku));
                skus.len()
            }
            Some(FilterList::Ids(ids)) => {
                ids.retain(|id| !self.records.contains(id));
                ids.len()
            }
            Some(FilterList::Payments(_)) | None => return Some(walk),
        };
        (left > 0).then_some(walk)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn make_room(&mut self, length: usize) {
        if self.bytes > MOST_BYTES {
            self.clear();
        }
        self.bytes += length + ENTRY_BYTES;
    }
}
