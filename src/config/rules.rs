//! The tree of the setting `CONFIG`: the keys of the plugin's `config/default.json`, plus ours.
//!
//! A partial object is merged over the defaults, key by key; a list replaces the default list. An
//! unknown key is a problem that names its whole path, since a misspelt key that is silently
//! ignored is worse than none.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SettingProblem;
use super::alerts::AlertRules;
use super::feed::{FeedMode, FeedRules};
use super::import::{ImportRules, ProductImportRules};
use super::order::OrderRules;
use super::property_rules::{CustomFieldRules, strings};
use super::schedule::{self, ImportSchedules};
use super::supply_channels::SupplyChannels;
use crate::json::read_value;

/// Everything that the operator may configure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorRules {
    /// Notifications to ignore, by their names in the message table.
    pub disabled_events: Vec<EventName>,
    /// Orders and their events.
    pub order: OrderRules,
    /// Customers and their profiles.
    pub customer: CustomerRules,
    /// Payments and refunds.
    pub payment: PaymentRules,
    /// Categories.
    pub category: CategoryRules,
    /// Products, their variants and stock.
    pub product: ProductRules,
    /// Undelivered notifications.
    pub outbox: OutboxRules,
    /// The Klaviyo account.
    pub klaviyo: KlaviyoRules,
    /// How imports run.
    pub import: ImportRules,
    /// When a lasting problem needs a person.
    pub alerts: AlertRules,
    /// How commercetools' own messages are read.
    pub feed: FeedRules,
}

/// The names for `disabledEvents`. The first thirteen are the plugin's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each name stands in the message table of docs/mapping.md")]
pub enum EventName {
    CustomerCreated,
    CustomerCompanyNameSet,
    CustomerResourceUpdated,
    OrderCreated,
    OrderStateChanged,
    OrderRefunded,
    CategoryCreated,
    CategoryResourceDeleted,
    CategoryResourceUpdated,
    ProductResourceDeleted,
    ProductUnpublished,
    ProductPublished,
    InventoryResourceUpdated,
    ProductResourceCreated,
    ProductResourceUpdated,
    InventoryResourceCreated,
    InventoryResourceDeleted,
    StandalonePriceChanged,
    CustomerResourceDeleted,
    OrderEditApplied,
}

/// `CONFIG.customer`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomerRules {
    /// Kept for compatibility with the plugin; every customer message is a change here.
    pub messages: CustomerMessages,
    /// Which custom fields become profile properties.
    pub custom_fields: CustomFieldRules,
    /// Kept for compatibility with the plugin.
    pub deduplication: CustomerDeduplication,
    /// What happens after a permanent deletion of a customer.
    pub deletion: CustomerDeletion,
    /// The target of commercetools' title of a customer.
    pub title: TitleTarget,
}

/// `CONFIG.customer.title`: what becomes of the title of a customer (`Dr.`) at Klaviyo, whose own
/// `title` is a job title.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TitleTarget {
    /// The property `Salutation title`; Klaviyo's own title is left alone.
    #[default]
    Property,
    /// Klaviyo's own title, as in the plugin.
    Job,
}

/// `CONFIG.customer.deletion`: what happens at Klaviyo after commercetools erased a customer's
/// personal data. Klaviyo cannot undo an erasure, so the default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CustomerDeletion {
    /// Nothing.
    #[default]
    Ignore,
    /// Erases the profile, and the stored data of the customer.
    Erase,
}

/// `CONFIG.customer.messages`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they tell")]
pub struct CustomerMessages {
    pub address_changed: Vec<String>,
}

impl Default for CustomerMessages {
    fn default() -> Self {
        Self {
            address_changed: strings(&[
                "CustomerAddressAdded",
                "CustomerAddressRemoved",
                "CustomerAddressChanged",
            ]),
        }
    }
}

/// `CONFIG.customer.deduplication`. Klaviyo's upsert finds an existing profile by e-mail address in
/// any case, so both values behave like the plugin's `true`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "said on the type")]
pub struct CustomerDeduplication {
    pub enabled: bool,
}

/// `CONFIG.payment`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they hold")]
pub struct PaymentRules {
    pub messages: PaymentMessages,
    pub states: PaymentStates,
}

/// `CONFIG.payment.messages`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they tell")]
pub struct PaymentMessages {
    pub transaction_added: Vec<String>,
    pub transaction_changed: Vec<String>,
}

impl Default for PaymentMessages {
    fn default() -> Self {
        Self {
            transaction_added: strings(&["PaymentTransactionAdded"]),
            transaction_changed: strings(&["PaymentTransactionStateChanged"]),
        }
    }
}

/// `CONFIG.payment.states`. The default is only `Success`: money that has not moved is no refund.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they hold")]
pub struct PaymentStates {
    pub valid_transaction_states: Vec<String>,
}

impl Default for PaymentStates {
    fn default() -> Self {
        Self { valid_transaction_states: strings(&["Success"]) }
    }
}

/// `CONFIG.category`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they hold")]
pub struct CategoryRules {
    pub messages: CategoryMessages,
}

/// `CONFIG.category.messages`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they tell")]
pub struct CategoryMessages {
    pub created: Vec<String>,
}

impl Default for CategoryMessages {
    fn default() -> Self {
        Self { created: strings(&["CategoryCreated"]) }
    }
}

/// `CONFIG.product`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they hold")]
pub struct ProductRules {
    pub messages: ProductMessages,
    pub inventory: InventoryRules,
    pub prices: PriceRules,
    pub import: ProductImportRules,
    pub brand_attribute: String,
}

impl Default for ProductRules {
    fn default() -> Self {
        Self {
            messages: ProductMessages::default(),
            inventory: InventoryRules::default(),
            prices: PriceRules::default(),
            import: ProductImportRules::default(),
            brand_attribute: "brand".to_owned(),
        }
    }
}

/// `CONFIG.product.messages`: message types and notification types.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "named after what they tell")]
pub struct ProductMessages {
    pub deleted: Vec<String>,
    pub published: Vec<String>,
}

impl Default for ProductMessages {
    fn default() -> Self {
        Self {
            deleted: strings(&["ProductUnpublished", "ResourceDeleted", "ProductDeleted"]),
            published: strings(&["ProductPublished"]),
        }
    }
}

/// `CONFIG.product.inventory`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryRules {
    /// The supply channels to sum; none for stock without a channel, or, if a SKU has no such
    /// stock, for that of all channels.
    pub use_channel_inventory: SupplyChannels,
}

/// `CONFIG.product.prices`: the prices that count beside those for everybody.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceRules {
    /// The id of a distribution channel; empty for none.
    pub channel: String,
    /// The id of a customer group; empty for none.
    pub customer_group: String,
}

/// `CONFIG.outbox`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutboxRules {
    /// How long a parked notification is tried before it becomes a dead letter, and how long a dead
    /// letter is kept, in days.
    pub retention_days: u32,
}

impl Default for OutboxRules {
    fn default() -> Self {
        Self { retention_days: 30 }
    }
}

impl OutboxRules {
    /// The same as a duration.
    #[must_use]
    pub fn retention(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.retention_days))
    }
}

/// `CONFIG.klaviyo`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KlaviyoRules {
    /// The share of each rate limit for parked notifications and imports, above 0 and at most 1;
    /// the rest is left to other users of the account.
    pub share: f64,
}

impl Default for KlaviyoRules {
    fn default() -> Self {
        Self { share: 1.0 }
    }
}

impl OperatorRules {
    /// Reads the JSON text of `CONFIG`.
    ///
    /// # Errors
    /// Every unknown key and every value of a wrong type, each with its path.
    pub fn parse(text: &str) -> Result<Self, Vec<SettingProblem>> {
        let Ok(Value::Object(given)) = serde_json::from_str(text) else {
            return Err(vec![SettingProblem::new("CONFIG", "must be a JSON object")]);
        };
        let mut merged = serde_json::to_value(Self::default()).unwrap_or_default();
        let mut problems = Vec::new();
        merge(&mut merged, given, "CONFIG", &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let rules: Self = read_value(&merged)
            .map_err(|error| vec![SettingProblem::new("CONFIG", error.to_string())])?;
        let mut problems = rules.import.problems();
        problems.extend(rules.alerts.problems());
        problems.extend(rules.feed.problems());
        let erases = rules.customer.deletion == CustomerDeletion::Erase;
        if erases && rules.feed.mode == FeedMode::Only {
            let problem = "must not be `only` while `CONFIG.customer.deletion` is `erase`: no message tells of \
                           an erasure. Keep a Subscription for customers, and set `beside`";
            problems.push(SettingProblem::new("CONFIG.feed.mode", problem));
        }
        if !(rules.klaviyo.share > 0.0 && rules.klaviyo.share <= 1.0) {
            problems
                .push(SettingProblem::new("CONFIG.klaviyo.share", "must be above 0 and at most 1"));
        }
        if !(1..=720).contains(&rules.order.flows_up_to_hours) {
            let problem = "must be between 1 and 720";
            problems.push(SettingProblem::new("CONFIG.order.flowsUpToHours", problem));
        }
        if problems.is_empty() { Ok(rules) } else { Err(problems) }
    }

    /// Whether the notification with this name is ignored.
    #[must_use]
    pub fn disabled(&self, name: EventName) -> bool {
        self.disabled_events.contains(&name)
    }
}

/// The largest whole number of a setting.
const MOST: u64 = u32::MAX as u64;

/// Merges `given` over `defaults`, whose shape defines the allowed keys.
fn merge(
    defaults: &mut Value,
    given: Map<String, Value>,
    path: &str,
    problems: &mut Vec<SettingProblem>,
) {
    let Value::Object(known) = defaults else { return };
    for (key, value) in given {
        let path = format!("{path}.{key}");
        let Some(default) = known.get_mut(&key) else {
            problems.push(SettingProblem::new(path, "is not a known key"));
            continue;
        };
        match (&mut *default, value) {
            (Value::Object(_), Value::Object(given)) if path == schedule::PATH => {
                match ImportSchedules::read(&given) {
                    Ok(_) => *default = Value::Object(given),
                    Err(found) => problems.extend(found),
                }
            }
            // The one free map: its keys are field names of the shop.
            (Value::Object(_), Value::Object(names)) if key == "map" => {
                if names.values().all(Value::is_string) {
                    *default = Value::Object(names);
                } else {
                    problems.push(SettingProblem::new(path, "must map names to names"));
                }
            }
            (Value::Object(_), Value::Object(inner)) => merge(default, inner, &path, problems),
            (Value::Array(_), Value::Array(list)) => {
                if let Some(problem) = list_problem(&key, &list) {
                    problems.push(SettingProblem::new(path, problem));
                }
                *default = Value::Array(list);
            }
            (Value::Array(_), one @ Value::String(_)) if is_one_or_list(&path) => *default = one,
            (Value::Array(_), _) if is_one_or_list(&path) => {
                problems.push(SettingProblem::new(path, "must be a string or a list of strings"));
            }
            (Value::String(_), Value::String(value))
                if choices(&path).is_some_and(|choices| !choices.contains(&value.as_str())) =>
            {
                let choices = choices(&path).unwrap_or_default().join("` or `");
                problems.push(SettingProblem::new(path, format!("must be `{choices}`")));
            }
            (Value::Number(default), Value::Number(value))
                if default.is_u64() && value.as_u64().is_none_or(|value| value > MOST) =>
            {
                let problem = "must be a whole number that is not negative";
                problems.push(SettingProblem::new(path, problem));
            }
            (Value::String(_), value @ Value::String(_))
            | (Value::Bool(_), value @ Value::Bool(_))
            | (Value::Number(_), value @ Value::Number(_)) => *default = value,
            (default, _) => problems.push(SettingProblem::new(path, expected(default))),
        }
    }
}

/// Whether a setting accepts a text instead of a list: the plugin only knows the text.
fn is_one_or_list(path: &str) -> bool {
    path == "CONFIG.product.inventory.useChannelInventory"
}

/// The values of a setting with a fixed choice.
fn choices(path: &str) -> Option<&'static [&'static str]> {
    match path {
        "CONFIG.customer.deletion" => Some(&["ignore", "erase"]),
        "CONFIG.order.value" => Some(&["gross", "total"]),
        "CONFIG.customer.title" => Some(&["property", "job"]),
        "CONFIG.feed.mode" => Some(&["off", "only", "beside"]),
        _ => None,
    }
}

fn list_problem(key: &str, list: &[Value]) -> Option<String> {
    if !list.iter().all(Value::is_string) {
        return Some("must be a list of strings".to_owned());
    }
    if key != "disabledEvents" {
        return None;
    }
    let known = |name: &&Value| read_value::<EventName>(name).is_err();
    let unknown: Vec<_> = list.iter().filter(known).filter_map(Value::as_str).collect();
    (!unknown.is_empty()).then(|| format!("does not know: {}", unknown.join(", ")))
}

fn expected(default: &Value) -> &'static str {
    match default {
        Value::Object(_) => "must be an object",
        Value::Array(_) => "must be a list of strings",
        Value::Bool(_) => "must be true or false",
        Value::Number(_) => "must be a number",
        Value::String(_) | Value::Null => "must be a string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_gives_the_defaults() {
        assert_eq!(OperatorRules::parse("{}"), Ok(OperatorRules::default()));
    }

    #[test]
    fn a_partial_object_is_merged_over_the_defaults() {
        let rules = OperatorRules::parse(
            r#"{"order":{"metrics":{"cancelledOrder":"Canceled Order"},
                "properties":{"map":{"orderNumber":"Number"}}},"disabledEvents":["OrderStateChanged"]}"#,
        )
        .expect("rules");
        assert_eq!(rules.order.metrics.cancelled_order, "Canceled Order");
        assert_eq!(rules.order.metrics.placed_order, "Placed Order");
        assert_eq!(rules.order.properties.map["orderNumber"], "Number");
        assert!(rules.disabled(EventName::OrderStateChanged));
        assert!(!rules.disabled(EventName::OrderCreated));
    }

    #[test]
    fn the_channels_of_stock_are_one_or_a_list() {
        for (given, channels) in [(r#""a""#, 1), (r#"["a","b"]"#, 2), (r#""""#, 0), ("[]", 0)] {
            let text =
                format!(r#"{{"product":{{"inventory":{{"useChannelInventory":{given}}}}}}}"#);
            let rules = OperatorRules::parse(&text).expect("rules");
            assert_eq!(
                rules.product.inventory.use_channel_inventory.ids().len(),
                channels,
                "{text}"
            );
        }
    }

    #[test]
    fn every_problem_is_named_by_its_path() {
        for (text, paths) in [
            ("[]", &["CONFIG"][..]),
            ("{", &["CONFIG"]),
            (r#"{"orders":{}}"#, &["CONFIG.orders"]),
            (
                r#"{"order":{"metric":{},"states":{"changed":{"lost":[]}}}}"#,
                &["CONFIG.order.metric", "CONFIG.order.states.changed.lost"],
            ),
            (r#"{"order":[]}"#, &["CONFIG.order"]),
            (r#"{"order":{"messages":{"created":"x"}}}"#, &["CONFIG.order.messages.created"]),
            (r#"{"order":{"messages":{"created":[1]}}}"#, &["CONFIG.order.messages.created"]),
            (
                r#"{"customer":{"deduplication":{"enabled":"yes"}}}"#,
                &["CONFIG.customer.deduplication.enabled"],
            ),
            (r#"{"customer":{"deletion":"forget"}}"#, &["CONFIG.customer.deletion"]),
            (r#"{"customer":{"title":"salutation"}}"#, &["CONFIG.customer.title"]),
            (r#"{"customer":{"title":true}}"#, &["CONFIG.customer.title"]),
            (r#"{"order":{"properties":{"map":{"a":1}}}}"#, &["CONFIG.order.properties.map"]),
            (r#"{"disabledEvents":[" OrderStateChanged"]}"#, &["CONFIG.disabledEvents"]),
            (
                r#"{"import":{"lanes":0,"sliceSeconds":999}}"#,
                &["CONFIG.import.lanes", "CONFIG.import.sliceSeconds"],
            ),
            (r#"{"order":{"value":"net"}}"#, &["CONFIG.order.value"]),
            (r#"{"feed":{"mode":"always"}}"#, &["CONFIG.feed.mode"]),
            (r#"{"feed":{"everySeconds":1}}"#, &["CONFIG.feed.everySeconds"]),
            (r#"{"feed":{"everySeconds":301}}"#, &["CONFIG.feed.everySeconds"]),
            (r#"{"feed":{"overlapSeconds":59}}"#, &["CONFIG.feed.overlapSeconds"]),
            (r#"{"feed":{"overlapSeconds":3601}}"#, &["CONFIG.feed.overlapSeconds"]),
            (r#"{"feed":{"mode":"only"},"customer":{"deletion":"erase"}}"#, &["CONFIG.feed.mode"]),
            (r#"{"order":{"flowsUpToHours":0}}"#, &["CONFIG.order.flowsUpToHours"]),
            (r#"{"order":{"flowsUpToHours":721}}"#, &["CONFIG.order.flowsUpToHours"]),
            (
                r#"{"product":{"inventory":{"useChannelInventory":{}}}}"#,
                &["CONFIG.product.inventory.useChannelInventory"],
            ),
            (
                r#"{"product":{"inventory":{"useChannelInventory":["a",1]}}}"#,
                &["CONFIG.product.inventory.useChannelInventory"],
            ),
            (
                r#"{"import":{"schedule":{"orders":{"every":"day","at":"25:00"},"payments":{}},"lane":1}}"#,
                &[
                    "CONFIG.import.schedule.orders.at",
                    "CONFIG.import.schedule.payments",
                    "CONFIG.import.lane",
                ],
            ),
            (r#"{"import":{"schedule":[]}}"#, &["CONFIG.import.schedule"]),
            (r#"{"klaviyo":{"share":0}}"#, &["CONFIG.klaviyo.share"]),
            (r#"{"klaviyo":{"share":1.5}}"#, &["CONFIG.klaviyo.share"]),
            (r#"{"klaviyo":{"share":"all"}}"#, &["CONFIG.klaviyo.share"]),
        ] {
            let found = OperatorRules::parse(text).expect_err(text);
            let found: Vec<_> = found.iter().map(|problem| problem.setting.as_str()).collect();
            assert_eq!(found, paths, "{text}");
        }
    }
}
