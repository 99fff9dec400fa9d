//! Which fields of a document become properties, and their names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `CONFIG.….properties`: which fields pass, and their names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyRules {
    /// Only these, if there are any.
    pub include: Vec<String>,
    /// Never these; wins over `include`.
    pub exclude: Vec<String>,
    /// New names, by the field's name.
    pub map: BTreeMap<String, String>,
}

/// `CONFIG.….customFields`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomFieldRules {
    /// Which custom fields become properties.
    pub properties: PropertyRules,
}

/// A default list.
pub(super) fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}
