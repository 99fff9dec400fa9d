//! Records of an import: what they are, and how the document of each is read from a page of them.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::documents::Documents;
use super::reading::KnownDocument;
use crate::commercetools::answer::malformed;
use crate::commercetools::order::Order;
use crate::commercetools::reference::{Id, IdReference, id_of};
use crate::commercetools::walk::WalkedResource;
use crate::fault::Rejection;
use crate::klaviyo::catalog::CatalogKind;

/// A record, whose document is read already.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "as their names say")]
pub enum HistoryRecord {
    Customer(Id),
    /// With its payments.
    Order(Id),
    Category(Id),
    Product(Id),
    /// Something that Klaviyo holds, and that is to go.
    Held {
        /// What it is.
        kind: CatalogKind,
        /// Klaviyo's id.
        id: String,
        /// Only if it is not for sale in commercetools.
        check: bool,
    },
}

/// A document of a page: its id, and the record with what is read of it, or why it cannot be read.
pub type PageRecord = (Id, Result<(HistoryRecord, Documents), Rejection>);

/// Reads a document of a page. One without an id is none; commercetools has none of these.
#[must_use]
pub fn read(of: WalkedResource, text: &str) -> Option<PageRecord> {
    let IdReference { id } = from_json(text).ok()?;
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
    Some((id, read.map_err(|error| malformed(&error))))
}

/// The id of the last document that has one: the page after it follows that.
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
