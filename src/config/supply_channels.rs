//! `CONFIG.product.inventory.useChannelInventory`: the supply channels whose stock counts.
//!
//! The plugin takes the id of one channel; the list of ids is our addition.

use serde::{Deserialize, Serialize};

/// The ids of supply channels, each once; empty if the operator names none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "ChannelsAsGiven")]
pub struct SupplyChannels(Vec<String>);

impl SupplyChannels {
    /// Whether the operator names no channel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids.
    #[must_use]
    pub fn ids(&self) -> &[String] {
        &self.0
    }

    /// Whether the operator names this channel.
    #[must_use]
    pub fn contains(&self, channel: &str) -> bool {
        self.0.iter().any(|named| named == channel)
    }
}

/// Both forms of the setting.
#[derive(Deserialize)]
#[serde(untagged)]
enum ChannelsAsGiven {
    One(String),
    Several(Vec<String>),
}

impl From<ChannelsAsGiven> for SupplyChannels {
    /// An empty text names no channel, as in the plugin.
    fn from(given: ChannelsAsGiven) -> Self {
        let given = match given {
            ChannelsAsGiven::One(channel) => vec![channel],
            ChannelsAsGiven::Several(channels) => channels,
        };
        let mut channels = Vec::new();
        for channel in given {
            let channel = channel.trim();
            if !channel.is_empty() && !channels.iter().any(|known| known == channel) {
                channels.push(channel.to_owned());
            }
        }
        Self(channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_text_and_a_list_name_channels() {
        for (given, channels) in [
            (json!(""), &[][..]),
            (json!(" "), &[]),
            (json!([]), &[]),
            (json!(["", " "]), &[]),
            (json!("a"), &["a"]),
            (json!(["a"]), &["a"]),
            (json!([" a", "b", "a"]), &["a", "b"]),
        ] {
            let read: SupplyChannels = serde_json::from_value(given.clone()).expect("channels");
            assert_eq!(read.ids(), channels, "{given}");
            assert_eq!(read.is_empty(), channels.is_empty(), "{given}");
            assert!(channels.iter().all(|channel| read.contains(channel)), "{given}");
            assert!(!read.contains("") && !read.contains("c"), "{given}");
        }
        for wrong in [Value::Null, json!(1), json!({}), json!([1]), json!(["a", null])] {
            assert!(serde_json::from_value::<SupplyChannels>(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
