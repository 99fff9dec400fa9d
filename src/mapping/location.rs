//! Addresses, in the two forms Klaviyo knows them.

use serde_json::{Map, Value};

use super::phone;
use crate::commercetools::customer::Address;
use crate::klaviyo::field_patch::FieldPatch;
use crate::klaviyo::profile::ProfileLocation;

/// The location of a profile, composed as in the plugin.
#[must_use]
pub fn location(address: &Address) -> ProfileLocation {
    let field = |value: &Option<String>| FieldPatch::from(value.clone());
    ProfileLocation {
        address1: FieldPatch::Set(joined(&[
            &address.apartment,
            &address.building,
            &address.street_number,
            &address.street_name,
        ])),
        address2: FieldPatch::Set(joined(&[
            &address.additional_street_info,
            &address.additional_address_info,
        ])),
        city: field(&address.city),
        country: field(&address.country),
        region: field(&address.region),
        zip: field(&address.postal_code),
    }
}

/// The same, with what the address lacks cleared, so that nothing of an older one stays.
#[must_use]
pub fn location_replacing(address: &Address) -> ProfileLocation {
    let ProfileLocation { address1, address2, city, country, region, zip } = location(address);
    let cleared =
        |field: FieldPatch<String>| if field.is_keep() { FieldPatch::Clear } else { field };
    ProfileLocation {
        address1,
        address2,
        city: cleared(city),
        country: cleared(country),
        region: cleared(region),
        zip: cleared(zip),
    }
}

/// The phone number of an address in E.164; the mobile number first, as in the plugin.
#[must_use]
pub fn phone_number(address: &Address) -> Option<String> {
    [&address.mobile, &address.phone]
        .into_iter()
        .flatten()
        .find_map(|number| phone::e164(number, address.country.as_deref()))
}

/// An address as a property of an event, with the names of Klaviyo's guide.
#[must_use]
pub fn property(address: &Address) -> Value {
    let street = joined(&[
        &address.apartment,
        &address.building,
        &address.street_number,
        &address.street_name,
    ]);
    let extra = joined(&[&address.additional_street_info, &address.additional_address_info]);
    let text = |value: String| (!value.is_empty()).then_some(value);
    let members = [
        ("FirstName", address.first_name.clone()),
        ("LastName", address.last_name.clone()),
        ("Company", address.company.clone()),
        ("Address1", text(street)),
        ("Address2", text(extra)),
        ("City", address.city.clone()),
        ("Region", address.region.clone().or_else(|| address.state.clone())),
        ("RegionCode", address.state.clone()),
        ("CountryCode", address.country.clone()),
        ("Zip", address.postal_code.clone()),
        ("Phone", phone_number(address)),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.map(|(name, value)| (name, value.into())).collect::<Map<_, _>>())
}

/// What there is of the parts, with a comma between them.
fn joined(parts: &[&Option<String>]) -> String {
    let parts = parts.iter().filter_map(|part| part.as_deref()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(", ")
}
