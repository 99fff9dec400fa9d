//! A product with its variants, or the fact that it is not for sale.
//!
//! Klaviyo refuses an item for an unknown category. *Now*, the categories that the item already has at Klaviyo show the
//! known ones, mostly all, at no extra time; *as history*, one lookup asks for all, and the run remembers the result.
//! The missing ones are created before anything of the product ([`UnitReading::Category`]), each once for all products
//! that wait for it, and only if they do not exist by then: a category's own document brings its name. A category that
//! Klaviyo refuses is left out (`category_refused`).
//!
//! A category may be deleted meanwhile:
//!
//! - before its creation, since the product was read earlier: so commercetools is asked for it afterwards, and if it is
//!   gone, it is deleted again;
//! - before the write of the item, which Klaviyo then refuses: the product is read once more, and Klaviyo is asked
//!   which categories it has ([`Documents::distrust_categories`]).
//!
//! In the same way the unit finds out which variants to create, and which are stale.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::documents::Documents;
use super::held::delete;
use super::reading::{KnownDocument, UnitReading};
use super::{DeliveryStep, StepResult};
use crate::commercetools::product::{PriceMode, Product};
use crate::commercetools::query::{DocumentQuery, SKUS_OF_ENTRIES_PER_QUERY, SKUS_PER_QUERY};
use crate::commercetools::reference::Id;
use crate::commercetools::variant::CatalogModel;
use crate::config::Config;
use crate::klaviyo::catalog::{CatalogCategory, CatalogKind, CatalogObject};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::body::{Cut, CutCode, MappedBody};
use crate::mapping::category::of_product;
use crate::mapping::identity;
use crate::mapping::product::{LeftVariants, ProductContext, item, skus_left, variant_writes};
use crate::push::plan::IgnoreReason;

/// Now.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    id: &Id,
    now: DateTime<Utc>,
) -> StepResult {
    let product = contents(documents, id, unread(config, documents, id))?;
    Ok(write(config, documents, product, now))
}

/// As history: the product is already read; one lookup asks what Klaviyo has of it and of others.
pub(super) fn history(
    config: &Config,
    documents: &Documents,
    id: &Id,
    now: DateTime<Utc>,
) -> StepResult {
    let readings = unread_of_history(config, documents, id);
    let product = contents(documents, id, readings)?;
    Ok(write(config, documents, product, now))
}

/// The writes of a product, after its categories exist and the owners of the SKUs that it no longer has are known.
fn write(
    config: &Config,
    documents: &Documents,
    product: &Product,
    now: DateTime<Utc>,
) -> DeliveryStep {
    let left = unread_of_skus_left(documents, product).into_iter().map(UnitReading::from);
    let unknown = unsettled_categories(config, documents, product).into_iter().map(|category| {
        UnitReading::Category(Box::new(CatalogWrite::put(CatalogObject::Category(category), false)))
    });
    let created = documents.categories.unseen().map(|one| DocumentQuery::Category(one).into());
    let readings: Vec<_> = left.chain(unknown).chain(created).collect();
    if !readings.is_empty() {
        return DeliveryStep::Read(readings);
    }
    send(config, documents, product, now)
}

/// The product that is for sale, after it, its prices, the following pages and `readings` are read; otherwise the step
/// instead.
fn contents<'a>(
    documents: &'a Documents,
    id: &Id,
    mut readings: Vec<UnitReading>,
) -> Result<&'a Product, DeliveryStep> {
    readings.extend(documents.further.iter().cloned());
    let product = match &documents.product {
        KnownDocument::There(product) => Some(&**product).filter(|one| one.master_data.published),
        KnownDocument::Unasked | KnownDocument::Gone => None,
    };
    if documents.product == KnownDocument::Unasked {
        readings.push(DocumentQuery::Product(id.clone()).into());
    }
    let unread = |one: &&Product| one.has_variants_apart() && !documents.variants_are_added;
    readings.extend(product.filter(unread).map(|one| {
        DocumentQuery::VariantsOfProduct { product: one.id.clone(), after: None }.into()
    }));
    // Queries by the SKUs of variants have to wait until all variants are known.
    let is_whole = !readings.iter().any(is_of_variants);
    if documents.standalone_prices.is_none() && is_whole {
        readings.extend(product.into_iter().flat_map(prices));
    }
    let type_of = product.and_then(|product| product.product_type.as_ref());
    let unread = type_of.filter(|one| !documents.telling_attributes.contains_key(&one.id));
    readings.extend(unread.map(|one| DocumentQuery::ProductType(one.id.clone()).into()));
    if !documents.stock.is_listed() && is_whole {
        readings.extend(product.into_iter().flat_map(stock));
    }
    if !readings.is_empty() {
        return Err(DeliveryStep::Read(readings));
    }
    let product = product.ok_or_else(|| withdraw(documents, id))?;
    if product.master_data.current.all_variants().next().is_some() {
        return Ok(product);
    }
    // Its variants may be on the move: then its item must not lose its variants' values.
    match documents.catalog_model {
        None => Err(DeliveryStep::read([DocumentQuery::Project])),
        Some(CatalogModel::Modular) => Ok(product),
        Some(_) => Err(DeliveryStep::ignore(IgnoreReason::VariantsNotThere)),
    }
}

fn is_of_variants(reading: &UnitReading) -> bool {
    let of_variants =
        |query: &DocumentQuery| matches!(query, DocumentQuery::VariantsOfProduct { .. });
    matches!(reading, UnitReading::Commercetools(query) if of_variants(query))
}

/// What Klaviyo knows about the product, asked together with the product.
fn unread(config: &Config, documents: &Documents, id: &Id) -> Vec<UnitReading> {
    let item = identity::item(id).id;
    let mut readings = Vec::new();
    if documents.known_variants == KnownDocument::Unasked {
        readings.push(KlaviyoLookup::VariantsOfItem { item: item.clone(), cursor: None }.into());
    }
    if documents.categories.held == KnownDocument::Unasked {
        if documents.categories.are_distrusted {
            readings.extend(existing_categories(config, documents));
        } else {
            readings.push(KlaviyoLookup::CategoriesOfItem { item }.into());
        }
    }
    readings
}

/// The lookup for the product's categories at Klaviyo, if it has any and they are known.
fn existing_categories(config: &Config, documents: &Documents) -> Option<UnitReading> {
    let KnownDocument::There(product) = &documents.product else { return None };
    let categories = of_product(product, &config.shop.locale).into_iter();
    let ids: Vec<_> = categories.map(|category| category.key.id).collect();
    (!ids.is_empty()).then(|| KlaviyoLookup::Existing { kind: CatalogKind::Category, ids }.into())
}

/// Which of the item and its categories Klaviyo has, and then the variants of an existing item. For a product that is
/// not for sale, only whether there is something to delete.
fn unread_of_history(config: &Config, documents: &Documents, id: &Id) -> Vec<UnitReading> {
    let KnownDocument::There(product) = &documents.product else { return Vec::new() };
    let item = identity::item(id).id;
    let published = product.master_data.published;
    let mut readings = Vec::new();
    if documents.known_variants == KnownDocument::Unasked {
        if !documents.item_is_held {
            let lookup = KlaviyoLookup::Existing { kind: CatalogKind::Item, ids: vec![item] };
            readings.push(lookup.into());
        } else if published {
            readings.push(KlaviyoLookup::VariantsOfItem { item, cursor: None }.into());
        }
    }
    if documents.categories.held == KnownDocument::Unasked && published {
        readings.extend(existing_categories(config, documents));
    }
    readings
}

/// The queries for the standalone prices of a product that uses them.
fn prices(product: &Product) -> Vec<UnitReading> {
    if product.price_mode != PriceMode::Standalone {
        return Vec::new();
    }
    let of = |skus| DocumentQuery::StandalonePrices { skus, after: None };
    by_skus(product, of)
}

/// The queries for the stock of a product. The stock shown in its variants lags behind, and would overwrite what a
/// change of the stock itself brought.
fn stock(product: &Product) -> Vec<UnitReading> {
    by_skus(product, |skus| DocumentQuery::StockEntries { skus, after: None })
}

/// Queries for the stock or the prices of all SKUs of a product.
fn by_skus(product: &Product, query: impl Fn(Vec<String>) -> DocumentQuery) -> Vec<UnitReading> {
    let variants = product.master_data.current.all_variants();
    let skus: Vec<_> = variants.filter_map(identity::sku).map(ToOwned::to_owned).collect();
    skus.chunks(SKUS_OF_ENTRIES_PER_QUERY).map(|skus| query(skus.to_vec()).into()).collect()
}

/// The queries for the current owners of the SKUs that the product no longer has. For variants that are documents of
/// their own, it has to be known first whether the project has moved all of them.
fn unread_of_skus_left(documents: &Documents, product: &Product) -> Vec<DocumentQuery> {
    if documents.moved_skus.is_some() {
        return Vec::new();
    }
    let left = skus_left(product, documents.known_variants.list());
    let left = left.chunks(SKUS_PER_QUERY).map(<[String]>::to_vec);
    if !product.has_variants_apart() {
        return left.map(DocumentQuery::OwnersOfSkus).collect();
    }
    match documents.catalog_model {
        Some(CatalogModel::Modular) => left.map(DocumentQuery::VariantsOfSkus).collect(),
        None if left.len() > 0 => vec![DocumentQuery::Project],
        _ => Vec::new(),
    }
}

/// What becomes of the variants that the product no longer has.
fn left_variants<'a>(documents: &'a Documents, product: &Product) -> LeftVariants<'a> {
    let is_moved = documents.catalog_model == Some(CatalogModel::Modular);
    let is_certain = is_moved && !product.has_unread_variants;
    if product.has_variants_apart() && !is_certain {
        return LeftVariants::Stay;
    }
    LeftVariants::Go(documents.moved_skus.as_deref().unwrap_or_default())
}

/// The categories that Klaviyo may not know and has not refused.
fn unsettled_categories(
    config: &Config,
    documents: &Documents,
    product: &Product,
) -> Vec<CatalogCategory> {
    let known = &documents.categories;
    let held = known.held.list().iter().map(String::as_str);
    let settled: HashSet<_> = held.chain(known.refused()).chain(known.gone()).collect();
    let categories = of_product(product, &config.shop.locale).into_iter();
    categories.filter(|category| !settled.contains(category.key.id.as_str())).collect()
}

/// Deletes the item, and its variants with it.
fn withdraw(documents: &Documents, id: &Id) -> DeliveryStep {
    if documents.known_variants == KnownDocument::Gone {
        return DeliveryStep::ignore(IgnoreReason::NotPublished);
    }
    DeliveryStep::send(vec![delete(CatalogKind::Item, identity::item(id).id)])
}

/// The product with the other documents that were read for it.
pub(super) fn context<'a>(
    documents: &'a Documents,
    product: &'a Product,
    now: DateTime<Utc>,
) -> ProductContext<'a> {
    let type_of = product.product_type.as_ref();
    let telling = type_of.and_then(|one| documents.telling_attributes.get(&one.id));
    let telling = telling.map(|names| &**names).unwrap_or_default();
    let prices = documents.standalone_prices.as_deref().unwrap_or_default();
    ProductContext::new(product, prices, documents.stock.listed(), telling, now)
}

/// The values left out of an item and its variants: each name once, and each count as its sum.
fn together(cut: Vec<Cut>) -> Vec<Cut> {
    let (mut named, mut counts) = (Vec::new(), BTreeMap::new());
    for one in cut {
        match one {
            Cut::Counted(code, number) => *counts.entry(code).or_default() += number,
            Cut::Named(_) if named.contains(&one) => {}
            Cut::Named(_) => named.push(one),
        }
    }
    let counts = counts.into_iter().map(|(code, number)| Cut::Counted(code, number));
    named.into_iter().chain(counts).collect()
}

/// The item, then its variants, which need it. Categories that are gone go first.
fn send(
    config: &Config,
    documents: &Documents,
    product: &Product,
    now: DateTime<Utc>,
) -> DeliveryStep {
    let context = context(documents, product, now);
    let MappedBody { body: mut item, mut cut } = item(config, &context);
    let categories = &documents.categories;
    let of_item = item.categories.len();
    item.categories.retain(|category| categories.refused().all(|refused| refused != category));
    cut.extend(Cut::counted(CutCode::CategoryRefused, of_item - item.categories.len()));
    item.categories.retain(|category| categories.gone().all(|gone| gone != category));
    let item_known = documents.known_variants != KnownDocument::Gone;
    let left = left_variants(documents, product);
    let variants = variant_writes(config, &context, documents.known_variants.list(), left);
    cut.extend(variants.cut);
    cut.extend(Cut::counted(CutCode::TooManyVariants, usize::from(product.has_unread_variants)));
    let cut = together(cut);
    let stages = vec![
        categories.gone().map(|id| delete(CatalogKind::Category, id.to_owned())).collect(),
        vec![WriteRequest::Catalog(CatalogWrite::put(CatalogObject::Item(item), item_known))],
        variants.body.into_iter().map(WriteRequest::Catalog).collect(),
    ];
    let stages = stages.into_iter().filter(|stage| !stage.is_empty()).collect();
    DeliveryStep::Send { stages, cut }
}
