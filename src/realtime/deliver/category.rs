//! A category, and the paths of those below it.

use super::Step;
use crate::commercetools::query::Query;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::catalog::{self, Kind, Object};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::Request;
use crate::mapping::{category, identity};
use crate::realtime::documents::{Documents, Found};

pub(super) fn next(config: &Config, documents: &Documents, id: &Id, descendants: bool) -> Step {
    let read = match &documents.category {
        Found::Unasked => {
            let below = Query::Descendants { of: id.clone(), after: None };
            let below = descendants.then_some(below);
            return Step::read([Some(Query::Category(id.clone())), below].into_iter().flatten());
        }
        Found::Gone => return gone(id),
        Found::There(category) => category,
    };
    if !documents.further.is_empty() {
        return Step::Read(documents.further.clone());
    }
    let below = documents.descendants.as_deref().unwrap_or_default();
    let locale = &config.shop.locale;
    let all = [read].into_iter().chain(below);
    let requests = all.map(|document| upsert(category::category(document, locale))).collect();
    Step::Send { stages: vec![requests], cut: Vec::new() }
}

pub(super) fn gone(id: &Id) -> Step {
    let delete = CatalogWrite::Delete { kind: Kind::Category, id: identity::category(id).id };
    Step::Send { stages: vec![vec![Request::Catalog(delete)]], cut: Vec::new() }
}

/// Updates a category that Klaviyo knows most probably, or creates it.
pub(super) fn upsert(category: catalog::Category) -> Request {
    Request::Catalog(CatalogWrite::put(Object::Category(category), true))
}
