//! Notifications about a standalone price.

use serde::Deserialize;

use super::{Plan, Work, enabled};
use crate::commercetools::notification::{Notification, NotifiedResource};
use crate::config::rules::{EventName, OperatorRules};

/// Every message and change: each of the 15 messages tells of one field.
pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> Plan {
    #[derive(Deserialize)]
    struct Carried {
        sku: String,
    }
    let carried: Option<Carried> = notification.field("standalonePrice");
    let carried = carried.map(|price| price.sku);
    let sku = notification.field("sku").or(carried).or_else(|| notification.sku());
    let work = Work::StandalonePrice { price: resource.id.clone(), sku };
    enabled(rules, EventName::StandalonePriceChanged, work)
}
