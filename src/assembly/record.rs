//! Records of an import: their kinds, and how the document of each is read from a page.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::documents::Documents;
use super::reading::KnownDocument;
use crate::commercetools::answer::malformed;
use crate::commercetools::order::Order;
use crate::commercetools::reference::{Id, id_of};
use crate::commercetools::walk::WalkedResource;
use crate::fault::Rejection;
use crate::klaviyo::catalog::CatalogKind;

/// A record whose document is already read.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as their names say")]
pub enum HistoryRecord {
    Customer(Id),
    /// With its payments.
    Order(Id),
    Category(Id),
    Product(Id),
    /// An object that Klaviyo holds and the run has to delete.
    Held {
        /// Its kind.
        kind: CatalogKind,
        /// Klaviyo's id.
        id: String,
        /// Only if it is not for sale in commercetools.
        check: bool,
    },
}

/// A document of a page.
#[derive(Debug)]
pub struct PageRecord {
    #[expect(missing_docs, reason = "as its name says")]
    pub id: Id,
    /// The name that people know it by: the number of an order, the SKU of a product's master variant, or a key.
    /// Customers have none, since it may be personal.
    pub name: Option<Box<str>>,
    /// The record with its documents, or why it cannot be read.
    pub read: Result<(HistoryRecord, Documents), Rejection>,
}

/// Reads a document of a page. One without an id gives none; commercetools has none of these.
#[must_use]
pub fn read(of: WalkedResource, text: &str) -> Option<PageRecord> {
    let (id, name) = head(of, text)?;
    let read = documents(of, text).map(|documents| {
        let id = id.clone();
        let record = match of {
            WalkedResource::Customers => HistoryRecord::Customer(id),
            WalkedResource::Orders => HistoryRecord::Order(id),
            WalkedResource::Categories => HistoryRecord::Category(id),
            _ => HistoryRecord::Product(id),
        };
        (record, documents)
    });
    Some(PageRecord { id, name, read: read.map_err(|error| malformed(&error)) })
}

/// The id and the name of a document, parsed at once.
fn head(of: WalkedResource, text: &str) -> Option<(Id, Option<Box<str>>)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct NamedDocument {
        id: Id,
        order_number: Option<Box<str>>,
        key: Option<Box<str>>,
        master_data: Option<NamedMaster>,
    }
    #[derive(Deserialize)]
    struct NamedMaster {
        current: Option<NamedCurrent>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct NamedCurrent {
        master_variant: Option<NamedVariant>,
    }
    #[derive(Deserialize)]
    struct NamedVariant {
        sku: Option<Box<str>>,
    }
    // A name of another type must not cost the record.
    let Ok(document) = from_json::<NamedDocument>(text) else { return Some((id_of(text)?, None)) };
    let sku = || document.master_data?.current?.master_variant?.sku;
    let name = match of {
        WalkedResource::Customers => None,
        WalkedResource::Orders => document.order_number,
        _ => sku().or(document.key),
    };
    Some((document.id, name))
}

/// The id of the last document that has one: the next page begins after it.
#[must_use]
pub fn last_id(texts: &[&str]) -> Option<Id> {
    texts.iter().rev().find_map(|text| id_of(text))
}

/// The ids of documents.
#[must_use]
pub fn ids_of(texts: &[&str]) -> HashSet<Id> {
    texts.iter().filter_map(|text| id_of(text)).collect()
}

fn documents(of: WalkedResource, text: &str) -> Result<Documents, serde_json::Error> {
    let mut documents = Documents::default();
    match of {
        WalkedResource::Customers => documents.customer = there(text)?,
        WalkedResource::Orders => {
            let mut order: Order = from_json(text)?;
            documents.payments = order.take_payments()?;
            documents.order = KnownDocument::There(Box::new(order));
        }
        WalkedResource::Categories => documents.category = there(text)?,
        _ => documents.product = there(text)?,
    }
    Ok(documents)
}

fn there<T: DeserializeOwned>(text: &str) -> Result<KnownDocument<Box<T>>, serde_json::Error> {
    from_json(text).map(|document| KnownDocument::There(Box::new(document)))
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_record_is_named_as_people_know_it() {
        let product =
            |variant: Value| json!({"id": "r", "key": "k", "masterData": {"current": variant}});
        let of = [
            (
                WalkedResource::Orders,
                json!({"id": "r", "orderNumber": "1001", "key": "k"}),
                Some("1001"),
            ),
            (WalkedResource::Orders, json!({"id": "r", "orderNumber": 1001}), None),
            (WalkedResource::Customers, json!({"id": "r", "key": "jane"}), None),
            (WalkedResource::Categories, json!({"id": "r", "key": "shoes"}), Some("shoes")),
            (
                WalkedResource::Products,
                product(json!({"masterVariant": {"sku": "S-1"}})),
                Some("S-1"),
            ),
            (WalkedResource::Products, product(json!({"masterVariant": {"id": 1}})), Some("k")),
            (WalkedResource::Products, product(json!({})), Some("k")),
        ];
        for (of, document, name) in of {
            let record = read(of, &document.to_string()).expect("an id");
            assert_eq!((record.id.as_str(), record.name.as_deref()), ("r", name), "{document}");
        }
        assert!(read(WalkedResource::Orders, r#"{"orderNumber": "1001"}"#).is_none());
    }
}
