//! The stock of a variant, and whether Klaviyo hides the variant if there is none.
//!
//! The rule (`docs/mapping.md`): the sum of the channels that the operator names
//! (`product.inventory.useChannelInventory`); if none is named, the stock without a channel,
//! otherwise the sum of all channels. Zero is zero, and stock that is not tracked is not zero. A
//! variant is never hidden while a piece of it can be bought.

use crate::commercetools::inventory::{Availability, InventoryEntry};
use crate::config::supply_channels::SupplyChannels;
use crate::klaviyo::catalog::{StockPolicy, VariantStock};

/// The stock of a SKU by its inventory entries; only if there are none, by the availability of the
/// variant, which lags behind the entries.
#[must_use]
pub fn of_variant<'a>(
    channels: &SupplyChannels,
    entries: impl IntoIterator<Item = &'a InventoryEntry>,
    availability: Option<&Availability>,
) -> VariantStock {
    let mut shares: Vec<_> = entries.into_iter().map(StockShare::from).collect();
    if shares.is_empty() {
        shares.extend(availability.into_iter().flat_map(shares_shown));
    }
    of_shares(channels, &shares)
}

/// The stock in one place, as far as it is known.
#[derive(Debug, Clone, Copy)]
struct StockShare<'a> {
    /// The supply channel; none for stock that is not bound to one.
    channel: Option<&'a str>,
    /// The pieces; none if commercetools does not say how many.
    quantity: Option<i64>,
    /// Whether commercetools says that a piece can be bought.
    is_on_stock: bool,
}

impl StockShare<'_> {
    fn can_be_bought(&self) -> bool {
        self.is_on_stock || self.quantity.is_some_and(|quantity| quantity > 0)
    }
}

impl<'a> From<&'a InventoryEntry> for StockShare<'a> {
    fn from(entry: &'a InventoryEntry) -> Self {
        Self {
            channel: entry.supply_channel.as_ref().map(|channel| channel.id.as_str()),
            quantity: Some(entry.available_quantity),
            is_on_stock: entry.available_quantity > 0,
        }
    }
}

/// The stock that a variant shows. A place without any information is left out.
fn shares_shown(availability: &Availability) -> impl Iterator<Item = StockShare<'_>> {
    let share = |channel, quantity: Option<i64>, on_stock: Option<bool>| {
        (quantity.is_some() || on_stock.is_some()).then_some(StockShare {
            channel,
            quantity,
            is_on_stock: on_stock == Some(true),
        })
    };
    let in_channels = availability.channels.iter().map(move |(id, shown)| {
        share(Some(id.as_str()), shown.available_quantity, shown.is_on_stock)
    });
    let without = share(None, availability.available_quantity, availability.is_on_stock);
    [without].into_iter().chain(in_channels).flatten()
}

/// If there is stock, but none in the channels that the operator named, none can be bought. If the
/// operator named none, the stock in channels can be bought, whatever is counted.
fn of_shares(channels: &SupplyChannels, shares: &[StockShare]) -> VariantStock {
    if shares.is_empty() {
        return untracked();
    }
    let without: Vec<_> = shares.iter().filter(|share| share.channel.is_none()).copied().collect();
    let (counted, sold) = if !channels.is_empty() {
        let named = |share: &&StockShare| share.channel.is_some_and(|id| channels.contains(id));
        let named: Vec<_> = shares.iter().filter(named).copied().collect();
        (named.clone(), named)
    } else if without.is_empty() {
        (shares.to_vec(), shares.to_vec())
    } else {
        (without, shares.to_vec())
    };
    let quantity = sum(counted.iter().map(|share| share.quantity.unwrap_or_default()));
    let is_unknown = counted.iter().any(|share| share.quantity.is_none() && share.is_on_stock);
    let would_hide = quantity <= 0 && sold.iter().any(StockShare::can_be_bought);
    let inventory_policy =
        if is_unknown || would_hide { StockPolicy::Show } else { StockPolicy::Hide };
    VariantStock { inventory_policy, inventory_quantity: quantity }
}

/// Overselling in one place does not reduce the stock of another; the sum is negative only if no
/// other place has stock.
fn sum(quantities: impl Iterator<Item = i64> + Clone) -> i64 {
    let add = |sum: i64, one: i64| sum.saturating_add(one);
    if quantities.clone().all(|one| one < 0) {
        return quantities.fold(0, add);
    }
    quantities.map(|one| one.max(0)).fold(0, add)
}

/// The stock is not tracked, so the variant must not be hidden. Klaviyo requires a quantity all the same.
fn untracked() -> VariantStock {
    VariantStock { inventory_policy: StockPolicy::Show, inventory_quantity: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn named(channels: &Value) -> SupplyChannels {
        serde_json::from_value(channels.clone()).expect("channels")
    }

    fn hide(quantity: i64) -> VariantStock {
        VariantStock { inventory_policy: StockPolicy::Hide, inventory_quantity: quantity }
    }

    fn show(quantity: i64) -> VariantStock {
        VariantStock { inventory_policy: StockPolicy::Show, inventory_quantity: quantity }
    }

    /// Entries, from pairs of a channel (empty for none) and a quantity.
    fn entries(places: &[(&str, i64)]) -> Vec<InventoryEntry> {
        let entry = |(channel, quantity): &(&str, i64)| {
            let channel = (!channel.is_empty()).then(|| json!({"id": channel}));
            let entry = json!({"id": "e", "sku": "s", "supplyChannel": channel,
                "availableQuantity": quantity});
            serde_json::from_value(entry).expect("an entry")
        };
        places.iter().map(entry).collect()
    }

    /// The same places, as a variant shows them.
    fn shown(places: &[(&str, i64)]) -> Option<Availability> {
        let mut all = json!({"channels": {}});
        for (channel, quantity) in places {
            let place = json!({"availableQuantity": quantity, "isOnStock": *quantity > 0});
            match *channel {
                "" => {
                    all["availableQuantity"] = place["availableQuantity"].clone();
                    all["isOnStock"] = place["isOnStock"].clone();
                }
                channel => all["channels"][channel] = place,
            }
        }
        (!places.is_empty()).then(|| serde_json::from_value(all).expect("availability"))
    }

    #[test]
    fn r18_r19_the_stock_that_counts_by_entries_and_by_what_is_shown() {
        let (none, one, two) = (json!(""), json!("c"), json!(["c", "d"]));
        for (channels, places, expected) in [
            // Not tracked is not zero.
            (&none, &[][..], show(0)),
            (&one, &[], show(0)),
            (&two, &[], show(0)),
            // No channel is named.
            (&none, &[("", 0)], hide(0)),
            (&none, &[("", 7)], hide(7)),
            (&none, &[("", -3)], hide(-3)),
            (&none, &[("", 7), ("c", 2)], hide(7)),
            (&none, &[("", 0), ("c", 0)], hide(0)),
            (&none, &[("", 0), ("c", 2)], show(0)),
            (&none, &[("", -1), ("c", 2)], show(-1)),
            (&none, &[("c", 9)], hide(9)),
            (&none, &[("c", 9), ("d", 4)], hide(13)),
            (&none, &[("c", 0), ("d", 0)], hide(0)),
            (&none, &[("c", -5), ("d", 4)], hide(4)),
            (&none, &[("c", -5), ("d", 0)], hide(0)),
            (&none, &[("c", -5), ("d", -4)], hide(-9)),
            (&none, &[("c", i64::MAX), ("d", 1)], hide(i64::MAX)),
            // One is named.
            (&one, &[("c", 3)], hide(3)),
            (&one, &[("c", 0), ("d", 4), ("", 7)], hide(0)),
            (&one, &[("c", 3), ("d", 4), ("", 7)], hide(3)),
            (&one, &[("", 7)], hide(0)),
            (&one, &[("d", 4)], hide(0)),
            // Two are named.
            (&two, &[("c", 3), ("d", 4), ("e", 5), ("", 7)], hide(7)),
            (&two, &[("c", -3), ("d", 4)], hide(4)),
            (&two, &[("e", 5)], hide(0)),
        ] {
            let (channels, entries) = (named(channels), entries(places));
            let shown = shown(places);
            let of = |entries, shown| of_variant(&channels, entries, shown);
            assert_eq!(of(&entries[..], None), expected, "{channels:?} {places:?}");
            assert_eq!(of(&[], shown.as_ref()), expected, "shown: {channels:?} {places:?}");
        }
    }

    #[test]
    fn entries_count_before_what_is_shown() {
        let shown = shown(&[("", 9), ("c", 9)]);
        for (places, expected) in [(&[("", 0)][..], hide(0)), (&[("c", 4)], hide(4))] {
            let entries = entries(places);
            assert_eq!(of_variant(&SupplyChannels::default(), &entries, shown.as_ref()), expected);
        }
    }

    #[test]
    fn what_can_be_bought_is_not_hidden_though_nobody_says_how_much_there_is() {
        let (none, one, two) = (json!(""), json!("c"), json!(["c", "d"]));
        for (channels, availability, expected) in [
            (&none, json!({}), show(0)),
            (&none, json!({"channels": {"c": {}}}), show(0)),
            (&none, json!({"isOnStock": true}), show(0)),
            (&none, json!({"isOnStock": false}), hide(0)),
            (&none, json!({"isOnStock": true, "availableQuantity": 0}), show(0)),
            (&none, json!({"isOnStock": false, "availableQuantity": 2}), hide(2)),
            (&none, json!({"channels": {"c": {"isOnStock": true}}}), show(0)),
            (&none, json!({"channels": {"c": {"isOnStock": false}}}), hide(0)),
            (&none, json!({"isOnStock": false, "channels": {"c": {"isOnStock": true}}}), show(0)),
            (&none, json!({"isOnStock": true, "channels": {"c": {"isOnStock": false}}}), show(0)),
            (&one, json!({"channels": {"c": {"isOnStock": true}}}), show(0)),
            (&one, json!({"isOnStock": true}), hide(0)),
            (&one, json!({"channels": {"d": {"isOnStock": true}}}), hide(0)),
            (
                &two,
                json!({"channels": {"c": {"isOnStock": true}, "d": {"availableQuantity": 4}}}),
                show(4),
            ),
            (
                &two,
                json!({"channels": {"c": {"isOnStock": true, "availableQuantity": 1},
                    "d": {"isOnStock": false, "availableQuantity": 0}}}),
                hide(1),
            ),
        ] {
            let read: Availability =
                serde_json::from_value(availability.clone()).expect("availability");
            let stock = of_variant(&named(channels), [], Some(&read));
            assert_eq!(stock, expected, "{channels} {availability}");
        }
    }
}
