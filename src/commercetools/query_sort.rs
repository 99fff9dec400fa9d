//! The sorts of queries: queries of one sort differ only in their keys, so one call can ask for all.
//!
//! Not in scope: how the answer is split again ([`super::together`]).

use super::query::{DocumentQuery, PRODUCTS_PER_QUERY, SKUS_OF_ENTRIES_PER_QUERY, SKUS_PER_QUERY};
use super::query_parts::{
    CATEGORIES, CUSTOMER_GROUP, DEFAULT_VARIANT, PUBLISHED, VARIANT_PUBLISHED, has_sku, is_one_of,
    variants_among, variants_of,
};
use super::reference::Id;

/// Ids of one query, of documents that are not products: some 6.5 kB of address.
const IDS_PER_QUERY: usize = 150;

/// Products of one query, each with all its variants and their prices: some 100 kB, and up to 1 MB.
const WHOLE_PRODUCTS_PER_QUERY: usize = 20;

/// A query without its keys.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct QuerySort {
    pub(super) path: &'static str,
    pub(super) expand: &'static [&'static str],
    pub(super) key: KeyField,
    /// A further condition.
    pub(super) also: Option<String>,
    /// Whether each key may have several documents, or none.
    pub(super) is_list: bool,
    /// Whether there may be more than one page.
    pub(super) pages: bool,
    /// The maximum number of keys in one query.
    pub(super) most: usize,
}

/// The field that identifies a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum KeyField {
    Id,
    Sku,
    /// The SKUs of a product's variants.
    VariantSku,
    /// The SKU of a variant that is a document of its own.
    OwnSku,
    /// The product of such a variant.
    Product,
}

impl QuerySort {
    /// One document for each id.
    fn by_id(path: &'static str) -> Self {
        let (key, most) = (KeyField::Id, IDS_PER_QUERY);
        Self { path, expand: &[], key, also: None, is_list: false, pages: false, most }
    }

    /// The documents with ids.
    fn list(path: &'static str) -> Self {
        Self { is_list: true, most: PRODUCTS_PER_QUERY, ..Self::by_id(path) }
    }

    /// The documents with SKUs.
    fn by_sku(path: &'static str, key: KeyField) -> Self {
        Self { key, most: SKUS_PER_QUERY, ..Self::list(path) }
    }

    /// Documents of which each SKU may have several, over several pages.
    fn entries(path: &'static str) -> Self {
        let most = SKUS_OF_ENTRIES_PER_QUERY;
        Self { most, pages: true, ..Self::by_sku(path, KeyField::Sku) }
    }

    pub(super) fn predicate(&self, keys: &[String]) -> String {
        let among = match self.key {
            KeyField::Id => is_one_of("id", keys),
            KeyField::Sku => is_one_of("sku", keys),
            KeyField::VariantSku => variants_among(keys),
            KeyField::OwnSku => has_sku(keys),
            KeyField::Product => variants_of(keys),
        };
        match &self.also {
            Some(also) => format!("{also} and {among}"),
            None => among,
        }
    }
}

/// The sort of a query, and its keys; none for one that has to go alone.
pub(super) fn sorted(query: &DocumentQuery) -> Option<(QuerySort, Vec<&str>)> {
    fn texts<T: AsRef<str>>(all: &[T]) -> Vec<&str> {
        all.iter().map(AsRef::as_ref).collect()
    }
    let published = || Some(PUBLISHED.to_owned());
    let with_categories = |sort| QuerySort { expand: &[CATEGORIES], ..sort };
    Some(match query {
        DocumentQuery::Buyer(id) => (QuerySort::by_id("customers"), vec![id.as_str()]),
        DocumentQuery::Customer(id) => {
            let sort = QuerySort { expand: &[CUSTOMER_GROUP], ..QuerySort::by_id("customers") };
            (sort, vec![id.as_str()])
        }
        DocumentQuery::CustomType(id) => (QuerySort::by_id("types"), vec![id.as_str()]),
        DocumentQuery::ProductType(id) => (QuerySort::by_id("product-types"), vec![id.as_str()]),
        DocumentQuery::Order(id) => (QuerySort::by_id("orders"), vec![id.as_str()]),
        DocumentQuery::Payment(id) => (QuerySort::by_id("payments"), vec![id.as_str()]),
        DocumentQuery::Category(id) => {
            let sort = QuerySort { expand: &["ancestors[*]"], ..QuerySort::by_id("categories") };
            (sort, vec![id.as_str()])
        }
        DocumentQuery::Product(id) => {
            let sort = with_categories(QuerySort::by_id("products"));
            (QuerySort { most: WHOLE_PRODUCTS_PER_QUERY, ..sort }, vec![id.as_str()])
        }
        DocumentQuery::StandalonePrice(id) => {
            (QuerySort::by_id("standalone-prices"), vec![id.as_str()])
        }
        DocumentQuery::InventoryEntry(id) => (QuerySort::by_id("inventory"), vec![id.as_str()]),
        DocumentQuery::Products(ids) => {
            let expand = &[CATEGORIES, DEFAULT_VARIANT];
            (QuerySort { expand, ..QuerySort::list("products") }, texts(ids))
        }
        DocumentQuery::DiscountCodes(ids) => (QuerySort::list("discount-codes"), texts(ids)),
        DocumentQuery::PublishedProducts(ids) => {
            (QuerySort { also: published(), ..QuerySort::list("products") }, texts(ids))
        }
        DocumentQuery::OwnersOfSkus(skus) => {
            let sort = QuerySort::by_sku("products", KeyField::VariantSku);
            (QuerySort { also: published(), ..sort }, texts(skus))
        }
        DocumentQuery::Variant(id) => (QuerySort::by_id("variants"), vec![id.as_str()]),
        DocumentQuery::VariantsOfSkus(skus) => {
            let also = Some(VARIANT_PUBLISHED.to_owned());
            (QuerySort { also, ..QuerySort::by_sku("variants", KeyField::OwnSku) }, texts(skus))
        }
        DocumentQuery::VariantsOfProduct { product, after: None } => {
            let sort =
                QuerySort { key: KeyField::Product, pages: true, ..QuerySort::list("variants") };
            (QuerySort { most: WHOLE_PRODUCTS_PER_QUERY, ..sort }, vec![product.as_str()])
        }
        DocumentQuery::StandalonePrices { skus, after: None } => {
            (QuerySort::entries("standalone-prices"), texts(skus))
        }
        DocumentQuery::StockEntries { skus, after: None } => {
            (QuerySort::entries("inventory"), texts(skus))
        }
        DocumentQuery::OrderOfPayment(_)
        | DocumentQuery::OwnerOfPayment(_)
        | DocumentQuery::Descendants { .. }
        | DocumentQuery::ProductOfSku(_)
        | DocumentQuery::Project
        | DocumentQuery::VariantOfSku(_)
        | DocumentQuery::VariantsOfProduct { .. }
        | DocumentQuery::IdWalk(_)
        | DocumentQuery::StandalonePrices { .. }
        | DocumentQuery::StockEntries { .. } => return None,
    })
}

/// The same query, after a document that a page has brought. Earlier documents were delivered already, and stock that
/// is delivered twice counts twice.
pub(super) fn behind(query: DocumentQuery, last: &Id) -> DocumentQuery {
    let after = Some(last.clone());
    match query {
        DocumentQuery::StandalonePrices { skus, .. } => {
            DocumentQuery::StandalonePrices { skus, after }
        }
        DocumentQuery::StockEntries { skus, .. } => DocumentQuery::StockEntries { skus, after },
        DocumentQuery::VariantsOfProduct { product, .. } => {
            DocumentQuery::VariantsOfProduct { product, after }
        }
        one => one,
    }
}

/// The part of a query with these of its keys.
pub(super) fn part(query: &DocumentQuery, keys: &[&str]) -> DocumentQuery {
    fn among<T: AsRef<str> + Clone>(all: &[T], keys: &[&str]) -> Vec<T> {
        all.iter().filter(|one| keys.contains(&one.as_ref())).cloned().collect()
    }
    match query {
        DocumentQuery::Products(ids) => DocumentQuery::Products(among(ids, keys)),
        DocumentQuery::DiscountCodes(ids) => DocumentQuery::DiscountCodes(among(ids, keys)),
        DocumentQuery::PublishedProducts(ids) => DocumentQuery::PublishedProducts(among(ids, keys)),
        DocumentQuery::OwnersOfSkus(skus) => DocumentQuery::OwnersOfSkus(among(skus, keys)),
        DocumentQuery::VariantsOfSkus(skus) => DocumentQuery::VariantsOfSkus(among(skus, keys)),
        DocumentQuery::StandalonePrices { skus, after } => {
            DocumentQuery::StandalonePrices { skus: among(skus, keys), after: after.clone() }
        }
        DocumentQuery::StockEntries { skus, after } => {
            DocumentQuery::StockEntries { skus: among(skus, keys), after: after.clone() }
        }
        one => one.clone(),
    }
}
