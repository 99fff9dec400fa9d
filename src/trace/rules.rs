//! Whether the operator's rules let a push of a record bring a part of it: an import also brings parts that pushes are
//! told to ignore.

use serde_json::{Map, Value, json};

use super::document::TracedDocument;
use super::kept::TracedPart;
use crate::commercetools::notification::{Notification, change};
use crate::config::rules::OperatorRules;
use crate::push::plan::{IgnoreReason, WorkPlan, plan};

/// Why every push of it is ignored; none if one is not.
#[must_use]
pub fn ignored_by_pushes(
    rules: &OperatorRules,
    document: &TracedDocument,
    part: TracedPart,
) -> Option<IgnoreReason> {
    let mut reason = IgnoreReason::UnknownType;
    for push in pushes(rules, document, part) {
        let planned = Notification::read(push).ok().map(|push| plan(rules, &push));
        match planned {
            Some(Ok(WorkPlan::Ignore(why))) => reason = why,
            _ => return None,
        }
    }
    Some(reason)
}

/// The pushes that commercetools would send about it.
fn pushes(
    rules: &OperatorRules,
    document: &TracedDocument,
    part: TracedPart,
) -> Vec<Map<String, Value>> {
    let id = document.id.as_str();
    let messages = |names: &[String], of: &Value, more: &[(&str, Value)]| {
        let messages = names.iter().map(|name| {
            let base = [
                ("notificationType", json!("Message")),
                ("type", json!(name)),
                ("resource", of.clone()),
            ];
            let members = base.iter().chain(more);
            members.map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
        });
        messages.collect::<Vec<Map<String, Value>>>()
    };
    let order = json!({"typeId": "order", "id": id});
    match part {
        TracedPart::Profile => vec![change("customer", id)],
        TracedPart::Placed => {
            let placing = rules.order.messages.created.iter();
            let placing: Vec<_> =
                placing.filter(|name| *name != "OrderCustomerSet").cloned().collect();
            // The state in which it was created is known only if nothing changed since.
            let is_new = document.created_at == document.changed_at;
            let carried = is_new.then(|| ("order", Value::Object(document.raw.clone())));
            messages(&placing, &order, carried.as_slice())
        }
        TracedPart::State => messages(&rules.order.messages.changed, &order, &[]),
        TracedPart::Refunds => {
            let known = &rules.payment.messages;
            let names = [&known.transaction_added[..], &known.transaction_changed[..]].concat();
            messages(&names, &json!({"typeId": "payment", "id": id}), &[])
        }
        TracedPart::Catalogue => {
            let product = json!({"typeId": "product", "id": id});
            let mut all = messages(&rules.product.messages.published, &product, &[]);
            all.push(change("product", id));
            all
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commercetools::reference::Id;
    use crate::import::kind::ImportKind;

    fn order(state: &str, changed: i64) -> TracedDocument {
        let at = |second| chrono::DateTime::from_timestamp(second, 0).expect("a time");
        let Value::Object(raw) = json!({"id": "o", "orderState": state,
            "createdAt": "2026-01-02T03:04:05Z", "lastModifiedAt": "2026-01-02T03:04:05Z",
            "totalPrice": {"currencyCode": "EUR", "centAmount": 1, "fractionDigits": 2}})
        else {
            panic!("an object")
        };
        TracedDocument {
            kind: ImportKind::Orders,
            id: Id::new("o").expect("an id"),
            created_at: at(1),
            changed_at: at(changed),
            payments: Vec::new(),
            raw,
        }
    }

    #[test]
    fn what_a_push_does_not_bring_is_known() {
        use TracedPart::{Catalogue, Placed, Profile, Refunds, State};
        let disabled = |name: &str| format!(r#"{{"disabledEvents":["{name}"]}}"#);
        let no_messages = r#"{"order":{"messages":{"changed":[]}}}"#;
        for (rules, document, part, expected) in [
            ("{}", order("Open", 1), Placed, None),
            ("{}", order("Cancelled", 1), Placed, Some(IgnoreReason::StateWithoutEvent)),
            // It may have been open before.
            ("{}", order("Cancelled", 2), Placed, None),
            ("{}", order("Cancelled", 2), State, None),
            ("{}", order("Open", 1), Refunds, None),
            ("{}", order("Open", 1), Profile, None),
            ("{}", order("Open", 1), Catalogue, None),
            (&disabled("OrderCreated"), order("Open", 2), Placed, Some(IgnoreReason::Disabled)),
            (&disabled("OrderCreated"), order("Open", 2), State, None),
            (&disabled("OrderRefunded"), order("Open", 2), Refunds, Some(IgnoreReason::Disabled)),
            (&disabled("ProductPublished"), order("Open", 2), Catalogue, None),
            (no_messages, order("Open", 1), State, Some(IgnoreReason::UnknownType)),
        ] {
            let rules = OperatorRules::parse(rules).expect("rules");
            assert_eq!(ignored_by_pushes(&rules, &document, part), expected, "{part:?}");
        }
    }
}
