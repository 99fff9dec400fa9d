//! Notifications about a variant that is a document of its own.

use super::{Work, WorkPlan, enabled};
use crate::commercetools::notification::{Notification, NotifiedResource};
use crate::commercetools::reference::IdReference;
use crate::config::rules::{EventName, OperatorRules};

/// Every message and change: each of them changes its product. All messages name the product (since 2026-09-03),
/// changes do not.
pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    let product: Option<IdReference> = notification.field("product");
    let product = product.map(|product| product.id);
    let work = Work::Variant { variant: resource.id.clone(), product };
    enabled(rules, EventName::ProductResourceUpdated, work)
}
