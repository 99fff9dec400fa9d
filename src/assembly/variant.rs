//! A variant that is a document of its own: what is told of it concerns its product.
//!
//! A product is written with all its variants, of which it may have 10,000, and a change of each may be
//! told by itself. So the product is parked, as if it had been changed just now: all that is told of it
//! meanwhile is one row of the outbox.

use super::documents::Documents;
use super::{DeliveryStep, StepResult};
use crate::commercetools::notification::change;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::commercetools::walk::WalkedResource;
use crate::push::conclusion::Conclusion;
use crate::push::plan::IgnoreReason;

/// Parks the product, which is read from the variant if the notification did not name it.
pub(super) fn next(documents: &Documents, variant: &Id, product: Option<&Id>) -> StepResult {
    let product = match product {
        Some(product) => product,
        None => &documents.variant.or_read([DocumentQuery::Variant(variant.clone())])?.product.id,
    };
    Ok(follow(documents, product))
}

/// Parks the product that has this SKU, if that is the one of a variant that is a document of its own.
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
