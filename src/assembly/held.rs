//! Objects that Klaviyo holds and an import has to delete: all of a kind, or those that are not for
//! sale in commercetools.

use super::DeliveryStep;
use super::documents::Documents;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::identity;
use crate::push::conclusion::Conclusion;

/// As history. If `check` is set, an object that is for sale stays: then everything is as it should be.
pub(super) fn next(
    documents: &Documents,
    kind: CatalogKind,
    id: &str,
    check: bool,
) -> DeliveryStep {
    if check && let Some(product) = Id::new(identity::external(id)) {
        match documents.is_for_sale {
            None => return DeliveryStep::read([DocumentQuery::PublishedProducts(vec![product])]),
            Some(true) => return DeliveryStep::Conclude(Conclusion::Delivered),
            Some(false) => {}
        }
    }
    DeliveryStep::send(vec![delete(kind, id.to_owned())])
}

/// Deletes an object; the variants of an item go with it.
pub(super) fn delete(kind: CatalogKind, id: String) -> WriteRequest {
    WriteRequest::Catalog(CatalogWrite::Delete { kind, id })
}
