//! A product with its variants, or that it is not for sale.
//!
//! An item fails with a category that Klaviyo does not know. Which ones it knows is seen, without
//! any more time, from those that the item has there already: mostly all of them. Only the others
//! are written first. Likewise it is seen which variants are to be created, and which are stale.

use chrono::{DateTime, Utc};

use super::{Step, category};
use crate::commercetools::product::{PriceMode, Product};
use crate::commercetools::query::{Query, SKUS_PER_QUERY};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::catalog::{CatalogKind, Object};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::Request;
use crate::mapping::category::of_product;
use crate::mapping::identity;
use crate::mapping::product::{ProductContext, item, skus_left, variant_writes};
use crate::mapping::profile::Mapped;
use crate::realtime::documents::{Documents, Found, Reading};
use crate::realtime::plan::Ignored;

pub(super) fn next(config: &Config, documents: &Documents, id: &Id, now: DateTime<Utc>) -> Step {
    let readings = unread(documents, id);
    if !readings.is_empty() {
        return Step::Read(readings);
    }
    let product = match &documents.product {
        Found::There(product) if product.master_data.published => product,
        _ => return withdraw(documents, id),
    };
    let standalone = product.price_mode == PriceMode::Standalone;
    if standalone && documents.standalone_prices.is_none() {
        let queries = prices(product);
        if !queries.is_empty() {
            return Step::read(queries);
        }
    }
    if documents.moved_skus.is_none() {
        let left = skus_left(product, known(&documents.known_variants));
        if !left.is_empty() {
            let queries = left.chunks(SKUS_PER_QUERY);
            return Step::read(queries.map(|skus| Query::OwnersOfSkus(skus.to_vec())));
        }
    }
    let standalone_prices = documents.standalone_prices.as_deref().unwrap_or_default();
    send(config, documents, ProductContext { product, standalone_prices, now })
}

/// The product and what Klaviyo knows of it, at once; then the pages that follow.
fn unread(documents: &Documents, id: &Id) -> Vec<Reading> {
    let item = || identity::item(id).id;
    let mut readings = documents.further.clone();
    if documents.product == Found::Unasked {
        readings.push(Query::Product(id.clone()).into());
    }
    if documents.known_variants == Found::Unasked {
        readings.push(Lookup::VariantsOfItem { item: item(), cursor: None }.into());
    }
    if documents.known_categories == Found::Unasked {
        readings.push(Lookup::CategoriesOfItem { item: item() }.into());
    }
    readings
}

fn prices(product: &Product) -> Vec<Query> {
    let variants = product.master_data.current.all_variants();
    let skus: Vec<_> = variants.filter_map(identity::sku).map(ToOwned::to_owned).collect();
    skus.chunks(SKUS_PER_QUERY)
        .map(|skus| Query::StandalonePrices { skus: skus.to_vec(), after: None })
        .collect()
}

/// Deletes the item, and its variants with it.
fn withdraw(documents: &Documents, id: &Id) -> Step {
    if documents.known_variants == Found::Gone {
        return Step::Ignore(Ignored::NotPublished);
    }
    let delete = CatalogWrite::Delete { kind: CatalogKind::Item, id: identity::item(id).id };
    Step::Send { stages: vec![vec![Request::Catalog(delete)]], cut: Vec::new() }
}

/// Categories, then the item, then its variants: each needs what comes before it.
fn send(config: &Config, documents: &Documents, context: ProductContext) -> Step {
    let Mapped { body: item, mut cut } = item(config, context);
    let item_known = documents.known_variants != Found::Gone;
    let moved = documents.moved_skus.as_deref().unwrap_or_default();
    let variants = variant_writes(config, context, known(&documents.known_variants), moved);
    cut.extend(variants.cut);
    let stages = vec![
        new_categories(config, documents, context.product),
        vec![put(Object::Item(item), item_known)],
        variants.body.into_iter().map(Request::Catalog).collect(),
    ];
    let stages = stages.into_iter().filter(|stage| !stage.is_empty()).collect();
    Step::Send { stages, cut }
}

fn new_categories(config: &Config, documents: &Documents, product: &Product) -> Vec<Request> {
    let known = known(&documents.known_categories);
    let categories = of_product(product, &config.shop.locale).into_iter();
    let unknown = categories.filter(|category| !known.contains(&category.key.id));
    unknown.map(category::upsert).collect()
}

fn known(found: &Found<Vec<String>>) -> &[String] {
    match found {
        Found::There(ids) => ids,
        Found::Unasked | Found::Gone => &[],
    }
}

fn put(object: Object, known: bool) -> Request {
    Request::Catalog(CatalogWrite::put(object, known))
}
