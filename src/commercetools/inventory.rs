//! Stock: the entries of a SKU, and what a variant shows of them.

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
    /// Where the stock lies; none for stock that is not bound to a channel.
    pub supply_channel: Option<IdReference>,
    /// What can be sold; below zero where more was sold than there is.
    pub available_quantity: i64,
}

/// What commercetools derives from the entries of a variant's SKU; a variant without any is not
/// tracked and has no availability, which is not zero. It may lag behind the entries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Availability {
    /// Of the entry without a channel, if there is one.
    pub available_quantity: Option<i64>,
    /// Whether a piece can be sold of the stock without a channel.
    pub is_on_stock: Option<bool>,
    /// Of the other entries, by the channel's id.
    pub channels: BTreeMap<String, ChannelAvailability>,
}

/// What is available in one channel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChannelAvailability {
    #[expect(missing_docs, reason = "as its name says")]
    pub available_quantity: Option<i64>,
    /// Whether a piece can be sold in the channel.
    pub is_on_stock: Option<bool>,
}
