//! A type: the custom fields that its documents may have.

use serde::Deserialize;

use super::lenient::list;

/// A type, with the names of its fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomType {
    /// The fields.
    #[serde(default, deserialize_with = "list")]
    pub field_definitions: Vec<FieldDefinition>,
}

/// A field of a type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FieldDefinition {
    /// The name of the custom field.
    pub name: String,
}
