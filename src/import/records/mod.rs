//! From the documents of a page to what is written for each record, kind by kind.
//!
//! What else has to be read for a page is asked for step by step ([`needs`]), what was answered is
//! learned ([`learn`]), and then every record is mapped ([`map`]). Nothing here sends or counts.

mod catalogue;
mod memory;
mod orders;
mod phones;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub(super) use self::memory::Memory;
pub(super) use self::phones::PhoneBook;
use super::run::ImportKind;
use crate::commercetools::category::CategoryDocument;
use crate::commercetools::customer::Customer;
use crate::commercetools::order::DiscountCode;
use crate::commercetools::payment::Payment;
use crate::commercetools::price::StandalonePrice;
use crate::commercetools::product::Product;
use crate::commercetools::query::Query;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::Walk;
use crate::commercetools::{answer as commercetools, order::Order};
use crate::config::Config;
use crate::engine::call::Call;
use crate::fault::ReadFault;
use crate::fault::Rejection;
use crate::http::Answer;
use crate::klaviyo::answer::ids;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::Request;
use crate::mapping::fault::MappingFault;
use crate::mapping::profile::{Missing, profile};
use crate::realtime::documents::skus_of;

/// An order with its payments, which its query expanded.
pub(super) struct PaidOrder {
    order: Order,
    payments: Vec<Payment>,
}

/// The documents of a page, each with the index of its record.
pub(super) enum PageDocuments {
    Customers(Vec<(usize, Customer)>),
    Orders(Vec<(usize, PaidOrder)>),
    Categories(Vec<(usize, CategoryDocument)>),
    Products(Vec<(usize, Product)>),
    /// What Klaviyo holds, by its ids, to be deleted.
    Held {
        /// What it is.
        kind: CatalogKind,
        /// Only what is not for sale in commercetools.
        check: bool,
        /// Klaviyo's ids.
        ids: Vec<(usize, String)>,
    },
}

impl PageDocuments {
    /// Adds documents of the same kind, whose records follow after `offset` others.
    pub(super) fn append(&mut self, more: Self, offset: usize) {
        fn add<T>(all: &mut Vec<(usize, T)>, more: Vec<(usize, T)>, offset: usize) {
            all.extend(more.into_iter().map(|(index, one)| (index + offset, one)));
        }
        match (self, more) {
            (Self::Customers(all), Self::Customers(more)) => add(all, more, offset),
            (Self::Orders(all), Self::Orders(more)) => add(all, more, offset),
            (Self::Categories(all), Self::Categories(more)) => add(all, more, offset),
            (Self::Products(all), Self::Products(more)) => add(all, more, offset),
            _ => {}
        }
    }
}

/// What a page needs before its records can be mapped.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Need {
    /// Documents of commercetools.
    Query(Query),
    /// A page of a walk.
    Walk(Walk),
    /// Something of Klaviyo's.
    Lookup(Lookup),
    /// A category that has to be there first.
    Category(Request),
}

impl Need {
    /// The call that gets it.
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Query(query) => Call::Commercetools(query.path_and_query()),
            Self::Walk(walk) => Call::Commercetools(walk.path_and_query()),
            Self::Lookup(lookup) => Call::of_lookup(lookup),
            Self::Category(request) => Call::of_request(request),
        }
    }
}

/// What was learned for a page.
#[derive(Default)]
pub(super) struct Context {
    /// Which of its objects Klaviyo knows; an item with its variants.
    known: HashMap<String, Vec<String>>,
    /// The standalone prices of its SKUs.
    prices: Vec<StandalonePrice>,
    /// The published products among those that Klaviyo holds.
    published: Vec<Id>,
    /// Of the SKUs that products of the page have no more, those that other products have.
    moved_skus: Vec<String>,
}

/// What is to be done for a record.
pub(super) enum MappedRecord {
    /// Write these, stage after stage.
    Write(Vec<Vec<Request>>),
    /// Nothing is to be written, for this reason.
    Skip,
    /// It cannot be mapped.
    Fault(MappingFault),
}

/// Reads the documents of a page. One that cannot be read costs only itself: its record has the
/// fault.
pub(super) fn read(
    kind: ImportKind,
    results: &[&str],
) -> (Vec<(Id, Option<Rejection>)>, PageDocuments) {
    let mut records = Vec::new();
    let documents = match kind {
        ImportKind::Customers => PageDocuments::Customers(parse(results, &mut records, from_json)),
        ImportKind::Orders => PageDocuments::Orders(parse(results, &mut records, orders::read)),
        ImportKind::Categories => {
            PageDocuments::Categories(parse(results, &mut records, from_json))
        }
        ImportKind::Products => PageDocuments::Products(parse(results, &mut records, from_json)),
    };
    (records, documents)
}

/// The id of the last document that has one: the page after it follows that.
pub(super) fn last_id(results: &[&str]) -> Option<Id> {
    results.iter().rev().find_map(|text| from_json::<Named>(text).ok()).map(|named| named.id)
}

#[derive(Deserialize)]
struct Named {
    id: Id,
}

fn parse<T>(
    results: &[&str],
    records: &mut Vec<(Id, Option<Rejection>)>,
    read: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Vec<(usize, T)> {
    let mut documents = Vec::new();
    for text in results {
        // A document without an id is none; commercetools has none of these.
        let Ok(Named { id }) = from_json(text) else { continue };
        let fault = match read(text) {
            Ok(document) => {
                documents.push((records.len(), document));
                None
            }
            Err(error) => Some(commercetools::malformed(&error)),
        };
        records.push((id, fault));
    }
    documents
}

fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}

/// What the page needs at this step; none when it can be mapped. A step without needs is followed
/// by the next.
pub(super) fn needs(
    config: &Config,
    documents: &PageDocuments,
    context: &Context,
    memory: &Memory,
    step: usize,
) -> Option<Vec<Need>> {
    match documents {
        PageDocuments::Customers(_) => None,
        PageDocuments::Orders(orders) => orders::needs(orders, memory, step),
        PageDocuments::Categories(categories) => catalogue::category_needs(categories, step),
        PageDocuments::Products(products) => {
            catalogue::product_needs(config, products, context, memory, step)
        }
        PageDocuments::Held { check, ids, .. } => catalogue::held_needs(*check, ids, step),
    }
}

/// Takes what was answered, and gives what has to follow, mostly nothing.
///
/// # Errors
/// Where the answer is none to the question.
pub(super) fn learn(
    context: &mut Context,
    memory: &mut Memory,
    need: &Need,
    answer: &Answer,
) -> Result<Option<Need>, ReadFault> {
    match need {
        Need::Query(Query::Products(asked)) => {
            memory.learn_products(asked, &commercetools::page::<Product>(answer)?);
        }
        Need::Query(Query::DiscountCodes(asked)) => {
            // An order does without them where the API client may not see them.
            let unseen = commercetools::is_refused_with(answer, &[400, 403, 404]);
            let codes: Vec<DiscountCode> =
                if unseen { Vec::new() } else { commercetools::page(answer)? };
            memory.learn_codes(asked, codes);
        }
        Need::Query(Query::StandalonePrices { skus, .. }) => {
            let page: Vec<StandalonePrice> = commercetools::page(answer)?;
            let last = page.last().filter(|_| page.len() == crate::commercetools::query::PAGE);
            let after = last.map(|last| last.id.clone());
            context.prices.extend(page);
            return Ok(after.map(|after| {
                Need::Query(Query::StandalonePrices { skus: skus.clone(), after: Some(after) })
            }));
        }
        Need::Query(Query::OwnersOfSkus(skus)) => {
            let owners: Vec<Product> = commercetools::page(answer)?;
            let owned = owners.iter().flat_map(skus_of).filter(|sku| skus.contains(sku));
            context.moved_skus.extend(owned);
        }
        Need::Query(_) | Need::Category(_) => {}
        Need::Walk(_) => {
            #[derive(Deserialize)]
            struct Named {
                id: Id,
            }
            let page: Vec<Named> = commercetools::page(answer)?;
            context.published.extend(page.into_iter().map(|found| found.id));
        }
        Need::Lookup(lookup) => return learn_ids(context, memory, lookup, answer),
    }
    Ok(None)
}

fn learn_ids(
    context: &mut Context,
    memory: &mut Memory,
    lookup: &Lookup,
    answer: &Answer,
) -> Result<Option<Need>, ReadFault> {
    let page = ids(answer)?.unwrap_or_default();
    match lookup {
        Lookup::VariantsOfItem { item, .. } => {
            context.known.entry(item.clone()).or_default().extend(page.ids);
            let item = item.clone();
            return Ok(page.next.map(|cursor| {
                Need::Lookup(Lookup::VariantsOfItem { item, cursor: Some(cursor) })
            }));
        }
        Lookup::Existing { kind, .. } => {
            if *kind == CatalogKind::Category {
                memory.categories.extend(page.ids.iter().cloned());
            }
            for id in page.ids {
                context.known.entry(id).or_default();
            }
        }
        _ => {}
    }
    Ok(None)
}

/// Maps the documents of a page, each when it is asked for: until it is a row, what is made of an
/// order takes many times its bytes. `now` is when prices are to be valid (UTC).
pub(super) fn map<'a>(
    config: &'a Config,
    documents: &'a PageDocuments,
    context: &'a Context,
    memory: &'a Memory,
    now: DateTime<Utc>,
) -> Box<dyn Iterator<Item = (usize, MappedRecord)> + 'a> {
    match documents {
        PageDocuments::Customers(all) => each(all, |one| customer(config, one)),
        PageDocuments::Orders(all) => each(all, move |one| orders::map(config, one, memory)),
        PageDocuments::Categories(all) => {
            each(all, |one| catalogue::category(config, one, context))
        }
        PageDocuments::Products(all) => {
            each(all, move |one| catalogue::product(config, one, context, memory, now))
        }
        PageDocuments::Held { kind, check, ids } => {
            each(ids, |id| catalogue::held(*kind, *check, id, context))
        }
    }
}

fn each<'a, T>(
    all: &'a [(usize, T)],
    map: impl Fn(&T) -> MappedRecord + 'a,
) -> Box<dyn Iterator<Item = (usize, MappedRecord)> + 'a> {
    Box::new(all.iter().map(move |(index, one)| (*index, map(one))))
}

/// In an import nothing is cleared: there may be a profile already that knows more.
fn customer(config: &Config, customer: &Customer) -> MappedRecord {
    match profile(&config.rules.customer, customer, Missing::Keep) {
        Ok(mapped) => {
            MappedRecord::Write(vec![vec![Request::ImportProfile(Box::new(mapped.body))]])
        }
        Err(fault) => MappedRecord::Fault(fault),
    }
}

fn delete(kind: CatalogKind, id: String) -> Request {
    Request::Catalog(CatalogWrite::Delete { kind, id })
}
