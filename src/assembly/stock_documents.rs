//! The inventory entries read for one unit: by SKUs, and single ones by ids.
//!
//! A query may lag behind; a read by id does not. So if an entry was read both ways, the newer
//! version counts, and an entry that no longer exists does not count.

use std::collections::BTreeMap;

use crate::commercetools::inventory::InventoryEntry;
use crate::commercetools::reference::Id;

/// What is known about entries.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StockDocuments {
    /// What the queries by SKU found; none before they were made.
    listed: Option<Vec<InventoryEntry>>,
    /// What was read by id; none for a deleted entry.
    by_id: BTreeMap<Id, Option<InventoryEntry>>,
    /// The entries that the last write was made from, to read again.
    written: Vec<Id>,
}

impl StockDocuments {
    /// Whether the unit asked for the entries of the SKUs.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        self.listed.is_some()
    }

    /// The entries that the queries by SKU found.
    #[must_use]
    pub fn listed(&self) -> &[InventoryEntry] {
        self.listed.as_deref().unwrap_or_default()
    }

    /// Adds a page of entries that a query found.
    pub fn add_page(&mut self, page: Vec<InventoryEntry>) {
        self.listed.get_or_insert_default().extend(page);
    }

    /// Adds the result of a read by id.
    pub fn add_by_id(&mut self, id: Id, entry: Option<InventoryEntry>) {
        self.by_id.insert(id, entry);
    }

    /// The result of a read by id, if there was one.
    #[must_use]
    pub fn read_by_id(&self, id: &Id) -> Option<Option<&InventoryEntry>> {
        self.by_id.get(id).map(Option::as_ref)
    }

    /// Whether something is known of the entry of this id.
    #[must_use]
    pub fn has(&self, id: &Id) -> bool {
        self.by_id.contains_key(id) || self.listed().iter().any(|entry| entry.id == *id)
    }

    /// The entries that the last write was made from.
    #[must_use]
    pub fn written(&self) -> &[Id] {
        &self.written
    }

    /// The entries of a SKU, in the newest known version.
    pub fn of_sku<'a>(&'a self, sku: &'a str) -> impl Iterator<Item = &'a InventoryEntry> {
        let listed = self.listed().iter().filter_map(|listed| match self.by_id.get(&listed.id) {
            None => Some(listed),
            Some(read) => read.as_ref().map(|read| newer(read, listed)),
        });
        let others = self
            .by_id
            .values()
            .flatten()
            .filter(|read| !self.listed().iter().any(|listed| listed.id == read.id));
        listed.chain(others).filter(move |entry| entry.sku == sku)
    }

    /// Forgets the entries, to read them again by the SKUs.
    pub fn forget(&mut self) {
        *self = Self::default();
    }

    /// Forgets the entries of a SKU, to read them again by the SKU and by their ids.
    pub fn forget_written(&mut self, sku: &str) {
        let mut written: Vec<_> = self.of_sku(sku).map(|entry| entry.id.clone()).collect();
        written.sort_unstable();
        written.dedup();
        *self = Self { written, ..Self::default() };
    }
}

/// The newer version of an entry that was read by its id and found by a query.
fn newer<'a>(read: &'a InventoryEntry, listed: &'a InventoryEntry) -> &'a InventoryEntry {
    if listed.version > read.version { listed } else { read }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn entry(id: &str, sku: &str, version: u64) -> InventoryEntry {
        let quantity = version * 10;
        let entry =
            json!({"id": id, "version": version, "sku": sku, "availableQuantity": quantity});
        serde_json::from_value(entry).expect("an entry")
    }

    fn quantities(documents: &StockDocuments, sku: &str) -> Vec<i64> {
        documents.of_sku(sku).map(|entry| entry.available_quantity).collect()
    }

    #[test]
    fn the_newer_of_what_was_found_and_what_was_read_counts() {
        for (listed, read, expected) in [
            (&[][..], &[][..], &[][..]),
            (&[("a", "s", 1), ("b", "s", 2), ("c", "t", 3)], &[], &[10, 20]),
            (&[("a", "s", 1)], &[("a", Some(("s", 2)))], &[20]),
            (&[("a", "s", 2)], &[("a", Some(("s", 1)))], &[20]),
            (&[("a", "s", 1), ("b", "s", 1)], &[("a", None)], &[10]),
            (&[], &[("a", Some(("s", 1)))], &[10]),
            (&[], &[("a", Some(("t", 1))), ("b", None)], &[]),
        ] {
            let mut documents = StockDocuments::default();
            assert!(!documents.is_listed());
            let page = listed.iter().map(|(id, sku, version)| entry(id, sku, *version));
            documents.add_page(page.collect());
            for (name, found) in read {
                let found = found.map(|(sku, version)| entry(name, sku, version));
                documents.add_by_id(id(name), found);
            }
            assert!(documents.is_listed());
            assert_eq!(quantities(&documents, "s"), expected, "{listed:?} {read:?}");
        }
    }

    #[test]
    fn what_was_written_is_read_again_by_its_ids() {
        let mut documents = StockDocuments::default();
        documents.add_page(vec![entry("b", "s", 1), entry("a", "s", 1), entry("c", "t", 1)]);
        documents.forget_written("s");
        assert_eq!(documents.written(), [id("a"), id("b")]);
        assert!(!documents.is_listed() && !documents.has(&id("a")));
        documents.add_page(vec![entry("a", "s", 1)]);
        documents.forget();
        assert_eq!(documents, StockDocuments::default());
    }
}
