//! Walks through all documents of a type, page by page in the order of their ids.
//!
//! A walk is by keyset (`id > "<last id>"`), never by offset, which commercetools limits to 10,000. Only commercetools
//! compares ids: its order is not that of the texts.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::query_parts::{
    CATEGORIES, CUSTOMER_GROUP, PUBLISHED, has_sku, is_one_of, page, quote, variants_among,
};
use super::reference::Id;
use crate::http::encode;

/// A resource for walks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "as their names say")]
pub enum WalkedResource {
    /// With their groups.
    Customers,
    /// With their payments.
    Orders,
    /// With their ancestors.
    Categories,
    /// With their categories and those categories' ancestors.
    Products,
    Payments,
    Inventory,
    StandalonePrices,
    /// Variants that are documents of their own.
    Variants,
}

impl WalkedResource {
    /// The resources with notifications of their own.
    pub const TOLD: [Self; 6] = [
        Self::Customers,
        Self::Categories,
        Self::Products,
        Self::Inventory,
        Self::StandalonePrices,
        Self::Variants,
    ];

    /// commercetools' name of the resource.
    #[must_use]
    pub fn type_id(self) -> &'static str {
        match self {
            Self::Customers => "customer",
            Self::Orders => "order",
            Self::Categories => "category",
            Self::Products => "product",
            Self::Payments => "payment",
            Self::Inventory => "inventory-entry",
            Self::StandalonePrices => "standalone-price",
            Self::Variants => "variant",
        }
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Customers => "/customers",
            Self::Orders => "/orders",
            Self::Categories => "/categories",
            Self::Products => "/products",
            Self::Payments => "/payments",
            Self::Inventory => "/inventory",
            Self::StandalonePrices => "/standalone-prices",
            Self::Variants => "/variants",
        }
    }

    fn expand(self) -> Option<&'static str> {
        match self {
            Self::Orders => Some("paymentInfo.payments[*]"),
            Self::Categories => Some("ancestors[*]"),
            Self::Products => Some(CATEGORIES),
            Self::Customers => Some(CUSTOMER_GROUP),
            Self::Payments | Self::Inventory | Self::StandalonePrices | Self::Variants => None,
        }
    }
}

/// A filter of documents; each member that is set narrows it. It is stored with the runs that use it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WalkFilter {
    /// Created at this time or later.
    pub created_from: Option<DateTime<Utc>>,
    /// Created before this time.
    pub created_before: Option<DateTime<Utc>>,
    /// Changed at this time or later.
    pub changed_since: Option<DateTime<Utc>>,
    /// Last changed before this time.
    pub changed_before: Option<DateTime<Utc>>,
    /// This id or a later one.
    pub from_id: Option<Id>,
    /// Products that are for sale.
    pub published: bool,
    /// Documents that belong to one of these.
    pub among: Option<FilterList>,
}

/// A list; a document matches if it has one of its values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilterList {
    /// By its id.
    Ids(Vec<Id>),
    /// Orders with one of these payments.
    Payments(Vec<Id>),
    /// Products with a variant of one of these SKUs, or variants that have one.
    Skus(Vec<String>),
}

/// A page of a walk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Walk {
    /// The resource.
    pub of: WalkedResource,
    /// The filter.
    pub filter: WalkFilter,
    /// The last id of the page before.
    pub after: Option<Id>,
    /// The maximum number of documents; up to [`super::query::PAGE`].
    pub limit: usize,
}

/// The first or the last document by time of creation, and the total number of documents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WalkEnd {
    /// The resource.
    pub of: WalkedResource,
    /// The filter.
    pub filter: WalkFilter,
    /// True for the newest, false for the oldest.
    pub newest: bool,
}

/// The number of documents: up to 10,000, since there is a predicate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WalkCount {
    /// The resource.
    pub of: WalkedResource,
    /// The filter.
    pub filter: WalkFilter,
}

/// A page of a walk that only needs the ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdWalk {
    /// The documents of the walk.
    pub over: WalkOver,
    /// The last id of the page before.
    pub after: Option<Id>,
}

/// The documents of a walk for ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WalkOver {
    /// The published products that belong to this category itself.
    ProductsIn(Id),
    /// Changed resources.
    ChangedSince {
        /// The resource.
        of: WalkedResource,
        /// The earliest change (UTC).
        since: DateTime<Utc>,
    },
}

impl Walk {
    /// A page of the documents with these ids.
    #[must_use]
    pub fn among_ids(of: WalkedResource, ids: Vec<Id>, limit: usize) -> Self {
        let filter = WalkFilter { among: Some(FilterList::Ids(ids)), ..WalkFilter::default() };
        Self { of, filter, after: None, limit }
    }

    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let mut terms = self.filter.terms(self.of);
        terms.extend(self.after.as_ref().map(|id| format!("id > {}", quote(id.as_str()))));
        let expand = self.of.expand().map(|expand| format!("&expand={}", encode(expand)));
        format!(
            "{}?limit={}&withTotal=false&sort={}{}{}",
            self.of.path(),
            self.limit,
            encode("id asc"),
            expand.unwrap_or_default(),
            where_all(&terms),
        )
    }
}

impl WalkEnd {
    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let order = if self.newest { "createdAt desc" } else { "createdAt asc" };
        format!(
            "{}?limit=1&withTotal={}&sort={}{}",
            self.of.path(),
            !self.newest,
            encode(order),
            where_all(&self.filter.terms(self.of)),
        )
    }
}

impl WalkCount {
    /// The path and query below `{api}/{project}`, encoded. A page has at least one document.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let terms = where_all(&self.filter.terms(self.of));
        format!("{}?limit=1&withTotal=true{terms}", self.of.path())
    }
}

impl WalkFilter {
    /// Whether it narrows anything: then commercetools counts up to 10,000.
    #[must_use]
    pub fn narrows(&self) -> bool {
        *self != Self::default()
    }
}

impl IdWalk {
    /// The resource of its ids.
    #[must_use]
    pub fn of(&self) -> WalkedResource {
        match &self.over {
            WalkOver::ProductsIn(_) => WalkedResource::Products,
            WalkOver::ChangedSince { of, .. } => *of,
        }
    }

    /// The maximum number of ids on the page. commercetools sends whole documents, so it is small; for products, with
    /// all their variants, it is the plugin's page size.
    #[must_use]
    pub fn limit(&self) -> usize {
        match &self.over {
            WalkOver::ProductsIn(_) => 20,
            WalkOver::ChangedSince { .. } => 50,
        }
    }

    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        match &self.over {
            WalkOver::ProductsIn(category) => {
                let category = quote(category.as_str());
                let predicate = format!(
                    "masterData(published = true and current(categories(id = {category})))"
                );
                format!("/products?{}", page(&predicate, self.after.as_ref(), self.limit()))
            }
            WalkOver::ChangedSince { of, since } => {
                let filter = WalkFilter { changed_since: Some(*since), ..WalkFilter::default() };
                let (after, limit) = (self.after.clone(), self.limit());
                Walk { of: *of, filter, after, limit }.path_and_query()
            }
        }
    }
}

fn where_all(terms: &[String]) -> String {
    if terms.is_empty() {
        return String::new();
    }
    format!("&where={}", encode(&terms.join(" and ")))
}

impl WalkFilter {
    fn terms(&self, of: WalkedResource) -> Vec<String> {
        let at = |field: &str, operator: &str, time: &Option<DateTime<Utc>>| {
            let time = time.as_ref()?.to_rfc3339_opts(SecondsFormat::Millis, true);
            Some(format!("{field} {operator} {}", quote(&time)))
        };
        let among = self.among.as_ref().map(|among| match among {
            FilterList::Ids(ids) => is_one_of("id", ids),
            FilterList::Payments(ids) => format!("paymentInfo(payments({}))", is_one_of("id", ids)),
            FilterList::Skus(skus) if of == WalkedResource::Variants => has_sku(skus),
            FilterList::Skus(skus) => variants_among(skus),
        });
        let terms = [
            at("createdAt", ">=", &self.created_from),
            at("createdAt", "<", &self.created_before),
            at("lastModifiedAt", ">=", &self.changed_since),
            at("lastModifiedAt", "<", &self.changed_before),
            self.from_id.as_ref().map(|id| format!("id >= {}", quote(id.as_str()))),
            self.published.then(|| PUBLISHED.to_owned()),
            among,
        ];
        terms.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;

    fn decoded(path: &str) -> String {
        percent_decode_str(path).decode_utf8_lossy().into_owned()
    }

    #[test]
    fn a_page_is_asked_for() {
        let id = |id| Id::new(id).expect("an id");
        let walk = Walk {
            of: WalkedResource::Products,
            filter: WalkFilter {
                created_from: Some(DateTime::UNIX_EPOCH),
                published: true,
                among: Some(FilterList::Skus(vec!["a\"b".to_owned()])),
                ..WalkFilter::default()
            },
            after: Some(id("p1")),
            limit: 100,
        };
        assert_eq!(
            decoded(&walk.path_and_query()),
            "/products?limit=100&withTotal=false&sort=id asc\
             &expand=masterData.current.categories[*].ancestors[*]\
             &where=createdAt >= \"1970-01-01T00:00:00.000Z\" and masterData(published = true) \
             and masterData(current(masterVariant(sku in (\"a\\\"b\")) or variants(sku in (\"a\\\"b\")))) \
             and id > \"p1\""
        );
        let end =
            WalkEnd { of: WalkedResource::Customers, filter: WalkFilter::default(), newest: false };
        assert_eq!(
            decoded(&end.path_and_query()),
            "/customers?limit=1&withTotal=true&sort=createdAt asc"
        );
    }
}
