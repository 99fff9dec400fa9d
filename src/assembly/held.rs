//! What Klaviyo holds and is to go, where that is asked of an import: all of a kind, or what is not
//! for sale in commercetools.

use super::DeliveryStep;
use super::documents::Documents;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::klaviyo::catalog::CatalogKind;
use crate::klaviyo::catalog_write::CatalogWrite;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::identity;
use crate::push::conclusion::Conclusion;

/// As history. What is for sale stays, if that is to be seen: then all is as it is to be.
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

/// The deletion of an object; an item takes its variants with it.
pub(super) fn delete(kind: CatalogKind, id: String) -> WriteRequest {
    WriteRequest::Catalog(CatalogWrite::Delete { kind, id })
}
