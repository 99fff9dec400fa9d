//! A product with its variants.

use serde::Deserialize;

use super::category::Category;
use super::inventory::Availability;
use super::locale::LocalizedString;
use super::order::{Attribute, Image};
use super::price::Price;
use super::reference::{Id, IdReference, Reference};
use super::variant::{VariantData, VariantDocument};

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The product's id.
    pub id: Id,
    /// The user's own key.
    pub key: Option<String>,
    /// The published data.
    pub master_data: MasterData,
    /// The place of its prices.
    #[serde(default)]
    pub price_mode: PriceMode,
    /// The type, which defines its attributes.
    #[serde(default)]
    pub product_type: Option<IdReference>,
    /// Whether its variants are documents of their own that were added to it.
    #[serde(skip)]
    pub variants_were_apart: bool,
    /// Whether it has more of these than the Worker reads ([`MOST_VARIANTS`](super::variant::MOST_VARIANTS)).
    #[serde(skip)]
    pub has_unread_variants: bool,
}

impl Product {
    /// The SKUs of its variants.
    #[must_use]
    pub fn skus(&self) -> Vec<String> {
        let variants = self.master_data.current.all_variants();
        variants.filter_map(|variant| variant.sku.clone()).collect()
    }

    /// Whether its variants are documents of their own (`productCatalogModel` is `Modular`).
    #[must_use]
    pub fn has_variants_apart(&self) -> bool {
        let data = &self.master_data.current;
        self.variants_were_apart || (data.master_variant.is_none() && data.variants.is_empty())
    }

    /// Adds variants that are documents of their own: a page of them, or all; an existing one stays as it is. From then
    /// on the product looks like one with variants within itself: its default variant is the master variant, and if
    /// that is missing (not yet, or not published), the first by number.
    pub fn add_variants(&mut self, page: Vec<VariantDocument>) {
        self.variants_were_apart = true;
        self.price_mode = PriceMode::Standalone;
        let data = &mut self.master_data.current;
        let is_default = |one: &VariantDocument| {
            data.default_variant.as_ref().is_some_and(|default| default.id == one.id)
        };
        let default = page.iter().find(|one| is_default(one)).map(|one| one.variant_id);
        data.default_number = default.or(data.default_number);
        data.variants.extend(data.master_variant.take());
        data.variants.extend(page.into_iter().map(ProductVariant::from));
        data.variants.sort_by_key(|one| one.id);
        data.variants.dedup_by_key(|one| one.id);
        let master = data.variants.iter().position(|one| Some(one.id) == data.default_number);
        if !data.variants.is_empty() {
            data.master_variant = Some(data.variants.remove(master.unwrap_or(0)));
        }
    }

    /// The part of a product that the events of many orders need: of the variants only the pictures of the master
    /// variant, no prices, no texts except name and slug.
    #[must_use]
    pub fn for_orders(&self) -> Self {
        let MasterData { published, current } = &self.master_data;
        let within = current.master_variant.as_ref().map(|master| (master.id, &master.images));
        let apart = current.default_variant.as_ref().and_then(|default| default.obj.as_deref());
        let apart = apart.filter(|variant| variant.published);
        let shown = within.or(apart.map(|variant| (variant.variant_id, &variant.current.images)));
        let master_variant = shown.map(|(id, images)| ProductVariant {
            id,
            images: images.clone(),
            sku: None,
            prices: Vec::new(),
            attributes: Vec::new(),
            availability: None,
        });
        let current = ProductData {
            name: current.name.clone(),
            slug: current.slug.clone(),
            categories: current.categories.clone(),
            attributes: current.attributes.clone(),
            master_variant,
            ..ProductData::default()
        };
        let master_data = MasterData { published: *published, current };
        let (id, key) = (self.id.clone(), self.key.clone());
        Self { id, key, master_data, product_type: None, ..*self }
    }
}

/// The place of a product's prices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum PriceMode {
    /// Within its variants.
    #[default]
    Embedded,
    /// As documents of their own, with the variants' SKUs.
    Standalone,
}

/// The versions of a product's data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MasterData {
    /// Whether the product is for sale.
    #[serde(default)]
    pub published: bool,
    /// The data that is published, or was last; it exists even if it never was.
    pub current: ProductData,
}

/// One version of a product's data.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductData {
    /// The product's name.
    #[serde(default)]
    pub name: LocalizedString,
    /// Its part of an address.
    #[serde(default)]
    pub slug: LocalizedString,
    #[serde(default)]
    #[expect(missing_docs, reason = "as its name says")]
    pub description: LocalizedString,
    /// Its categories.
    #[serde(default)]
    pub categories: Vec<Reference<Category>>,
    /// The variant that represents the product; none if the variants are documents of their own, and not added yet.
    pub master_variant: Option<ProductVariant>,
    /// All other variants.
    #[serde(default)]
    pub variants: Vec<ProductVariant>,
    /// Attributes that all variants share.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
    /// The variant that represents the product, if the variants are documents of their own.
    pub default_variant: Option<Reference<VariantDocument>>,
    /// Its number, after it was added.
    #[serde(skip)]
    pub default_number: Option<i64>,
}

impl ProductData {
    /// All variants, the master variant first.
    pub fn all_variants(&self) -> impl Iterator<Item = &ProductVariant> {
        self.master_variant.iter().chain(&self.variants)
    }
}

/// One thing to buy.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ProductVariant {
    /// Its number within the product.
    pub id: i64,
    /// Unique in the project; not every variant has one.
    pub sku: Option<String>,
    /// Its embedded prices.
    #[serde(default)]
    pub prices: Vec<Price>,
    #[serde(default)]
    #[expect(missing_docs, reason = "as its name says")]
    pub images: Vec<Image>,
    #[serde(default)]
    #[expect(missing_docs, reason = "as its name says")]
    pub attributes: Vec<Attribute>,
    /// Its stock; none if it is not tracked.
    pub availability: Option<Availability>,
}

impl From<VariantDocument> for ProductVariant {
    fn from(VariantDocument { variant_id, current, .. }: VariantDocument) -> Self {
        let VariantData { sku, images, attributes } = current;
        let (prices, availability) = (Vec::new(), None);
        Self { id: variant_id, sku, prices, images, attributes, availability }
    }
}
