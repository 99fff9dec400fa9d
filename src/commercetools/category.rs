//! A category, as products and orders refer to it, and as a document of its own.

use serde::Deserialize;

use super::locale::LocalizedString;
use super::reference::{Id, Reference};

/// A category with its ancestors, the root first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Category {
    /// Its name.
    pub name: LocalizedString,
    /// The path above it, if the query expanded it.
    #[serde(default)]
    pub ancestors: Vec<Reference<Category>>,
}

/// A category as a document.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CategoryDocument {
    /// The category's id.
    pub id: Id,
    /// Its content.
    #[serde(flatten)]
    pub category: Category,
}
