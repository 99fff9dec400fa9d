//! A variant that is a document of its own: its notifications concern its product.
//!
//! A product is written with all its variants, which may be 10,000, and each may have its own notifications. So the
//! product is parked as if it had just been changed: all notifications of its variants meanwhile are one row of the
//! outbox.

use super::documents::Documents;
use super::{DeliveryStep, StepResult};
use crate::commercetools::notification::change;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::WalkedResource;
use crate::push::conclusion::Conclusion;
use crate::push::plan::IgnoreReason;

/// Parks the product; if the notification did not name it, reads it from the variant.
pub(super) fn next(documents: &Documents, variant: &Id, product: Option<&Id>) -> StepResult {
    let product = match product {
        Some(product) => product,
        None => &documents.variant.or_read([DocumentQuery::Variant(variant.clone())])?.product.id,
    };
    Ok(follow(documents, product))
}

/// Parks the product of this SKU, if the SKU belongs to a variant that is a document of its own.
pub(super) fn next_of_sku(documents: &Documents, sku: &str) -> StepResult {
    match documents.catalog_model {
        None => return Ok(DeliveryStep::read([DocumentQuery::Project])),
        Some(model) if !model.may_be_apart() => {
            return Ok(DeliveryStep::ignore(IgnoreReason::Gone));
        }
        Some(_) => {}
    }
    let variant = documents.variant.or_read([DocumentQuery::VariantOfSku(sku.to_owned())])?;
    Ok(follow(documents, &variant.product.id))
}

fn follow(documents: &Documents, product: &Id) -> DeliveryStep {
    if documents.followed {
        return DeliveryStep::Conclude(Conclusion::Delivered);
    }
    let type_id = WalkedResource::Products.type_id();
    DeliveryStep::Follow(vec![change(type_id, product.as_str())])
}
