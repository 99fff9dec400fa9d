//! Reads members that count as absent: `null`, and blank texts.
//!
//! Each is a `deserialize_with`, and needs a `default` beside it for a missing member.

use serde::{Deserialize, Deserializer};

/// A value; its default for `null`.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + Default,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list without its `null`s; empty for `null`.
pub(super) fn list<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    let members: Vec<Option<T>> = or_default(deserializer)?;
    Ok(members.into_iter().flatten().collect())
}

/// A text, unless it is blank.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !is_blank(text)))
}

/// Whether a text is blank.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}
