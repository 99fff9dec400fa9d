//! A field of an upsert: left alone, cleared or set.

use serde::{Serialize, Serializer};

/// What happens to a field that Klaviyo already holds. At Klaviyo, `null` clears a field and an
/// absent one stays as it is; this type distinguishes the two.
///
/// A field of this type needs `#[serde(skip_serializing_if = "FieldPatch::is_keep")]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FieldPatch<T> {
    /// Leave the value.
    #[default]
    Keep,
    /// Clear it (`null`).
    Clear,
    /// Write this.
    Set(T),
}

impl<T> FieldPatch<T> {
    /// Whether the body leaves out the field.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Whether the field is cleared.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        matches!(self, Self::Clear)
    }
}

impl<T> From<Option<T>> for FieldPatch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

impl<T: Serialize> Serialize for FieldPatch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => value.serialize(serializer),
            Self::Keep | Self::Clear => serializer.serialize_none(),
        }
    }
}
