//! `CONFIG.order`: what orders count as, and how their events are made.

use serde::{Deserialize, Serialize};

use super::property_rules::{CustomFieldRules, PropertyRules, strings};

/// `CONFIG.order`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRules {
    /// What order states count as.
    pub states: OrderStates,
    /// What messages count as.
    pub messages: OrderMessages,
    /// Which of the order's own fields become properties of its events.
    pub properties: PropertyRules,
    /// The metric names at Klaviyo.
    pub metrics: OrderMetrics,
    /// The same for the order's custom fields.
    pub custom_fields: CustomFieldRules,
    /// The basis of amounts.
    pub value: AmountBasis,
    /// An event that is older than this when it is sent, in hours, starts no flow.
    pub flows_up_to_hours: u32,
}

impl Default for OrderRules {
    fn default() -> Self {
        Self {
            states: OrderStates::default(),
            messages: OrderMessages::default(),
            properties: PropertyRules::default(),
            metrics: OrderMetrics::default(),
            custom_fields: CustomFieldRules::default(),
            value: AmountBasis::default(),
            flows_up_to_hours: 24,
        }
    }
}

/// `CONFIG.order.value`: the basis of the amounts in order events. Refunds are the amounts paid back, so they are
/// always gross.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AmountBasis {
    /// With taxes: `taxedPrice.totalGross`, or `totalPrice` while the taxes are not known.
    #[default]
    Gross,
    /// `totalPrice`, as in the plugin: without taxes if prices do not include them.
    Total,
}

/// `CONFIG.order.states`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderStates {
    /// States that an order enters.
    pub changed: ChangedStates,
    /// States in which an order is created.
    pub created: CreatedStates,
}

/// `CONFIG.order.states.changed`: values of `orderState`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after the metric that they give")]
pub struct ChangedStates {
    pub cancelled_order: Vec<String>,
    pub fulfilled_order: Vec<String>,
}

impl Default for ChangedStates {
    fn default() -> Self {
        Self {
            cancelled_order: strings(&["Cancelled"]),
            fulfilled_order: strings(&["Confirmed", "Complete"]),
        }
    }
}

/// `CONFIG.order.states.created`: values of `orderState`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after the metric that they give")]
pub struct CreatedStates {
    pub placed_order: Vec<String>,
}

impl Default for CreatedStates {
    fn default() -> Self {
        Self { placed_order: strings(&["Open", "Confirmed", "Complete"]) }
    }
}

/// `CONFIG.order.messages`: message types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they tell")]
pub struct OrderMessages {
    pub changed: Vec<String>,
    pub created: Vec<String>,
}

impl Default for OrderMessages {
    fn default() -> Self {
        Self {
            changed: strings(&["OrderStateChanged"]),
            created: strings(&[
                "OrderCreated",
                "OrderImported",
                "OrderCustomerSet",
                "OrderCreatedFromRecurringOrder",
            ]),
        }
    }
}

/// `CONFIG.order.metrics`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after the metric")]
pub struct OrderMetrics {
    pub cancelled_order: String,
    pub fulfilled_order: String,
    pub placed_order: String,
    pub ordered_product: String,
    pub refunded_order: String,
}

impl Default for OrderMetrics {
    fn default() -> Self {
        Self {
            cancelled_order: "Cancelled Order".to_owned(),
            fulfilled_order: "Fulfilled Order".to_owned(),
            placed_order: "Placed Order".to_owned(),
            ordered_product: "Ordered Product".to_owned(),
            refunded_order: "Refunded Order".to_owned(),
        }
    }
}
