//! How much of a variant there is. Zero is zero, and stock that is not tracked is not zero.

use crate::commercetools::inventory::{Availability, InventoryEntry};
use crate::config::rules::InventoryRules;
use crate::klaviyo::catalog::{StockPolicy, VariantStock};

/// The supply channel whose stock counts; none for stock without a channel.
#[must_use]
pub fn channel(rules: &InventoryRules) -> Option<&str> {
    Some(rules.use_channel_inventory.as_str()).filter(|channel| !channel.is_empty())
}

/// The stock of a variant, as its product shows it. Where there is stock, but none that counts,
/// none can be bought.
#[must_use]
pub fn of_variant(rules: &InventoryRules, availability: Option<&Availability>) -> VariantStock {
    let Some(availability) = availability else { return untracked() };
    let counted = match channel(rules) {
        None => availability.available_quantity,
        Some(id) => availability.channels.get(id).and_then(|channel| channel.available_quantity),
    };
    tracked(counted.unwrap_or(0))
}

/// The stock of the inventory entry that counts.
#[must_use]
pub fn of_entry(entry: &InventoryEntry) -> VariantStock {
    tracked(entry.available_quantity)
}

/// Stock that is tracked is hidden when there is none.
#[must_use]
pub fn tracked(quantity: i64) -> VariantStock {
    VariantStock { inventory_policy: StockPolicy::Hide, inventory_quantity: quantity }
}

/// Nobody counts it, so it must not be hidden. Klaviyo wants a quantity all the same.
#[must_use]
pub fn untracked() -> VariantStock {
    VariantStock { inventory_policy: StockPolicy::Show, inventory_quantity: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn r18_r19_zero_is_zero_and_untracked_is_not() {
        let one = json!({"availableQuantity": 7, "channels": {"c": {"availableQuantity": 0}}});
        let elsewhere = json!({"channels": {"d": {"availableQuantity": 4}}});
        for (channel, availability, expected) in [
            ("", Value::Null, untracked()),
            ("c", Value::Null, untracked()),
            ("", json!({"availableQuantity": 0}), tracked(0)),
            ("", one.clone(), tracked(7)),
            ("c", one, tracked(0)),
            ("", elsewhere.clone(), tracked(0)),
            ("c", elsewhere, tracked(0)),
            ("c", json!({"availableQuantity": 7}), tracked(0)),
        ] {
            let rules = InventoryRules { use_channel_inventory: channel.to_owned() };
            let read: Option<Availability> =
                serde_json::from_value(availability.clone()).expect("availability");
            assert_eq!(of_variant(&rules, read.as_ref()), expected, "{channel} {availability}");
        }
    }
}
