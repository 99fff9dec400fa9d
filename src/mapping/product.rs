//! A product as an item of the catalogue, and its variants.

use chrono::{DateTime, Utc};

use super::price::{VariantPrices, next_edge};
use super::profile::MappedBody;
use super::{category, identity, metadata, stock};
use crate::commercetools::price::{Price, StandalonePrice};
use crate::commercetools::product::{PriceMode, Product, ProductVariant};
use crate::config::Config;
use crate::config::product_url::ProductFacts;
use crate::http::encode;
use crate::klaviyo::catalog::{
    CatalogItem, CatalogKind, CatalogObject, CatalogVariant, ItemAttributes, ShownAttributes,
    VariantAttributes,
};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::limits;

/// The code of what is left out for want of a price.
const NO_PRICE: &str = "no_price";

/// A product and what else its prices depend on.
#[derive(Debug, Clone, Copy)]
pub struct ProductContext<'a> {
    /// The product.
    pub product: &'a Product,
    /// The standalone prices of its SKUs, if its prices stand by themselves.
    pub standalone_prices: &'a [StandalonePrice],
    /// The time at which prices are to be valid (UTC).
    pub now: DateTime<Utc>,
}

impl<'a> ProductContext<'a> {
    fn prices(&self, config: &Config, variant: Option<&'a ProductVariant>) -> VariantPrices<'a> {
        let prices = variant.into_iter().flat_map(|variant| self.all_prices(variant));
        VariantPrices::new(&config.rules.product.prices, prices, self.now)
    }

    /// The prices of a variant, from wherever they stand, also those that do not count.
    fn all_prices(&self, variant: &'a ProductVariant) -> impl Iterator<Item = &'a Price> {
        let (embedded, standalone) = match self.product.price_mode {
            PriceMode::Embedded => (&variant.prices[..], &[][..]),
            PriceMode::Standalone => (&[][..], self.standalone_prices),
        };
        let own = standalone
            .iter()
            .filter(|price| price.active && identity::sku(variant) == Some(price.sku.as_str()));
        embedded.iter().chain(own.map(|price| &price.price))
    }

    /// When what the product gives changes next without anybody changing it (UTC).
    #[must_use]
    pub fn next_edge(&self, config: &Config) -> Option<DateTime<Utc>> {
        let variants = self.product.master_data.current.all_variants();
        let prices = variants.flat_map(|variant| self.all_prices(variant));
        next_edge(&config.rules.product.prices, prices, self.now)
    }
}

/// The item of a product. Picture and price are those of the master variant.
#[must_use]
pub fn item(config: &Config, context: ProductContext) -> MappedBody<CatalogItem> {
    let product = context.product;
    let data = &product.master_data.current;
    let master = data.master_variant.as_ref();
    let prices = context.prices(config, master);
    let metadata = metadata::metadata(&config.shop.locale, data, &prices, &data.attributes);
    let MappedBody { body: shown, cut } = shown(config, product, master, metadata);
    let attributes = ItemAttributes { shown, price: prices.preferred(config) };
    let categories = category::of_product(product, &config.shop.locale);
    let categories = categories.into_iter().map(|category| category.key.id).collect();
    MappedBody {
        body: CatalogItem { key: identity::item(&product.id), attributes, categories },
        cut,
    }
}

/// A variant of a product, with the product's texts; none without a price that counts. Klaviyo wants
/// one, and 0 would be shown as an offer.
#[must_use]
pub fn variant(
    config: &Config,
    context: ProductContext,
    variant: &ProductVariant,
) -> Option<MappedBody<CatalogVariant>> {
    let product = context.product;
    let data = &product.master_data.current;
    let prices = context.prices(config, Some(variant));
    let price = prices.preferred(config)?;
    let attributes = data.attributes.iter().chain(&variant.attributes);
    let metadata = metadata::metadata(&config.shop.locale, data, &prices, attributes);
    let MappedBody { body: shown, cut } = shown(config, product, Some(variant), metadata);
    let attributes = VariantAttributes {
        shown,
        price,
        stock: stock::of_variant(&config.rules.product.inventory, variant.availability.as_ref()),
    };
    let key = identity::variant(&product.id, variant);
    let sku = identity::sku(variant).unwrap_or(&key.external_id).to_owned();
    let item = identity::item(&product.id).id;
    Some(MappedBody { body: CatalogVariant { key, sku, item, attributes }, cut })
}

/// How many variants of a product are not shown, since none of their prices counts (`no_price`).
#[must_use]
pub fn without_price(config: &Config, context: ProductContext) -> usize {
    let variants = context.product.master_data.current.all_variants();
    let has_none =
        |one: &&ProductVariant| context.prices(config, Some(one)).preferred(config).is_none();
    variants.filter(has_none).count()
}

/// The SKUs of variants that Klaviyo has of the item, by its ids `known`, and the product has no
/// more. Some may have moved to another product.
#[must_use]
pub fn skus_left(product: &Product, known: &[String]) -> Vec<String> {
    let data = &product.master_data.current;
    if data.master_variant.is_none() {
        return Vec::new();
    }
    let has = |id: &String| {
        data.all_variants().any(|variant| identity::variant(&product.id, variant).id == *id)
    };
    let left = known.iter().filter(|id| !has(id));
    left.map(|id| identity::external(id).to_owned()).collect()
}

/// What brings the variants of a product up to date, `known` being Klaviyo's ids of those that it
/// has of the item: all of the product's, and the deletion of those that it has no more. Of those
/// without a price that counts only what Klaviyo has is written: that it is hidden. A variant
/// whose SKU has `moved` to another product stays: Klaviyo knows it by the SKU, so the other product
/// writes it, and a deletion that is carried out later would take it away. Where variants are
/// documents of their own, the product does not say which it has.
#[must_use]
pub fn variant_writes(
    config: &Config,
    context: ProductContext,
    known: &[String],
    moved: &[String],
) -> MappedBody<Vec<CatalogWrite>> {
    let data = &context.product.master_data.current;
    let mut all = MappedBody { body: Vec::new(), cut: Vec::new() };
    if data.master_variant.is_none() {
        return all;
    }
    let mut present = Vec::new();
    for one in data.all_variants() {
        let id = identity::variant(&context.product.id, one).id;
        let is_known = known.contains(&id);
        match variant(config, context, one) {
            Some(mapped) => {
                all.cut.extend(mapped.cut);
                all.body.push(CatalogWrite::put(CatalogObject::Variant(mapped.body), is_known));
            }
            None if is_known => all.body.push(CatalogWrite::Hide { variant: id.clone() }),
            None => {}
        }
        present.push(id);
    }
    let left_out = without_price(config, context);
    if left_out > 0 {
        all.cut.push(format!("{NO_PRICE}: {left_out}"));
    }
    let stale = known.iter().filter(|id| {
        !present.contains(*id) && !moved.iter().any(|sku| sku == identity::external(id))
    });
    let stale = stale.cloned();
    all.body.extend(stale.map(|id| CatalogWrite::Delete { kind: CatalogKind::Variant, id }));
    all
}

fn shown(
    config: &Config,
    product: &Product,
    variant: Option<&ProductVariant>,
    mut custom_metadata: serde_json::Map<String, serde_json::Value>,
) -> MappedBody<ShownAttributes> {
    let data = &product.master_data.current;
    let locale = &config.shop.locale;
    let cut = limits::fit_metadata(&mut custom_metadata);
    let images = variant.map(|variant| &variant.images);
    let images: Vec<_> = images.into_iter().flatten().map(|image| image.url.clone()).collect();
    let body = ShownAttributes {
        // Klaviyo wants a title.
        title: data.name.text(locale).unwrap_or(product.id.as_str()).to_owned(),
        description: data.description.text(locale).unwrap_or_default().to_owned(),
        url: url(config, product, variant),
        image_full_url: images.first().cloned(),
        images,
        custom_metadata,
        published: true,
    };
    MappedBody { body, cut }
}

/// The address by the template. Without one the path alone, as Klaviyo wants an address: a
/// template of an e-mail can put the shop's own before it.
fn url(config: &Config, product: &Product, variant: Option<&ProductVariant>) -> String {
    let data = &product.master_data.current;
    let locale = &config.shop.locale;
    let slug = data.slug.text(locale);
    match &config.shop.product_url {
        Some(template) => template.url(ProductFacts {
            slug,
            name: data.name.text(locale),
            key: product.key.as_deref(),
            id: Some(product.id.as_str()),
            sku: variant.and_then(identity::sku),
            locale: locale.tag(),
        }),
        None => format!("/{}", encode(slug.unwrap_or(product.id.as_str()))),
    }
}
