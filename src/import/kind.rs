//! What is imported.

use serde::{Deserialize, Serialize};

use crate::commercetools::walk::WalkedResource;

/// What is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "as their names say")]
pub enum ImportKind {
    Customers,
    Orders,
    Categories,
    Products,
}

impl ImportKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Customers, Self::Orders, Self::Categories, Self::Products];

    /// In the order in which one import of all is run: an item is put into the categories that are there, and an
    /// order's profile is complete when its customer came first.
    pub const IN_ORDER: [Self; 4] =
        [Self::Categories, Self::Products, Self::Customers, Self::Orders];

    /// The name in paths and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Orders => "orders",
            Self::Categories => "categories",
            Self::Products => "products",
        }
    }

    /// commercetools' name of such a resource.
    #[must_use]
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Customers => "customer",
            Self::Orders => "order",
            Self::Categories => "category",
            Self::Products => "product",
        }
    }

    /// What is walked through for it.
    #[must_use]
    pub fn documents(self) -> WalkedResource {
        match self {
            Self::Customers => WalkedResource::Customers,
            Self::Orders => WalkedResource::Orders,
            Self::Categories => WalkedResource::Categories,
            Self::Products => WalkedResource::Products,
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The name at the beginning of a sentence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Customers => "Customers",
            Self::Orders => "Orders",
            Self::Categories => "Categories",
            Self::Products => "Products",
        }
    }
}
