//! A category, as products and orders refer to it.

use serde::Deserialize;

use super::locale::LocalizedString;
use super::reference::Reference;

/// A category with its ancestors, the root first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Category {
    /// Its name.
    pub name: LocalizedString,
    /// The path above it, expanded where the query asked for it.
    #[serde(default)]
    pub ancestors: Vec<Reference<Category>>,
}
