//! A profile in Klaviyo's form (`ProfileUpsertQuery`, and the profile inside an event).

use serde::Serialize;
use serde_json::{Map, Value};

use super::field_patch::FieldPatch;

/// The attributes of a profile. The identifiers are never cleared, so they are not a [`FieldPatch`].
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
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub first_name: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub last_name: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub title: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub organization: FieldPatch<String>,
    /// An IETF language tag.
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub locale: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub location: FieldPatch<ProfileLocation>,
    /// Merged key by key into the existing properties.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub properties: Map<String, Value>,
    /// Properties to remove. They go beside the attributes, in [`ProfileMeta`].
    #[serde(skip)]
    pub unset: Vec<String>,
}

/// The part of a profile beside its attributes.
#[derive(Debug, Serialize)]
pub(super) struct ProfileMeta<'a> {
    patch_properties: PropertiesPatch<'a>,
}

#[derive(Debug, Serialize)]
struct PropertiesPatch<'a> {
    unset: &'a [String],
}

/// The location of a person.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "Klaviyo's own names")]
pub struct ProfileLocation {
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub address1: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub address2: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub city: FieldPatch<String>,
    /// ISO 3166-1 alpha-2, as in commercetools.
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub country: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub region: FieldPatch<String>,
    #[serde(skip_serializing_if = "FieldPatch::is_keep")]
    pub zip: FieldPatch<String>,
}

impl Profile {
    /// The part beside its attributes, if there is any.
    pub(super) fn meta(&self) -> Option<ProfileMeta<'_>> {
        let unset = self.unset.as_slice();
        (!unset.is_empty()).then_some(ProfileMeta { patch_properties: PropertiesPatch { unset } })
    }

    /// Whether it clears something, which a bulk import cannot do.
    #[must_use]
    pub fn clears(&self) -> bool {
        let Self { first_name, last_name, title, organization, locale, location, .. } = self;
        let texts = [first_name, last_name, title, organization, locale];
        texts.into_iter().any(FieldPatch::is_clear)
            || match location {
                FieldPatch::Keep => false,
                FieldPatch::Clear => true,
                FieldPatch::Set(ProfileLocation {
                    address1,
                    address2,
                    city,
                    country,
                    region,
                    zip,
                }) => [address1, address2, city, country, region, zip]
                    .into_iter()
                    .any(FieldPatch::is_clear),
            }
            || self.properties.values().any(Value::is_null)
            || !self.unset.is_empty()
    }
}
