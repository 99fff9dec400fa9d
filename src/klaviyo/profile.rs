//! A profile as Klaviyo takes it (`ProfileUpsertQuery`, and the profile inside an event).

use serde::Serialize;
use serde_json::{Map, Value};

use super::patch::Patch;

/// The attributes of a profile. The identifiers are never cleared, so they are no [`Patch`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// The commercetools customer id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub first_name: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub last_name: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub title: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub organization: Patch<String>,
    /// An IETF language tag.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub locale: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub location: Patch<Location>,
    /// Merged key by key into the properties that are there.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
}

/// Where somebody lives.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct Location {
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub address1: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub address2: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub city: Patch<String>,
    /// ISO 3166-1 alpha-2, as commercetools has it.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub country: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub region: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub zip: Patch<String>,
}

impl Profile {
    /// Whether something is to be cleared, which a bulk import cannot do.
    #[must_use]
    pub fn clears(&self) -> bool {
        let Self { first_name, last_name, title, organization, locale, location, .. } = self;
        let texts = [first_name, last_name, title, organization, locale];
        texts.into_iter().any(Patch::is_clear)
            || match location {
                Patch::Keep => false,
                Patch::Clear => true,
                Patch::Set(Location { address1, address2, city, country, region, zip }) => {
                    [address1, address2, city, country, region, zip]
                        .into_iter()
                        .any(Patch::is_clear)
                }
            }
            || self.properties.values().any(Value::is_null)
    }
}
