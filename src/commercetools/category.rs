//! A category, as products and orders refer to it, and as a document of its own.

use serde::Deserialize;

use super::locale::LocalizedString;
use super::reference::{Id, Reference};

/// A category with its ancestors, the root first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Category {
    /// Its name.
    pub name: LocalizedString,
    /// The path above it, expanded where the query asked for it.
    #[serde(default)]
    pub ancestors: Vec<Reference<Category>>,
}

/// A category that was read by itself.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CategoryDocument {
    /// The category's id.
    pub id: Id,
    /// What it says.
    #[serde(flatten)]
    pub category: Category,
}
