//! Notifications about an order.

use serde::Deserialize;
use serde_json::Value;

use super::{
    AddedLines, AddedProduct, IgnoreReason, MalformedMessage, PlacedOrder, Work, WorkPlan, enabled,
};
use crate::commercetools::answer::without_value;
use crate::commercetools::notification::{
    Message, Notification, NotificationKind, NotifiedResource,
};
use crate::commercetools::order::Order;
use crate::commercetools::reference::Id;
use crate::config::rules::{EventName, OperatorRules};
use crate::json::read_value;

pub(super) fn plan(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> Result<WorkPlan, MalformedMessage> {
    let NotificationKind::Message(message) = &notification.kind else {
        return Ok(WorkPlan::Ignore(IgnoreReason::UnknownType));
    };
    if rules.order.messages.created.contains(&message.name) {
        let plan = match message.name.as_str() {
            "OrderCustomerSet" => order_customer_set(notification, message, resource),
            _ => order_placed(rules, notification, resource)?,
        };
        let disabled = rules.disabled(EventName::OrderCreated);
        return Ok(if disabled { WorkPlan::Ignore(IgnoreReason::Disabled) } else { plan });
    }
    if rules.order.messages.changed.contains(&message.name) {
        let work = Work::OrderState {
            order: resource.id.clone(),
            state: notification.field("orderState"),
            at: message.created_at,
        };
        return Ok(enabled(rules, EventName::OrderStateChanged, work));
    }
    match message.name.as_str() {
        "OrderEditApplied" | "OrderLineItemAdded" => {
            Ok(order_edited(rules, notification, message, resource))
        }
        _ => Ok(WorkPlan::Ignore(IgnoreReason::UnknownType)),
    }
}

/// An applied edit causes one message of its own, and one for each line that it added. Both lead to
/// the same events, so a subscription to either is enough.
fn order_edited(
    rules: &OperatorRules,
    notification: &Notification,
    message: &Message,
    resource: &NotifiedResource,
) -> WorkPlan {
    #[derive(Deserialize)]
    struct CarriedLine {
        id: Id,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct CarriedEdit {
        staged_actions: Vec<StagedAction>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct StagedAction {
        action: String,
        sku: Option<String>,
        product_id: Option<Id>,
    }
    let line = notification.field("lineItem").map(|CarriedLine { id }| AddedLines::Line(id));
    let products = notification.field("edit").map(|CarriedEdit { staged_actions }| {
        let added = staged_actions.into_iter().filter(|staged| staged.action == "addLineItem");
        let product = |StagedAction { sku, product_id, .. }| AddedProduct { sku, product_id };
        AddedLines::Products(added.map(product).collect())
    });
    let added = line.or(products).unwrap_or(AddedLines::Any);
    if added == AddedLines::Products(Vec::new()) {
        return WorkPlan::Ignore(IgnoreReason::NoNewLine);
    }
    let work = Work::OrderEdited { order: resource.id.clone(), added, at: message.created_at };
    enabled(rules, EventName::OrderEditApplied, work)
}

fn order_placed(
    rules: &OperatorRules,
    notification: &Notification,
    resource: &NotifiedResource,
) -> Result<WorkPlan, MalformedMessage> {
    let Some(document) = notification.raw.get("order").filter(|order| order.is_object()) else {
        return Ok(WorkPlan::Work(Work::OrderPlaced(PlacedOrder::ById(resource.id.clone()))));
    };
    let order = read_value::<Order>(document).map_err(|error| malformed(&error))?;
    if !rules.order.states.created.placed_order.contains(&order.fields.order_state) {
        return Ok(WorkPlan::Ignore(IgnoreReason::StateWithoutEvent));
    }
    Ok(WorkPlan::Work(Work::OrderPlaced(PlacedOrder::Carried(Box::new(order)))))
}

fn malformed(error: &serde_json::Error) -> MalformedMessage {
    MalformedMessage(without_value(&error.to_string()))
}

fn order_customer_set(
    notification: &Notification,
    message: &Message,
    resource: &NotifiedResource,
) -> WorkPlan {
    #[derive(Deserialize)]
    struct CustomerReference {
        id: Id,
    }
    let customer: Option<CustomerReference> = notification.field("customer");
    let old = notification.raw.get("oldCustomer").filter(|old| **old != Value::Null);
    if customer.is_none() && !message.payload_left_out {
        return WorkPlan::Ignore(IgnoreReason::CustomerRemoved);
    }
    WorkPlan::Work(Work::OrderGivenToCustomer {
        order: resource.id.clone(),
        customer: customer.map(|customer| customer.id),
        first_customer: old.is_none() && !message.payload_left_out,
    })
}
