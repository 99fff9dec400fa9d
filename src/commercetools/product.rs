//! A product with its variants.

use serde::Deserialize;

use super::category::Category;
use super::inventory::Availability;
use super::locale::LocalizedString;
use super::order::{Attribute, Image};
use super::price::Price;
use super::reference::{Id, IdReference, Reference};

/// A product of the catalogue.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Product {
    /// The product's id.
    pub id: Id,
    /// The user's own key.
    pub key: Option<String>,
    /// What is published, and what is being worked on.
    pub master_data: MasterData,
    /// Where its prices stand.
    #[serde(default)]
    pub price_mode: PriceMode,
    /// Which attributes it has.
    #[serde(default)]
    pub product_type: Option<IdReference>,
}

impl Product {
    /// The SKUs of its variants.
    #[must_use]
    pub fn skus(&self) -> Vec<String> {
        let variants = self.master_data.current.all_variants();
        variants.filter_map(|variant| variant.sku.clone()).collect()
    }

    /// What the event of an order needs of its products, which are many: of the variants only the pictures
    /// of the master variant, no prices, no texts beside name and slug.
    #[must_use]
    pub fn for_orders(&self) -> Self {
        let MasterData { published, current } = &self.master_data;
        let master_variant = current.master_variant.as_ref().map(|master| ProductVariant {
            images: master.images.clone(),
            sku: None,
            prices: Vec::new(),
            attributes: Vec::new(),
            availability: None,
            ..*master
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
        Self { id, key, master_data, price_mode: self.price_mode, product_type: None }
    }
}

/// Where the prices of a product stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum PriceMode {
    /// In its variants.
    #[default]
    Embedded,
    /// By themselves, with the variants' SKUs.
    Standalone,
}

/// The versions of a product's data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MasterData {
    /// Whether the product is for sale.
    #[serde(default)]
    pub published: bool,
    /// The data that is published, or was last; there even if it never was.
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
    /// The categories it stands in.
    #[serde(default)]
    pub categories: Vec<Reference<Category>>,
    /// The variant that stands for the product; none in a project whose variants are documents of
    /// their own (`productCatalogModel` is `Modular`).
    pub master_variant: Option<ProductVariant>,
    /// All other variants.
    #[serde(default)]
    pub variants: Vec<ProductVariant>,
    /// Attributes that all variants share.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

impl ProductData {
    /// All variants, the master variant first.
    pub fn all_variants(&self) -> impl Iterator<Item = &ProductVariant> {
        self.master_variant.iter().chain(&self.variants)
    }
}

/// One thing that can be bought.
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
    /// Its stock; none where that is not tracked.
    pub availability: Option<Availability>,
}
