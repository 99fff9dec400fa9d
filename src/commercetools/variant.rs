//! A variant that is a document of its own, and the model that says whether a project has such variants.
//!
//! In a project whose `productCatalogModel` is `Modular`, a product has up to 10,000 of them, and none within itself;
//! its prices are standalone ones, by SKU. After it is read together with its product, it is the same as any other
//! variant ([`Product::add_variants`](super::product::Product::add_variants)). The shapes come from commercetools' SDK
//! 9.5.0 (`Variant`, `Project`).

use serde::{Deserialize, Serialize};

use super::lenient::list;
use super::order::{Attribute, Image};
use super::reference::{Id, IdReference};

/// The most variants of a product that are read. commercetools allows no more (limit of 2026-09-29); the rest is left
/// out, so that no product takes all memory.
pub const MOST_VARIANTS: usize = 10_000;

/// A variant of a product, as `/variants` gives it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VariantDocument {
    /// The id of the document.
    pub id: Id,
    /// Its number within the product.
    pub variant_id: i64,
    /// Whether it is for sale.
    #[serde(default)]
    pub published: bool,
    /// What is published, or was last.
    #[serde(default)]
    pub current: VariantData,
}

/// The same, with only the product and the SKU.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VariantLink {
    /// The id of the document.
    pub id: Id,
    /// Its product.
    pub product: IdReference,
    /// What is published, or was last.
    #[serde(default)]
    pub current: VariantSku,
}

/// The SKU of a version of a variant's data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct VariantSku {
    #[expect(missing_docs, reason = "as its name says")]
    pub sku: Option<String>,
}

/// One version of a variant's data.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct VariantData {
    /// Unique in the project; not every variant has one.
    pub sku: Option<String>,
    #[serde(default, deserialize_with = "list")]
    #[expect(missing_docs, reason = "as its name says")]
    pub images: Vec<Image>,
    #[serde(default, deserialize_with = "list")]
    #[expect(missing_docs, reason = "as its name says")]
    pub attributes: Vec<Attribute>,
}

/// The place of a project's variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CatalogModel {
    /// Within the products.
    Classic,
    /// In either place, during a migration.
    InMigration,
    /// As documents of their own.
    Modular,
    /// Unknown: the API client may not read the project, or the model is a new one.
    #[serde(other)]
    Unknown,
}

impl CatalogModel {
    /// Whether a product may have its variants within itself.
    #[must_use]
    pub fn may_be_within(self) -> bool {
        self != Self::Modular
    }

    /// Whether variants may be documents of their own.
    #[must_use]
    pub fn may_be_apart(self) -> bool {
        self != Self::Classic
    }
}

/// A project, with only its model. Its key distinguishes it from other answers: it has no id.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    #[expect(missing_docs, reason = "as its name says")]
    pub key: String,
    /// A project without this member is older than the two models.
    #[serde(default = "classic")]
    pub product_catalog_model: CatalogModel,
}

fn classic() -> CatalogModel {
    CatalogModel::Classic
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_project_says_its_model() {
        for (project, expected) in [
            (json!({"key": "shop"}), CatalogModel::Classic),
            (json!({"key": "shop", "productCatalogModel": "Classic"}), CatalogModel::Classic),
            (
                json!({"key": "shop", "productCatalogModel": "InMigration"}),
                CatalogModel::InMigration,
            ),
            (json!({"key": "shop", "productCatalogModel": "Modular"}), CatalogModel::Modular),
            (json!({"key": "shop", "productCatalogModel": "Next"}), CatalogModel::Unknown),
        ] {
            let read: Project = serde_json::from_value(project.clone()).expect("a project");
            assert_eq!(read.product_catalog_model, expected, "{project}");
        }
    }
}
