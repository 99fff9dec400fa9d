//! A product, as the events of an order need it.

use serde::Deserialize;

use super::category::Category;
use super::locale::LocalizedString;
use super::reference::{Id, Reference};

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
}

/// The versions of a product's data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MasterData {
    /// The data that is published, or was last; there even if it never was.
    pub current: ProductData,
}

/// One version of a product's data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ProductData {
    /// The product's name.
    #[serde(default)]
    pub name: LocalizedString,
    /// Its part of an address.
    #[serde(default)]
    pub slug: LocalizedString,
    /// The categories it stands in.
    #[serde(default)]
    pub categories: Vec<Reference<Category>>,
}
