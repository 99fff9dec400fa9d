//! Notifications about a standalone price.

use serde::Deserialize;

use super::{Work, WorkPlan, enabled};
use crate::commercetools::notification::{Notification, NotifiedResource};
use crate::config::rules::{EventName, OperatorRules};

/// Every message and change: each of the 15 messages reports one field.
pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> WorkPlan {
    #[derive(Deserialize)]
    struct CarriedPrice {
        sku: String,
    }
    let carried: Option<CarriedPrice> = notification.field("standalonePrice");
    let carried = carried.map(|price| price.sku);
    let sku = notification.field("sku").or(carried).or_else(|| notification.sku());
    let work = Work::StandalonePrice { price: resource.id.clone(), sku };
    enabled(rules, EventName::StandalonePriceChanged, work)
}
