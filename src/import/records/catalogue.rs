//! Categories, products with their variants, and what Klaviyo holds of them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Context, MappedRecord, Memory, Need, delete};
use crate::commercetools::category::CategoryDocument;
use crate::commercetools::product::{PriceMode, Product};
use crate::commercetools::query::{PAGE, Query, SKUS_PER_QUERY};
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{Among, Filter, Walk, WalkedResource};
use crate::config::Config;
use crate::klaviyo::catalog::{CatalogKind, Object};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::query::{Lookup, existing};
use crate::klaviyo::request::Request;
use crate::mapping::category::{category as category_of, of_product};
use crate::mapping::identity;
use crate::mapping::product::{ProductContext, item, skus_left, variant_writes};

/// Which of the categories Klaviyo has.
pub(super) fn category_needs(
    categories: &[(usize, CategoryDocument)],
    step: usize,
) -> Option<Vec<Need>> {
    let ids = categories.iter().map(|(_, category)| identity::category(&category.id).id);
    (step == 0).then(|| lookups(CatalogKind::Category, &ids.collect::<Vec<_>>()))
}

pub(super) fn category(
    config: &Config,
    document: &CategoryDocument,
    context: &Context,
) -> MappedRecord {
    let category = category_of(document, &config.shop.locale);
    let known = context.known.contains_key(&category.key.id);
    MappedRecord::Write(vec![vec![put(Object::Category(category), known)]])
}

/// First which of the items and categories Klaviyo has, and prices; then the variants of the
/// items that it has, and the categories that it has not.
pub(super) fn product_needs(
    config: &Config,
    products: &[(usize, Product)],
    context: &Context,
    memory: &Memory,
    step: usize,
) -> Option<Vec<Need>> {
    let published =
        || products.iter().map(|(_, product)| product).filter(|one| one.master_data.published);
    let categories = || {
        let all = published().flat_map(|product| of_product(product, &config.shop.locale));
        let mut seen = HashSet::new();
        let unknown = all.filter(|category| !memory.categories.contains(&category.key.id));
        unknown.filter(|category| seen.insert(category.key.id.clone())).collect::<Vec<_>>()
    };
    match step {
        0 => {
            // Also of those that are not for sale: what Klaviyo has of them goes.
            let all = products.iter().map(|(_, product)| identity::item(&product.id).id);
            let items: Vec<_> = all.collect();
            let categories: Vec<_> =
                categories().into_iter().map(|category| category.key.id).collect();
            let prices = published().flat_map(standalone_skus).collect::<Vec<_>>();
            let prices = prices.chunks(SKUS_PER_QUERY).map(|skus| {
                Need::Query(Query::StandalonePrices { skus: skus.to_vec(), after: None })
            });
            let mut needs = lookups(CatalogKind::Item, &items);
            needs.extend(lookups(CatalogKind::Category, &categories));
            needs.extend(prices);
            Some(needs)
        }
        1 => {
            let known = published().map(|product| identity::item(&product.id).id);
            let known = known.filter(|item| context.known.contains_key(item));
            let variants =
                known.map(|item| Need::Lookup(Lookup::VariantsOfItem { item, cursor: None }));
            let categories = categories().into_iter();
            let categories =
                categories.map(|category| Need::Category(put(Object::Category(category), false)));
            Some(variants.chain(categories).collect())
        }
        2 => {
            let known = |product: &Product| {
                context.known.get(&identity::item(&product.id).id).map_or(&[][..], Vec::as_slice)
            };
            let left: Vec<_> =
                published().flat_map(|product| skus_left(product, known(product))).collect();
            let queries = left
                .chunks(SKUS_PER_QUERY)
                .map(|skus| Need::Query(Query::OwnersOfSkus(skus.to_vec())));
            Some(queries.collect())
        }
        _ => None,
    }
}

fn lookups(kind: CatalogKind, ids: &[String]) -> Vec<Need> {
    existing(kind, ids).into_iter().map(Need::Lookup).collect()
}

fn standalone_skus(product: &Product) -> Vec<String> {
    if product.price_mode != PriceMode::Standalone {
        return Vec::new();
    }
    let variants = product.master_data.current.all_variants();
    variants.filter_map(identity::sku).map(ToOwned::to_owned).collect()
}

/// The item, then its variants, which need it. A category that Klaviyo still does not know is left
/// out: it would refuse the item.
pub(super) fn product(
    config: &Config,
    product: &Product,
    context: &Context,
    memory: &Memory,
    now: DateTime<Utc>,
) -> MappedRecord {
    if !product.master_data.published {
        let item = identity::item(&product.id).id;
        if !context.known.contains_key(&item) {
            return MappedRecord::Skip;
        }
        return MappedRecord::Write(vec![vec![delete(CatalogKind::Item, item)]]);
    }
    let mapping = ProductContext { product, standalone_prices: &context.prices, now };
    let mut item = item(config, mapping).body;
    item.categories.retain(|category| memory.categories.contains(category));
    let known = context.known.get(&item.key.id);
    let known_variants = known.map_or(&[][..], Vec::as_slice);
    let variants = variant_writes(config, mapping, known_variants, &context.moved_skus).body;
    let variants = variants.into_iter().map(Request::Catalog).collect();
    MappedRecord::Write(vec![vec![put(Object::Item(item), known.is_some())], variants])
}

fn put(object: Object, known: bool) -> Request {
    Request::Catalog(CatalogWrite::put(object, known))
}

/// Which of the items that Klaviyo holds are for sale, where only those are to stay.
pub(super) fn held_needs(check: bool, held: &[(usize, String)], step: usize) -> Option<Vec<Need>> {
    if !check || step > 0 {
        return None;
    }
    let ids = held.iter().filter_map(|(_, id)| Id::new(identity::external(id))).collect();
    let filter = Filter { published: true, among: Some(Among::Ids(ids)), ..Filter::default() };
    Some(vec![Need::Walk(Walk { of: WalkedResource::Products, filter, after: None, limit: PAGE })])
}

pub(super) fn held(kind: CatalogKind, check: bool, id: &str, context: &Context) -> MappedRecord {
    let stays = check && context.published.iter().any(|one| one.as_str() == identity::external(id));
    if stays {
        MappedRecord::Skip
    } else {
        MappedRecord::Write(vec![vec![delete(kind, id.to_owned())]])
    }
}
