//! Our own notification that asks for a product when one of its prices starts or ends: commercetools sends none then.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::commercetools::notification::{Notification, change};
use crate::commercetools::reference::Id;

/// The member with the time, in a change of a product (RFC 3339).
const PRICE_EDGE: &str = "priceEdge";

/// When the prices of a product change next by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceEdge {
    #[expect(missing_docs, reason = "as its name says")]
    pub product: Id,
    /// The first time at which one of its prices starts or ends (UTC).
    pub at: DateTime<Utc>,
}

impl PriceEdge {
    /// The notification for the product at that time.
    #[must_use]
    pub fn notification(&self) -> Map<String, Value> {
        let mut change = change("product", self.product.as_str());
        let at = self.at.to_rfc3339_opts(SecondsFormat::Millis, true);
        change.insert(PRICE_EDGE.to_owned(), at.into());
        change
    }
}

/// When to handle the product of a notification, if it is for its prices (UTC).
#[must_use]
pub fn edge_of(notification: &Notification) -> Option<DateTime<Utc>> {
    notification.field(PRICE_EDGE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rules::OperatorRules;
    use crate::push::plan::{Work, WorkPlan, plan};

    /// This holds whatever the operator switched off: the product was written, so its prices have to stay right.
    #[test]
    fn it_asks_for_its_product_at_its_time() {
        let product = Id::new("p").expect("an id");
        let at = DateTime::from_timestamp_millis(1_767_323_045_678).expect("a time");
        let edge = PriceEdge { product: product.clone(), at };
        let notification = Notification::read(edge.notification()).expect("a notification");
        assert_eq!(edge_of(&notification), Some(at));
        for rules in ["{}", r#"{"disabledEvents":["ProductResourceUpdated"]}"#] {
            let rules = OperatorRules::parse(rules).expect("rules");
            let planned = plan(&rules, &notification).expect("a plan");
            assert_eq!(planned, WorkPlan::Work(Work::PriceEdge(product.clone())));
        }
    }
}
