//! A category, and the paths of its descendants.

use super::DeliveryStep;
use super::documents::Documents;
use super::held::delete;
use super::reading::{KnownDocument, UnitReading};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::WalkOver;
use crate::config::Config;
use crate::klaviyo::catalog::{self, CatalogKind, CatalogObject};
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::{category, identity};
use crate::push::plan::id_walk::notification;

/// Now: it does not ask whether Klaviyo has the category, since Klaviyo most probably does.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    id: &Id,
    descendants: bool,
) -> DeliveryStep {
    let read = match &documents.category {
        KnownDocument::Unasked => {
            let below = DocumentQuery::Descendants { of: id.clone(), after: None };
            let name = KlaviyoLookup::CategoryName { category: identity::category(id).id };
            let with_those_below = descendants.then(|| [UnitReading::from(below), name.into()]);
            let own = UnitReading::from(DocumentQuery::Category(id.clone()));
            return DeliveryStep::Read(
                [own].into_iter().chain(with_those_below.into_iter().flatten()).collect(),
            );
        }
        KnownDocument::Gone => return gone(id),
        KnownDocument::There(category) => category,
    };
    if !documents.further.is_empty() {
        return DeliveryStep::Read(documents.further.clone());
    }
    let below = documents.descendants.as_deref().unwrap_or_default();
    let locale = &config.shop.locale;
    // Before the new name is written, since the old name shows the move.
    if let KnownDocument::There(known) = &documents.known_name
        && !documents.followed
        && category::moved(known, &category::category(read, locale))
    {
        let walks = [&**read]
            .into_iter()
            .chain(below)
            .map(|document| notification(&WalkOver::ProductsIn(document.id.clone()), None));
        return DeliveryStep::Follow(walks.collect());
    }
    let all = [&**read].into_iter().chain(below);
    DeliveryStep::send(all.map(|document| upsert(category::category(document, locale))).collect())
}

/// As history: each category has its own record, and a job has to know which ones to create.
pub(super) fn history(config: &Config, documents: &Documents, id: &Id) -> DeliveryStep {
    let KnownDocument::There(read) = &documents.category else {
        return DeliveryStep::read([DocumentQuery::Category(id.clone())]);
    };
    let category = category::category(read, &config.shop.locale);
    let own = &category.key.id;
    if documents.categories.held == KnownDocument::Unasked {
        let lookup =
            KlaviyoLookup::Existing { kind: CatalogKind::Category, ids: vec![own.clone()] };
        return DeliveryStep::read([lookup]);
    }
    let known = documents.categories.held.list().contains(own);
    DeliveryStep::send(vec![WriteRequest::Catalog(CatalogWrite::put(
        CatalogObject::Category(category),
        known,
    ))])
}

pub(super) fn gone(id: &Id) -> DeliveryStep {
    DeliveryStep::send(vec![delete(CatalogKind::Category, identity::category(id).id)])
}

/// Updates a category that Klaviyo most probably knows, or creates it.
fn upsert(category: catalog::CatalogCategory) -> WriteRequest {
    WriteRequest::Catalog(CatalogWrite::put(CatalogObject::Category(category), true))
}
