//! Stock: the entries of a SKU, and the availability that a variant shows.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::reference::{Id, IdReference};

/// The stock of one SKU in one supply channel, or without one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryEntry {
    /// The entry's id.
    pub id: Id,
    /// Counts the changes of the entry.
    #[serde(default)]
    pub version: u64,
    #[expect(missing_docs, reason = "as its name says")]
    pub sku: String,
    /// The place of the stock; none for stock without a channel.
    pub supply_channel: Option<IdReference>,
    /// The sellable quantity; negative after overselling.
    pub available_quantity: i64,
}

/// What commercetools derives from the entries of a variant's SKU; a variant without entries is not
/// tracked and has no availability, which is not zero. It may lag behind the entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Availability {
    /// From the entry without a channel, if there is one.
    pub available_quantity: Option<i64>,
    /// Whether a piece of the stock without a channel can be sold.
    pub is_on_stock: Option<bool>,
    /// From the other entries, by the channel's id.
    pub channels: BTreeMap<String, ChannelAvailability>,
}

/// The availability in one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelAvailability {
    #[expect(missing_docs, reason = "as its name says")]
    pub available_quantity: Option<i64>,
    /// Whether a piece in the channel can be sold.
    pub is_on_stock: Option<bool>,
}
