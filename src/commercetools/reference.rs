//! Ids and references between commercetools documents.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The id of a document: mostly a UUID, always a non-empty text of at most 256 bytes.
///
/// It comes from outside, so it is never inserted unescaped: [`super::query`] encodes it for a path
/// and quotes it for a predicate.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Id(String);

impl Id {
    /// Takes an id, if the text can be one.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Option<Self> {
        let id = id.into();
        (1..=256).contains(&id.len()).then_some(Self(id))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = String::deserialize(deserializer)?;
        Self::new(id).ok_or_else(|| serde::de::Error::custom("an id of 1 to 256 bytes"))
    }
}

/// A reference to a document of type `T`, which is included only if the query expanded it.
///
/// `obj` is missing if the document was deleted, or if the API client may not see it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Reference<T> {
    /// The id of the document.
    pub id: Id,
    /// The document itself, if the query expanded it.
    #[serde(default = "none")]
    pub obj: Option<Box<T>>,
}

/// A reference with only its id, expanded or not.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IdReference {
    /// The id of the document.
    pub id: Id,
}

fn none<T>() -> Option<Box<T>> {
    None
}
/// The id of a document in text form, if it has one.
#[must_use]
pub fn id_of(document: &str) -> Option<Id> {
    serde_json::from_str::<IdReference>(document).ok().map(|document| document.id)
}
