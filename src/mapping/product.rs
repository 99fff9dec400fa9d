//! A product and its variants as objects of the catalogue.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::body::{Cut, CutCode, MappedBody};
use super::price::{VariantPrices, next_edge};
use super::variant_titles::variant_titles;
use super::{category, identity, metadata, picture, stock};
use crate::commercetools::inventory::InventoryEntry;
use crate::commercetools::price::{Price, StandalonePrice};
use crate::commercetools::product::{PriceMode, Product, ProductData, ProductVariant};
use crate::config::Config;
use crate::config::product_url::ProductFacts;
use crate::http::encode;
use crate::klaviyo::catalog::{
    CatalogItem, CatalogKind, CatalogObject, CatalogVariant, ItemAttributes, ShownAttributes,
    VariantAttributes, VariantStock,
};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::limits;

/// A product with the related documents. A product may have 10,000 variants, so the documents of one are found by its
/// SKU.
#[derive(Debug, Clone)]
pub struct ProductContext<'a> {
    /// The product.
    pub product: &'a Product,
    /// The standalone prices of its SKUs, if it uses them.
    standalone_prices: BySku<'a, StandalonePrice>,
    /// The inventory entries of its SKUs.
    stock: BySku<'a, InventoryEntry>,
    /// The names of the attributes that distinguish its variants, according to its type.
    telling: &'a [String],
    /// The time at which prices have to be valid (UTC).
    now: DateTime<Utc>,
}

/// Documents by their SKU.
type BySku<'a, T> = HashMap<&'a str, Vec<&'a T>>;

fn by_sku<'a, T>(documents: &'a [T], sku: impl Fn(&'a T) -> &'a str) -> BySku<'a, T> {
    let mut all: BySku<'a, T> = HashMap::new();
    for document in documents {
        all.entry(sku(document)).or_default().push(document);
    }
    all
}

impl<'a> ProductContext<'a> {
    /// A product with the standalone prices and inventory entries of its SKUs, the names of the attributes that
    /// distinguish its variants, and the time at which prices have to be valid (UTC).
    #[must_use]
    pub fn new(
        product: &'a Product,
        standalone_prices: &'a [StandalonePrice],
        stock: &'a [InventoryEntry],
        telling: &'a [String],
        now: DateTime<Utc>,
    ) -> Self {
        let standalone_prices = by_sku(standalone_prices, |price| &price.sku);
        let stock = by_sku(stock, |entry| &entry.sku);
        Self { product, standalone_prices, stock, telling, now }
    }

    fn prices(&self, config: &Config, variant: Option<&'a ProductVariant>) -> VariantPrices<'_> {
        let prices = variant.into_iter().flat_map(|variant| self.all_prices(variant));
        VariantPrices::new(&config.rules.product.prices, prices, self.now)
    }

    /// The prices of a variant, embedded or standalone, including those that do not count.
    fn all_prices(&self, variant: &'a ProductVariant) -> impl Iterator<Item = &'a Price> {
        let (embedded, standalone) = match self.product.price_mode {
            PriceMode::Embedded => (&variant.prices[..], &[][..]),
            PriceMode::Standalone => (&[][..], of(&self.standalone_prices, variant)),
        };
        let own = standalone.iter().filter(|price| price.active);
        embedded.iter().chain(own.map(|price| &price.price))
    }

    /// When the result of the product changes next without a change of the product (UTC).
    #[must_use]
    pub fn next_edge(&self, config: &Config) -> Option<DateTime<Utc>> {
        let variants = self.product.master_data.current.all_variants();
        let prices = variants.flat_map(|variant| self.all_prices(variant));
        next_edge(&config.rules.product.prices, prices, self.now)
    }

    fn stock(&self, config: &Config, variant: &ProductVariant) -> VariantStock {
        let channels = &config.rules.product.inventory.use_channel_inventory;
        let entries = of(&self.stock, variant).iter().copied();
        stock::of_variant(channels, entries, variant.availability.as_ref())
    }
}

/// The documents of a variant.
fn of<'s, 'a, T>(all: &'s BySku<'a, T>, variant: &ProductVariant) -> &'s [&'a T] {
    identity::sku(variant).and_then(|sku| all.get(sku)).map(Vec::as_slice).unwrap_or_default()
}

/// The item of a product. It has the picture and price of the master variant.
#[must_use]
pub fn item(config: &Config, context: &ProductContext<'_>) -> MappedBody<CatalogItem> {
    let product = context.product;
    let data = &product.master_data.current;
    let master = data.master_variant.as_ref();
    let prices = context.prices(config, master);
    let metadata = metadata::metadata(&config.shop.locale, data, &prices, &data.attributes);
    let title = title(config, product).to_owned();
    let MappedBody { body: shown, cut } = shown(config, product, None, title, metadata);
    let attributes = ItemAttributes { shown, price: prices.preferred(config) };
    let categories = category::of_product(product, &config.shop.locale);
    let categories = categories.into_iter().map(|category| category.key.id).collect();
    MappedBody {
        body: CatalogItem { key: identity::item(&product.id), attributes, categories },
        cut,
    }
}

/// The title of a product; Klaviyo requires one.
fn title<'a>(config: &Config, product: &'a Product) -> &'a str {
    product.master_data.current.name.text(&config.shop.locale).unwrap_or(product.id.as_str())
}

/// A variant of a product, with the product's texts and a `title` of its own; none without a price that counts. Klaviyo
/// requires one, and 0 would look like an offer.
fn variant(
    config: &Config,
    context: &ProductContext<'_>,
    variant: &ProductVariant,
    title: String,
) -> Option<MappedBody<CatalogVariant>> {
    let product = context.product;
    let data = &product.master_data.current;
    let prices = context.prices(config, Some(variant));
    let price = prices.preferred(config)?;
    let attributes = data.attributes.iter().chain(&variant.attributes);
    let metadata = metadata::metadata(&config.shop.locale, data, &prices, attributes);
    let MappedBody { body: shown, cut } = shown(config, product, Some(variant), title, metadata);
    let attributes = VariantAttributes { shown, price, stock: context.stock(config, variant) };
    let key = identity::variant(&product.id, variant);
    let sku = identity::sku(variant).unwrap_or(&key.external_id).to_owned();
    let item = identity::item(&product.id).id;
    Some(MappedBody { body: CatalogVariant { key, sku, item, attributes }, cut })
}

/// The SKUs of the variants that Klaviyo has of the item, by its ids `known`, and that the product no longer has. Some
/// may have moved to another product.
#[must_use]
pub fn skus_left(product: &Product, known: &[String]) -> Vec<String> {
    let variants = product.master_data.current.all_variants();
    let own: HashSet<_> = variants.map(|one| identity::variant(&product.id, one).id).collect();
    let left = known.iter().filter(|id| !own.contains(*id));
    left.map(|id| identity::external(id).to_owned()).collect()
}

/// What becomes of the variants that Klaviyo has of an item and its product no longer has.
#[derive(Debug, Clone, Copy)]
pub enum LeftVariants<'a> {
    /// They are deleted, except those with these SKUs, which other products have now: Klaviyo identifies a variant by
    /// its SKU, so the other product writes it, and a late deletion would remove it.
    Go(&'a [String]),
    /// They stay: the project is moving its variants, or may be.
    Stay,
}

/// The writes that update the variants of a product. `known` has Klaviyo's ids of the item's variants: all variants of
/// the product are written, and those that it no longer has are deleted. A variant without a price that counts is only
/// hidden, if Klaviyo has it.
#[must_use]
pub fn variant_writes(
    config: &Config,
    context: &ProductContext<'_>,
    known: &[String],
    left: LeftVariants<'_>,
) -> MappedBody<Vec<CatalogWrite>> {
    let product = context.product;
    let data = &product.master_data.current;
    let mut all = MappedBody { body: Vec::new(), cut: Vec::new() };
    let is_known: HashSet<_> = known.iter().collect();
    let (mut present, mut left_out, mut cuts) = (HashSet::new(), 0, Vec::new());
    let of_product = title(config, product);
    let titles = variant_titles(&config.shop.locale, of_product, product, context.telling);
    for (one, title) in data.all_variants().zip(titles) {
        let id = identity::variant(&product.id, one).id;
        let is_known = is_known.contains(&id);
        if let Some(MappedBody { body, cut }) = variant(config, context, one, title) {
            cuts.extend(cut);
            all.body.push(CatalogWrite::put(CatalogObject::Variant(body), is_known));
        } else {
            left_out += 1;
            all.body.extend(is_known.then(|| CatalogWrite::Hide { variant: id.clone() }));
        }
        present.insert(id);
    }
    cuts.extend(Cut::counted(CutCode::NoPrice, left_out));
    let stale = known.iter().filter(|id| !present.contains(*id));
    match left {
        LeftVariants::Go(moved) => {
            let moved: HashSet<_> = moved.iter().map(String::as_str).collect();
            let stale = stale.filter(|id| !moved.contains(identity::external(id))).cloned();
            let deletion = |id| CatalogWrite::Delete { kind: CatalogKind::Variant, id };
            all.body.extend(stale.map(deletion));
        }
        LeftVariants::Stay => cuts.extend(Cut::counted(CutCode::VariantsKept, stale.count())),
    }
    all.cut = cuts;
    all
}

/// The common attributes of items and variants; for the whole product, or for one of its variants.
fn shown(
    config: &Config,
    product: &Product,
    variant: Option<&ProductVariant>,
    title: String,
    mut custom_metadata: serde_json::Map<String, serde_json::Value>,
) -> MappedBody<ShownAttributes> {
    let data = &product.master_data.current;
    let locale = &config.shop.locale;
    let mut cut = Cut::named(limits::fit_metadata(&mut custom_metadata));
    let url = url(config, product, variant.or(data.master_variant.as_ref()));
    let url = url.unwrap_or_else(|shortened| {
        cut.push(Cut::Counted(CutCode::NoLink, 1));
        shortened
    });
    let images = pictures(data, variant);
    let body = ShownAttributes {
        title,
        description: data.description.text(locale).unwrap_or_default().to_owned(),
        url,
        image_full_url: images.first().cloned(),
        images,
        custom_metadata,
        published: true,
    };
    MappedBody { body, cut }
}

/// The addresses of a variant's pictures; if it has none, or for the whole product, those of the master variant.
fn pictures(data: &ProductData, variant: Option<&ProductVariant>) -> Vec<String> {
    let of = |variant: &ProductVariant| -> Vec<String> {
        picture::addresses(&variant.images).map(ToOwned::to_owned).collect()
    };
    let own = variant.map(of).filter(|own| !own.is_empty());
    own.or_else(|| data.master_variant.as_ref().map(of)).unwrap_or_default()
}

/// The address by the template; as an error, the address without the parts that the product lacks, since Klaviyo
/// requires one. Without a template it is only the path: an e-mail's template can prefix the shop.
fn url(
    config: &Config,
    product: &Product,
    variant: Option<&ProductVariant>,
) -> Result<String, String> {
    let data = &product.master_data.current;
    let locale = &config.shop.locale;
    let slug = data.slug.text(locale);
    let Some(template) = &config.shop.product_url else {
        return Ok(format!("/{}", encode(slug.unwrap_or(product.id.as_str()))));
    };
    let facts = ProductFacts {
        slug,
        name: data.name.text(locale),
        key: product.key.as_deref(),
        id: Some(product.id.as_str()),
        sku: variant.and_then(identity::sku),
        locale: locale.tag(),
    };
    template.url(facts).ok_or_else(|| template.shortened(facts))
}
