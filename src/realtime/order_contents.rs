//! What the contents of orders were read as a short time ago: products and discount codes. Orders
//! share them, and a sale is many orders of a few products.
//!
//! For: the events of orders, which take a slug and the names of categories from a product, and
//! the text of a code. Not for: what tells of a product or category itself; that is read afresh.

use std::collections::HashMap;

use super::documents::{Documents, Reading, sort};
use crate::commercetools::notification::Notification;
use crate::commercetools::order::DiscountCode;
use crate::commercetools::product::Product;
use crate::commercetools::query::Query;
use crate::commercetools::reference::Id;

/// How long a document counts as read, in ms: a minute. A category that is renamed meanwhile still
/// has its old name in an order's event, as it has if the order is a minute older.
const LIFETIME_MS: u64 = 60_000;

/// Documents of one kind that are kept. A product without its variants has some kB, so all together
/// are a few MB of an isolate's 128.
const MOST: usize = 1000;

/// The documents that this isolate read.
#[derive(Debug, Default)]
pub struct OrderContents {
    products: Recent<Product>,
    discount_codes: Recent<DiscountCode>,
}

impl OrderContents {
    /// Adds to `documents` what is known of these readings, and gives what is still to be read.
    pub fn answer(
        &self,
        readings: Vec<Reading>,
        documents: &mut Documents,
        now_ms: u64,
    ) -> Vec<Reading> {
        let left = readings.into_iter().filter_map(|reading| match reading {
            Reading::Commercetools(Query::Products(ids)) => {
                let known = documents.products.get_or_insert_default();
                let left = self.products.answer(ids, known, now_ms, Product::for_orders);
                sort(known);
                left.map(|ids| Query::Products(ids).into())
            }
            Reading::Commercetools(Query::DiscountCodes(ids)) => {
                let known = documents.discount_codes.get_or_insert_default();
                let left = self.discount_codes.answer(ids, known, now_ms, DiscountCode::clone);
                left.map(|ids| Query::DiscountCodes(ids).into())
            }
            other => Some(other),
        });
        left.collect()
    }

    /// Keeps what was read.
    pub fn keep(&mut self, reading: &Reading, documents: &Documents, now_ms: u64) {
        match reading {
            Reading::Commercetools(Query::Products(ids)) => {
                let read = documents.products.iter().flatten();
                for product in read.filter(|product| ids.contains(&product.id)) {
                    self.products.keep(&product.id, product.for_orders(), now_ms);
                }
            }
            Reading::Commercetools(Query::DiscountCodes(ids)) => {
                let read = documents.discount_codes.iter().flatten();
                for code in read.filter(|code| ids.contains(&code.id)) {
                    self.discount_codes.keep(&code.id, code.clone(), now_ms);
                }
            }
            _ => {}
        }
    }

    /// Forgets what a notification says was changed.
    pub fn forget(&mut self, notification: &Notification) {
        let Some(resource) = &notification.resource else { return };
        match resource.type_id.as_str() {
            "product" => self.products.retain(|product| product.id != resource.id),
            "category" => self.products.retain(|product| !stands_in(product, &resource.id)),
            _ => {}
        }
    }
}

/// Whether a product stands in a category or below it.
fn stands_in(product: &Product, category: &Id) -> bool {
    product.master_data.current.categories.iter().any(|own| {
        let above = own.obj.iter().flat_map(|own| &own.ancestors).map(|above| &above.id);
        above.chain([&own.id]).any(|id| id == category)
    })
}

/// Documents by id, each until a time in ms.
#[derive(Debug)]
struct Recent<T> {
    documents: HashMap<Id, (T, u64)>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { documents: HashMap::new() }
    }
}

impl<T> Recent<T> {
    /// Adds those that are known to `known`, and gives the ids of the others, if there are any.
    fn answer(
        &self,
        ids: Vec<Id>,
        known: &mut Vec<T>,
        now_ms: u64,
        copy: fn(&T) -> T,
    ) -> Option<Vec<Id>> {
        let mut left = Vec::new();
        for id in ids {
            match self.documents.get(&id).filter(|(_, until)| now_ms < *until) {
                Some((document, _)) => known.push(copy(document)),
                None => left.push(id),
            }
        }
        (!left.is_empty()).then_some(left)
    }

    fn keep(&mut self, id: &Id, document: T, now_ms: u64) {
        if self.documents.len() >= MOST {
            self.documents.retain(|_, (_, until)| now_ms < *until);
        }
        // A shop with more than that sold in a minute reads again, from the beginning.
        if self.documents.len() >= MOST {
            self.documents.clear();
        }
        self.documents.insert(id.clone(), (document, now_ms + LIFETIME_MS));
    }

    fn retain(&mut self, keeps: impl Fn(&T) -> bool) {
        self.documents.retain(|_, (document, _)| keeps(document));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Answer;
    use serde_json::{Value, json};

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn query(ids: &[&str]) -> Reading {
        Query::Products(ids.iter().map(|value| id(value)).collect()).into()
    }

    fn product(id: &str, category: &str, above: &str) -> Value {
        let category = json!({"id": category, "obj": {"name": {"en": "A"},
            "ancestors": [{"id": above}]}});
        json!({"id": id, "masterData": {"current": {"categories": [category]}}})
    }

    /// Reads these products at this time, as for an order.
    fn read(contents: &mut OrderContents, ids: &[&str], now_ms: u64) -> Vec<Reading> {
        let mut documents = Documents::default();
        let asked = contents.answer(vec![query(ids)], &mut documents, now_ms);
        for reading in &asked {
            let Reading::Commercetools(Query::Products(ids)) = reading else { panic!("products") };
            let results: Vec<_> = ids.iter().map(|id| product(id.as_str(), "c1", "c0")).collect();
            let body = json!({ "results": results }).to_string();
            let answer = Answer { status: 200, body, ..Answer::default() };
            documents.add(reading, &Ok(answer)).expect("products");
            contents.keep(reading, &documents, now_ms);
        }
        let read = documents.products.unwrap_or_default();
        let read: Vec<_> = read.iter().map(|product| product.id.as_str()).collect();
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        assert_eq!(read, ids, "each once, in the same order, read or known");
        asked
    }

    #[test]
    fn only_what_was_not_read_lately_is_asked_for() {
        let mut contents = OrderContents::default();
        assert_eq!(read(&mut contents, &["a", "b"], 0), [query(&["a", "b"])]);
        assert_eq!(read(&mut contents, &["b", "a"], 1), []);
        assert_eq!(read(&mut contents, &["a", "c"], 30_000), [query(&["c"])]);
        assert_eq!(read(&mut contents, &["a", "c"], LIFETIME_MS), [query(&["a"])]);
    }

    #[test]
    fn what_is_told_of_is_forgotten() {
        for (type_id, changed, asked) in [
            ("product", "a", vec![query(&["a"])]),
            ("category", "c0", vec![query(&["a", "b"])]),
            ("category", "c1", vec![query(&["a", "b"])]),
            ("category", "c2", vec![]),
            ("inventory-entry", "a", vec![]),
        ] {
            let mut contents = OrderContents::default();
            read(&mut contents, &["a", "b"], 0);
            let Value::Object(raw) = json!({"notificationType": "ResourceUpdated",
                "resource": {"typeId": type_id, "id": changed}})
            else {
                panic!("an object")
            };
            contents.forget(&Notification::read(raw).expect("a notification"));
            assert_eq!(read(&mut contents, &["a", "b"], 1), asked, "{type_id} {changed}");
        }
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut contents = OrderContents::default();
        for n in 0..3 * MOST {
            read(&mut contents, &[&n.to_string()], 0);
            assert!(contents.products.documents.len() <= MOST);
        }
        assert_eq!(read(&mut contents, &[&(3 * MOST - 1).to_string()], 1), []);
    }

    #[test]
    fn other_readings_pass() {
        let other = vec![Reading::from(Query::Product(id("a")))];
        let mut documents = Documents::default();
        let left = OrderContents::default().answer(other.clone(), &mut documents, 0);
        assert_eq!((left, documents), (other, Documents::default()));
    }
}
