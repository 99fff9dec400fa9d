//! Pages in the order of a stamp, `createdAt` or `lastModifiedAt`, and of the id within it.
//!
//! A page continues after the last document of the one before (never by offset, which commercetools limits to 10,000).
//! Only commercetools compares ids: its order is not that of the texts.

use serde::{Deserialize, Serialize};

use super::query::PAGE;
use super::query_parts::quote;
use super::reference::Id;
use super::walk::WalkedResource;
use crate::http::encode;
use crate::time::UnixMs;

/// A place in the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keyset {
    /// The stamp.
    pub at: UnixMs,
    /// The last document with that stamp before the place; none if all of them come after it.
    pub id: Option<Id>,
}

impl Keyset {
    /// The place before everything stamped with this time or later.
    #[must_use]
    pub fn from(at: UnixMs) -> Self {
        Self { at, id: None }
    }
}

/// The resources that are read in the order of their stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StampedResource {
    /// Messages, by `createdAt`.
    Messages,
    /// Customers, by `lastModifiedAt`, like all that follow.
    Customers,
    /// Categories.
    Categories,
    /// Products.
    Products,
    /// Stock.
    Inventory,
    /// Standalone prices.
    StandalonePrices,
    /// Variants that are documents of their own.
    Variants,
}

impl StampedResource {
    /// All of them; those with the most news first.
    pub const ALL: [Self; 7] = [
        Self::Messages,
        Self::Customers,
        Self::Categories,
        Self::Products,
        Self::Inventory,
        Self::StandalonePrices,
        Self::Variants,
    ];

    /// The resource of its documents; none for messages.
    #[must_use]
    pub fn resource(self) -> Option<WalkedResource> {
        match self {
            Self::Messages => None,
            Self::Customers => Some(WalkedResource::Customers),
            Self::Categories => Some(WalkedResource::Categories),
            Self::Products => Some(WalkedResource::Products),
            Self::Inventory => Some(WalkedResource::Inventory),
            Self::StandalonePrices => Some(WalkedResource::StandalonePrices),
            Self::Variants => Some(WalkedResource::Variants),
        }
    }

    /// The one for a resource, by commercetools' name.
    #[must_use]
    pub fn of_type(type_id: &str) -> Option<Self> {
        let is_it = |one: &Self| one.resource().is_some_and(|it| it.type_id() == type_id);
        Self::ALL.into_iter().find(is_it)
    }

    /// Its name in storage and in texts.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.path().trim_start_matches('/')
    }

    fn path(self) -> &'static str {
        self.resource().map_or("/messages", WalkedResource::path)
    }

    fn stamp(self) -> &'static str {
        if self == Self::Messages { "createdAt" } else { "lastModifiedAt" }
    }
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedPage {
    /// The resource.
    pub of: StampedResource,
    /// The place after which it begins.
    pub after: Keyset,
    /// The stamp before which it ends, if it does not read up to the newest.
    pub before: Option<UnixMs>,
    /// The types of messages; empty for all.
    pub types: Vec<String>,
    /// Documents to leave out.
    pub without: Vec<Id>,
    /// The maximum number of documents.
    pub limit: usize,
}

impl StampedPage {
    /// The path and query below `{api}/{project}`, encoded.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        let stamp = self.of.stamp();
        let time = |at: UnixMs| quote(&at.shown().unwrap_or_default());
        let at = time(self.after.at);
        let mut parts = vec![match &self.after.id {
            Some(id) => {
                let id = quote(id.as_str());
                format!("({stamp} > {at} or ({stamp} = {at} and id > {id}))")
            }
            None => format!("{stamp} >= {at}"),
        }];
        if let Some(before) = self.before {
            parts.push(format!("{stamp} < {}", time(before)));
        }
        if !self.types.is_empty() {
            let types: Vec<_> = self.types.iter().map(|name| quote(name)).collect();
            parts.push(format!("type in ({})", types.join(", ")));
        }
        if !self.without.is_empty() {
            let ids: Vec<_> = self.without.iter().map(|id| quote(id.as_str())).collect();
            parts.push(format!("id not in ({})", ids.join(", ")));
        }
        format!(
            "{}?limit={}&withTotal=false&sort={}&sort={}&where={}",
            self.of.path(),
            self.limit,
            encode(&format!("{stamp} asc")),
            encode("id asc"),
            encode(&parts.join(" and ")),
        )
    }
}

/// The path and query of a page of all categories, for their ids.
#[must_use]
pub fn category_ids(after: Option<&Id>) -> String {
    let after = after.map_or_else(String::new, |id| {
        format!("&where={}", encode(&format!("id > {}", quote(id.as_str()))))
    });
    format!("/categories?limit={PAGE}&withTotal=false&sort={}{after}", encode("id asc"))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;

    use super::*;

    fn page(of: StampedResource, id: Option<&str>) -> StampedPage {
        let at = UnixMs::from_ms(1_780_272_000_001);
        let after = Keyset { at, id: id.and_then(Id::new) };
        StampedPage { of, after, before: None, types: vec![], without: vec![], limit: 500 }
    }

    fn decoded(page: &StampedPage) -> String {
        percent_decode_str(&page.path_and_query()).decode_utf8_lossy().into_owned()
    }

    #[test]
    fn a_page_goes_on_within_a_stamp() {
        for (of, id, expected) in [
            (
                StampedResource::Messages,
                None,
                "/messages?limit=500&withTotal=false&sort=createdAt asc&sort=id asc\
                 &where=createdAt >= \"2026-06-01T00:00:00.001Z\"",
            ),
            (
                StampedResource::Inventory,
                Some("a"),
                "/inventory?limit=500&withTotal=false&sort=lastModifiedAt asc&sort=id asc\
                 &where=(lastModifiedAt > \"2026-06-01T00:00:00.001Z\" \
                 or (lastModifiedAt = \"2026-06-01T00:00:00.001Z\" and id > \"a\"))",
            ),
        ] {
            assert_eq!(decoded(&page(of, id)), expected);
        }
        let narrow = StampedPage {
            before: Some(UnixMs::from_ms(1_780_272_060_000)),
            types: vec!["OrderCreated".to_owned()],
            without: vec![Id::new("b").expect("an id")],
            ..page(StampedResource::Messages, None)
        };
        let narrow = decoded(&narrow);
        let end = " and createdAt < \"2026-06-01T00:01:00.000Z\" and type in (\"OrderCreated\") \
                   and id not in (\"b\")";
        assert!(narrow.ends_with(end), "{narrow}");
    }

    #[test]
    fn a_resource_is_found_by_its_type() {
        assert_eq!(StampedResource::of_type("inventory-entry"), Some(StampedResource::Inventory));
        assert_eq!(StampedResource::of_type("order"), None);
        assert_eq!(StampedResource::Messages.name(), "messages");
    }
}
