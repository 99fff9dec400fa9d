//! Documents that many orders and products share, read a short time ago: the products, discount codes and customers of
//! orders, and the categories at Klaviyo. A sale brings many orders of a few products, and a shop has many products in
//! a few categories.
//!
//! For: the events of orders, which take a slug and category names from a product, and the text of a code; the fields
//! of a type that customers lost; the attributes of a product type; and the items of an import, which belong to
//! categories. Not for: the delivery of a product or category itself; that reads afresh.
//!
//! The size is bounded, and nothing here has to survive. A document that was not found counts as read, too.

use std::collections::HashMap;
use std::hash::Hash;
use std::rc::Rc;
use std::time::Duration;

use super::documents::{Documents, sort};
use super::reading::{KnownDocument, UnitReading};
use crate::commercetools::notification::Notification;
use crate::commercetools::order::{Buyer, DiscountCode};
use crate::commercetools::product::Product;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::commercetools::variant::CatalogModel;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::query::KlaviyoLookup;
use crate::mapping::identity;
use crate::time::UnixMs;

/// How long a document counts as read in an isolate. If a category is renamed meanwhile, an order's event has its old
/// name, just as an order that is a minute older.
const LIFETIME: Duration = Duration::from_mins(1);

/// How many types are remembered, of custom fields and of products each; a shop has a few.
const TYPES: usize = 100;

/// The shared documents.
#[derive(Debug)]
pub struct SharedDocuments {
    products: ReadCache<Id, Option<Rc<Product>>>,
    discount_codes: ReadCache<Id, Option<DiscountCode>>,
    /// The customers of orders; a deleted one is read again, since only commercetools knows.
    buyers: ReadCache<Id, Buyer>,
    /// The names of the fields of types; none for a type that cannot be read.
    fields_of_types: ReadCache<Id, Option<Vec<String>>>,
    /// The attributes that distinguish variants, by product type.
    telling_attributes: ReadCache<Id, Rc<[String]>>,
    /// Where the project keeps variants.
    catalog_model: ReadCache<(), CatalogModel>,
    /// Klaviyo's ids of existing categories; only a run remembers them.
    categories: ReadCache<String, ()>,
}

impl SharedDocuments {
    /// What an isolate shares. A product without its variants has some kB, so the total is a few MB of its 128.
    #[must_use]
    pub fn of_isolate() -> Self {
        Self {
            // Anybody may delete one, and each push asks for the few that it needs.
            categories: ReadCache::new(1, Duration::ZERO),
            ..Self::new(LIFETIME, 1_000, 1_000)
        }
    }

    /// What a run of an import shares between its pages.
    #[must_use]
    pub fn of_run() -> Self {
        Self::new(Duration::MAX, 4_000, 20_000)
    }

    fn new(lifetime: Duration, products: usize, others: usize) -> Self {
        Self {
            products: ReadCache::new(products, lifetime),
            discount_codes: ReadCache::new(others, lifetime),
            // A run may take hours, and its data about a customer must not be that old.
            buyers: ReadCache::new(others, LIFETIME),
            fields_of_types: ReadCache::new(TYPES, lifetime),
            telling_attributes: ReadCache::new(TYPES, lifetime),
            // It may change during a run, and then variants are elsewhere.
            catalog_model: ReadCache::new(1, LIFETIME),
            categories: ReadCache::new(others, lifetime),
        }
    }

    /// Adds to `documents` what is known of these readings, and returns what is still to read.
    pub fn answer(
        &self,
        readings: Vec<UnitReading>,
        documents: &mut Documents,
        now: UnixMs,
    ) -> Vec<UnitReading> {
        let left = readings.into_iter().filter_map(|reading| match reading {
            UnitReading::Commercetools(DocumentQuery::Products(ids)) => {
                let known = documents.products.get_or_insert_default();
                let left = self.products.answer(ids, now, |_, product| {
                    known.extend(product.clone());
                });
                sort(known);
                left.map(|ids| DocumentQuery::Products(ids).into())
            }
            UnitReading::Commercetools(DocumentQuery::DiscountCodes(ids)) => {
                let known = documents.discount_codes.get_or_insert_default();
                let left = self.discount_codes.answer(ids, now, |_, code| {
                    known.extend(code.clone());
                });
                left.map(|ids| DocumentQuery::DiscountCodes(ids).into())
            }
            UnitReading::Commercetools(DocumentQuery::Buyer(id)) => {
                let left = self.buyers.answer(vec![id.clone()], now, |_, buyer| {
                    documents.buyer = KnownDocument::There(buyer.clone());
                });
                left.map(|_| DocumentQuery::Buyer(id).into())
            }
            UnitReading::Commercetools(DocumentQuery::CustomType(id)) => {
                let known = &mut documents.fields_of_types;
                let left = self.fields_of_types.answer(vec![id.clone()], now, |id, fields| {
                    known.insert(id.clone(), fields.clone());
                });
                left.map(|_| DocumentQuery::CustomType(id).into())
            }
            UnitReading::Commercetools(DocumentQuery::ProductType(id)) => {
                let known = &mut documents.telling_attributes;
                let left = self.telling_attributes.answer(vec![id.clone()], now, |id, names| {
                    known.insert(id.clone(), Rc::clone(names));
                });
                left.map(|_| DocumentQuery::ProductType(id).into())
            }
            UnitReading::Commercetools(DocumentQuery::Project) => {
                let left = self.catalog_model.answer(vec![()], now, |(), model| {
                    documents.catalog_model = Some(*model);
                });
                left.map(|_| DocumentQuery::Project.into())
            }
            UnitReading::Klaviyo(KlaviyoLookup::Existing { kind: CatalogKind::Category, ids }) => {
                let left = self.categories.answer(ids, now, |id, ()| documents.categories.hold(id));
                left.map(|ids| KlaviyoLookup::Existing { kind: CatalogKind::Category, ids }.into())
            }
            UnitReading::Category(write) => {
                let id = vec![write.id().to_owned()];
                let left = self.categories.answer(id, now, |id, ()| documents.categories.hold(id));
                left.map(|_| UnitReading::Category(write))
            }
            other => Some(other),
        });
        left.collect()
    }

    /// Keeps what was read.
    pub fn keep(&mut self, reading: &UnitReading, documents: &Documents, now: UnixMs) {
        match reading {
            UnitReading::Commercetools(DocumentQuery::Products(ids)) => {
                let read = documents.products.as_deref().unwrap_or_default();
                for id in ids {
                    let product = read.iter().find(|product| product.id == *id);
                    self.products.keep(id.clone(), product.cloned(), now);
                }
            }
            UnitReading::Commercetools(DocumentQuery::DiscountCodes(ids)) => {
                let read = documents.discount_codes.as_deref().unwrap_or_default();
                for id in ids {
                    let code = read.iter().find(|code| code.id == *id);
                    self.discount_codes.keep(id.clone(), code.cloned(), now);
                }
            }
            UnitReading::Commercetools(DocumentQuery::Buyer(id)) => {
                if let KnownDocument::There(buyer) = &documents.buyer {
                    self.buyers.keep(id.clone(), buyer.clone(), now);
                }
            }
            UnitReading::Commercetools(DocumentQuery::CustomType(id)) => {
                if let Some(fields) = documents.fields_of_types.get(id) {
                    self.fields_of_types.keep(id.clone(), fields.clone(), now);
                }
            }
            UnitReading::Commercetools(DocumentQuery::ProductType(id)) => {
                if let Some(names) = documents.telling_attributes.get(id) {
                    self.telling_attributes.keep(id.clone(), Rc::clone(names), now);
                }
            }
            UnitReading::Commercetools(DocumentQuery::Project) => {
                if let Some(model) = documents.catalog_model {
                    self.catalog_model.keep((), model, now);
                }
            }
            UnitReading::Klaviyo(KlaviyoLookup::Existing { kind: CatalogKind::Category, ids }) => {
                for id in ids.iter().filter(|id| documents.categories.held.list().contains(id)) {
                    self.categories.keep(id.clone(), (), now);
                }
            }
            UnitReading::Category(write) => {
                let id = write.id().to_owned();
                if documents.categories.held.list().contains(&id) {
                    self.categories.keep(id, (), now);
                }
            }
            _ => {}
        }
    }

    /// Forgets which categories Klaviyo has: it refused an item that may name one that no longer exists.
    pub fn distrust_categories(&mut self) {
        self.categories.retain(|_, ()| false);
    }

    /// Forgets what a notification reports as changed.
    pub fn forget(&mut self, notification: &Notification) {
        let Some(resource) = &notification.resource else { return };
        match resource.type_id.as_str() {
            "customer" => self.buyers.retain(|id, _| *id != resource.id),
            "product" => self.products.retain(|id, _| *id != resource.id),
            "product-type" => self.telling_attributes.retain(|id, _| *id != resource.id),
            "category" => {
                let key = identity::category(&resource.id);
                self.categories.retain(|id, ()| *id != key.id);
                self.products.retain(|_, product| {
                    product.as_ref().is_none_or(|product| !stands_in(product, &resource.id))
                });
            }
            _ => {}
        }
    }
}

/// Whether a product belongs to a category or its descendants.
fn stands_in(product: &Product, category: &Id) -> bool {
    product.master_data.current.categories.iter().any(|own| {
        let above = own.obj.iter().flat_map(|own| &own.ancestors).map(|above| &above.id);
        above.chain([&own.id]).any(|id| id == category)
    })
}

/// Documents read by id, each valid until a time.
#[derive(Debug)]
struct ReadCache<K, T> {
    known: HashMap<K, (T, UnixMs)>,
    /// The maximum number.
    most: usize,
    /// How long each is valid.
    lifetime: Duration,
}

impl<K: Eq + Hash, T> ReadCache<K, T> {
    fn new(most: usize, lifetime: Duration) -> Self {
        Self { known: HashMap::new(), most, lifetime }
    }

    /// Passes on the known ones, and returns the ids of the others, if any.
    fn answer(&self, ids: Vec<K>, now: UnixMs, mut know: impl FnMut(&K, &T)) -> Option<Vec<K>> {
        let mut left = Vec::new();
        for id in ids {
            match self.known.get(&id).filter(|(_, until)| now < *until) {
                Some((known, _)) => know(&id, known),
                None => left.push(id),
            }
        }
        (!left.is_empty()).then_some(left)
    }

    fn keep(&mut self, id: K, one: T, now: UnixMs) {
        if self.known.len() >= self.most {
            self.known.retain(|_, (_, until)| now < *until);
        }
        // A shop with more than that starts over with an empty cache.
        if self.known.len() >= self.most {
            self.known.clear();
        }
        self.known.insert(id, (one, now + self.lifetime));
    }

    fn retain(&mut self, keeps: impl Fn(&K, &T) -> bool) {
        self.known.retain(|id, (one, _)| keeps(id, one));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::HttpAnswer;
    use serde_json::{Value, json};

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(ms)
    }

    fn id(value: &str) -> Id {
        Id::new(value).expect("an id")
    }

    fn query(ids: &[&str]) -> UnitReading {
        DocumentQuery::Products(ids.iter().map(|value| id(value)).collect()).into()
    }

    fn product(id: &str, category: &str, above: &str) -> Value {
        let category = json!({"id": category, "obj": {"name": {"en": "A"},
            "ancestors": [{"id": above}]}});
        json!({"id": id, "masterData": {"current": {"categories": [category]}}})
    }

    /// Reads these products at this time, as for an order; ids that begin with `gone` do not exist.
    fn read(shared: &mut SharedDocuments, ids: &[&str], now: UnixMs) -> Vec<UnitReading> {
        let mut documents = Documents::default();
        let asked = shared.answer(vec![query(ids)], &mut documents, now);
        for reading in &asked {
            let UnitReading::Commercetools(DocumentQuery::Products(ids)) = reading else {
                panic!("products")
            };
            let there = ids.iter().map(Id::as_str).filter(|id| !id.starts_with("gone"));
            let results: Vec<_> = there.map(|id| product(id, "c1", "c0")).collect();
            let body = json!({ "results": results }).to_string();
            let answer = HttpAnswer { status: 200, body, ..HttpAnswer::default() };
            documents.add(reading, &Ok(answer)).expect("products");
            shared.keep(reading, &documents, now);
        }
        let read = documents.products.unwrap_or_default();
        let read: Vec<_> = read.iter().map(|product| product.id.as_str()).collect();
        let mut ids = ids.to_vec();
        ids.retain(|id| !id.starts_with("gone"));
        ids.sort_unstable();
        assert_eq!(read, ids, "each once, in the same order, read or known");
        asked
    }

    #[test]
    fn only_what_was_not_read_lately_is_asked_for() {
        let mut shared = SharedDocuments::of_isolate();
        assert_eq!(read(&mut shared, &["a", "b"], at(0)), [query(&["a", "b"])]);
        assert_eq!(read(&mut shared, &["b", "a"], at(1)), []);
        assert_eq!(read(&mut shared, &["a", "c"], at(30_000)), [query(&["c"])]);
        assert_eq!(read(&mut shared, &["a", "c"], UnixMs::EPOCH + LIFETIME), [query(&["a"])]);
        let mut shared = SharedDocuments::of_run();
        assert_eq!(read(&mut shared, &["a", "b"], at(0)), [query(&["a", "b"])]);
        assert_eq!(read(&mut shared, &["b", "a"], at(u64::MAX - 1)), [], "until the run ends");
    }

    #[test]
    fn what_is_gone_is_not_asked_for_again() {
        let mut shared = SharedDocuments::of_isolate();
        assert_eq!(read(&mut shared, &["a", "gone"], at(0)), [query(&["a", "gone"])]);
        assert_eq!(read(&mut shared, &["a", "gone"], at(1)), []);
        shared.forget(&told("product", "gone"));
        assert_eq!(read(&mut shared, &["a", "gone"], at(2)), [query(&["gone"])]);
    }

    fn told(type_id: &str, id: &str) -> Notification {
        let Value::Object(raw) = json!({"notificationType": "ResourceUpdated",
            "resource": {"typeId": type_id, "id": id}})
        else {
            panic!("an object")
        };
        Notification::read(raw).expect("a notification")
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
            let mut shared = SharedDocuments::of_isolate();
            read(&mut shared, &["a", "b"], at(0));
            shared.forget(&told(type_id, changed));
            assert_eq!(read(&mut shared, &["a", "b"], at(1)), asked, "{type_id} {changed}");
        }
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        for mut shared in [SharedDocuments::of_isolate(), SharedDocuments::of_run()] {
            let most = shared.products.most;
            for n in 0..3 * most {
                read(&mut shared, &[&n.to_string()], at(0));
                assert!(shared.products.known.len() <= most);
            }
            assert_eq!(read(&mut shared, &[&(3 * most - 1).to_string()], at(1)), []);
        }
    }

    #[test]
    fn a_category_is_asked_for_until_klaviyo_has_it() {
        let existing = |ids: &[&str]| -> UnitReading {
            let ids = ids.iter().map(ToString::to_string).collect();
            KlaviyoLookup::Existing { kind: CatalogKind::Category, ids }.into()
        };
        let mut documents = Documents::default();
        documents.categories.hold("a");
        for (mut shared, asked, held) in [
            // Whether b exists is not known for good.
            (SharedDocuments::of_run(), existing(&["b"]), 1),
            (SharedDocuments::of_isolate(), existing(&["b", "a"]), 0),
        ] {
            shared.keep(&existing(&["a", "b"]), &documents, at(1));
            let mut other = Documents::default();
            let left = shared.answer(vec![existing(&["b", "a"])], &mut other, at(1));
            assert_eq!(left, [asked]);
            assert_eq!(other.categories.held.list().len(), held);
        }
    }

    #[test]
    fn other_readings_pass() {
        let other = vec![UnitReading::from(DocumentQuery::Product(id("a")))];
        let mut documents = Documents::default();
        let left = SharedDocuments::of_isolate().answer(other.clone(), &mut documents, at(0));
        assert_eq!((left, documents), (other, Documents::default()));
    }
}
