//! The kinds of records that an import brings.

use serde::{Deserialize, Serialize};

use crate::commercetools::walk::WalkedResource;

/// What an import brings.
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

    /// The order in which one import of all kinds runs: an item can only name existing categories, and the profile of
    /// an order is complete if its customer came first.
    pub const IN_ORDER: [Self; 4] =
        [Self::Categories, Self::Products, Self::Customers, Self::Orders];

    /// Its name in paths and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Orders => "orders",
            Self::Categories => "categories",
            Self::Products => "products",
        }
    }

    /// commercetools' name of the resource.
    #[must_use]
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Customers => "customer",
            Self::Orders => "order",
            Self::Categories => "category",
            Self::Products => "product",
        }
    }

    /// The documents that a run walks through.
    #[must_use]
    pub fn documents(self) -> WalkedResource {
        match self {
            Self::Customers => WalkedResource::Customers,
            Self::Orders => WalkedResource::Orders,
            Self::Categories => WalkedResource::Categories,
            Self::Products => WalkedResource::Products,
        }
    }

    /// The kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name at the beginning of a sentence.
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
