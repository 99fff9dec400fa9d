//! What a run remembers from page to page: products and discount codes of orders, and the
//! categories that Klaviyo knows. It is bounded, so that memory stays flat, and none of it has to
//! survive a crash.

use std::collections::{HashMap, HashSet};

use crate::commercetools::order::DiscountCode;
use crate::commercetools::product::Product;
use crate::commercetools::reference::Id;

/// Products that are remembered. Without their variants they are some kB each.
const PRODUCTS: usize = 4_000;

/// Discount codes that are remembered, at some 100 bytes each.
const CODES: usize = 20_000;

/// What a run remembers.
#[derive(Default)]
pub(in crate::import) struct Memory {
    /// None for a product that is gone.
    products: HashMap<Id, Option<Product>>,
    codes: HashMap<Id, Option<DiscountCode>>,
    /// Klaviyo's ids of the categories that it has. There are some thousands at most.
    pub(super) categories: HashSet<String>,
}

impl Memory {
    pub(super) fn knows_product(&self, id: &Id) -> bool {
        self.products.contains_key(id)
    }

    pub(super) fn knows_code(&self, id: &Id) -> bool {
        self.codes.contains_key(id)
    }

    /// The products of these ids, as far as they exist, in the order of their ids as in realtime.
    pub(super) fn products(&self, ids: &[Id]) -> Vec<Product> {
        let mut ids: Vec<_> = ids.iter().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.products.get(id)?.clone()).collect()
    }

    /// The discount codes of these ids, as far as they may be seen.
    pub(super) fn codes(&self, ids: impl Iterator<Item = Id>) -> Vec<DiscountCode> {
        ids.filter_map(|id| self.codes.get(&id)?.clone()).collect()
    }

    pub(super) fn learn_products(&mut self, asked: &[Id], found: &[Product]) {
        self.products.extend(asked.iter().map(|id| (id.clone(), None)));
        let found = found.iter().map(Product::for_orders);
        self.products.extend(found.map(|product| (product.id.clone(), Some(product))));
    }

    pub(super) fn learn_codes(&mut self, asked: &[Id], found: Vec<DiscountCode>) {
        self.codes.extend(asked.iter().map(|id| (id.clone(), None)));
        self.codes.extend(found.into_iter().map(|code| (code.id.clone(), Some(code))));
    }

    /// A category that was created.
    pub(in crate::import) fn learn_category(&mut self, id: String) {
        self.categories.insert(id);
    }

    /// Forgets what is too much. Only to be called when no page is between asking and mapping.
    pub(in crate::import) fn trim(&mut self) {
        if self.products.len() > PRODUCTS {
            self.products.clear();
        }
        if self.codes.len() > CODES {
            self.codes.clear();
        }
    }
}
