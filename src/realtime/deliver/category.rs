//! A category, and the paths of those below it.

use super::Step;
use super::category_products::walk;
use crate::commercetools::query::Query;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::catalog::{self, CatalogKind, Object};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::Request;
use crate::mapping::{category, identity};
use crate::realtime::documents::{Documents, Found, Reading};

pub(super) fn next(config: &Config, documents: &Documents, id: &Id, descendants: bool) -> Step {
    let read = match &documents.category {
        Found::Unasked => {
            let below = Query::Descendants { of: id.clone(), after: None };
            let name = Lookup::CategoryName { category: identity::category(id).id };
            let with_those_below = descendants.then(|| [Reading::from(below), name.into()]);
            let own = Reading::from(Query::Category(id.clone()));
            return Step::Read(
                [own].into_iter().chain(with_those_below.into_iter().flatten()).collect(),
            );
        }
        Found::Gone => return gone(id),
        Found::There(category) => category,
    };
    if !documents.further.is_empty() {
        return Step::Read(documents.further.clone());
    }
    let below = documents.descendants.as_deref().unwrap_or_default();
    let locale = &config.shop.locale;
    // Before the new name is written, since the old one is what tells of the move.
    if let Found::There(known) = &documents.known_name
        && !documents.followed
        && category::moved(known, &category::category(read, locale))
    {
        let walks = [read].into_iter().chain(below).map(|document| walk(&document.id, None));
        return Step::Follow(walks.collect());
    }
    let all = [read].into_iter().chain(below);
    let requests = all.map(|document| upsert(category::category(document, locale))).collect();
    Step::Send { stages: vec![requests], cut: Vec::new() }
}

pub(super) fn gone(id: &Id) -> Step {
    let delete =
        CatalogWrite::Delete { kind: CatalogKind::Category, id: identity::category(id).id };
    Step::Send { stages: vec![vec![Request::Catalog(delete)]], cut: Vec::new() }
}

/// Updates a category that Klaviyo knows most probably, or creates it.
pub(super) fn upsert(category: catalog::Category) -> Request {
    Request::Catalog(CatalogWrite::put(Object::Category(category), true))
}
