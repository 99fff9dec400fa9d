//! Addresses, in Klaviyo's two forms. Both leave out members that an address lacks.

use serde_json::{Map, Value};

use super::{phone, street_order};
use crate::commercetools::customer::Address;
use crate::klaviyo::field_patch::FieldPatch;
use crate::klaviyo::profile::ProfileLocation;

/// The location of a profile.
#[must_use]
pub fn location(address: &Address) -> ProfileLocation {
    let field = |value: &Option<String>| FieldPatch::from(value.clone());
    ProfileLocation {
        address1: first_line(address).into(),
        address2: second_line(address).into(),
        city: field(&address.city),
        country: field(&address.country),
        region: region(address).cloned().into(),
        zip: field(&address.postal_code),
    }
}

/// The same, but it clears members that the address lacks, so that nothing of an older address stays.
#[must_use]
pub fn location_replacing(address: &Address) -> ProfileLocation {
    let ProfileLocation { address1, address2, city, country, region, zip } = location(address);
    let cleared =
        |field: FieldPatch<String>| if field.is_keep() { FieldPatch::Clear } else { field };
    ProfileLocation {
        address1: cleared(address1),
        address2: cleared(address2),
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
    let members = [
        ("FirstName", address.first_name.clone()),
        ("LastName", address.last_name.clone()),
        ("Company", address.company.clone()),
        ("Address1", first_line(address)),
        ("Address2", second_line(address)),
        ("City", address.city.clone()),
        ("Region", region(address).cloned()),
        ("RegionCode", address.state.clone()),
        ("CountryCode", address.country.clone()),
        ("Zip", address.postal_code.clone()),
        ("Phone", phone_number(address)),
    ];
    let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(members.map(|(name, value)| (name, value.into())).collect::<Map<_, _>>())
}

/// Shops keep a state of the US in either of two members.
fn region(address: &Address) -> Option<&String> {
    address.region.as_ref().or(address.state.as_ref())
}

/// The street with its number, in the order of the country; without a street, the post office box.
fn first_line(address: &Address) -> Option<String> {
    let (name, number) = (address.street_name.as_deref(), address.street_number.as_deref());
    let parts = if street_order::number_is_first(address.country.as_deref()) {
        [number, name]
    } else {
        [name, number]
    };
    joined(parts, " ").or_else(|| po_box(address))
}

/// The place within the street: apartment and building, any other parts of the address, and the post office box if the
/// first line is the street.
fn second_line(address: &Address) -> Option<String> {
    let has_street = address.street_name.is_some() || address.street_number.is_some();
    let po_box = if has_street { po_box(address) } else { None };
    let parts = [
        &address.apartment,
        &address.building,
        &address.additional_street_info,
        &address.additional_address_info,
        &po_box,
    ];
    joined(parts.map(Option::as_deref), ", ")
}

/// The post office box. Some shops store only its number, others the text as on a letter.
fn po_box(address: &Address) -> Option<String> {
    let written = address.po_box.as_deref()?.trim();
    let is_number = written.chars().all(|one| one.is_ascii_digit() || one.is_whitespace());
    Some(if is_number { format!("PO Box {written}") } else { written.to_owned() })
}

/// The existing parts, joined; none if there are none.
fn joined<const N: usize>(parts: [Option<&str>; N], separator: &str) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().map(str::trim).collect();
    (!parts.is_empty()).then(|| parts.join(separator))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    fn address(document: Value) -> Address {
        Address::deserialize(document).expect("an address")
    }

    #[test]
    fn what_an_address_lacks_is_left_out() {
        for (document, expected) in [
            (json!({"country": "DE"}), json!({"country": "DE"})),
            (json!({"country": "DE", "city": null, "streetName": " "}), json!({"country": "DE"})),
            (
                json!({"country": "US", "streetName": "Main St", "streetNumber": "9", "city": "Reno"}),
                json!({"address1": "9 Main St", "city": "Reno", "country": "US"}),
            ),
            (
                json!({"country": "US", "building": "B", "city": "Reno"}),
                json!({"address2": "B", "city": "Reno", "country": "US"}),
            ),
            (json!({}), json!({})),
        ] {
            let location = location(&address(document.clone()));
            assert_eq!(serde_json::to_value(location).expect("JSON"), expected, "{document}");
        }
        let country = json!({"CountryCode": "DE"});
        assert_eq!(property(&address(json!({"country": "DE", "building": ""}))), country);
    }

    #[test]
    fn what_a_changed_address_lacks_is_cleared() {
        let replaced = location_replacing(&address(json!({"country": "DE", "city": ""})));
        assert_eq!(
            serde_json::to_value(replaced).expect("JSON"),
            json!({"address1": null, "address2": null, "city": null, "country": "DE",
                "region": null, "zip": null})
        );
    }

    #[test]
    fn a_state_is_the_region_where_there_is_no_other() {
        for (document, expected) in [
            (json!({"state": "CA"}), json!("CA")),
            (json!({"region": "", "state": "CA"}), json!("CA")),
            (json!({"region": null, "state": "CA"}), json!("CA")),
            (json!({"region": "California", "state": "CA"}), json!("California")),
            (json!({"region": "California"}), json!("California")),
            (json!({"state": " "}), Value::Null),
        ] {
            let address = address(document.clone());
            let location = serde_json::to_value(location(&address)).expect("JSON");
            assert_eq!(location.get("region").unwrap_or(&Value::Null), &expected, "{document}");
            let property = property(&address);
            assert_eq!(property.get("Region").unwrap_or(&Value::Null), &expected, "{document}");
        }
    }

    #[test]
    fn lines_are_as_the_country_writes_them() {
        for (document, first, second) in [
            (
                json!({"country": "DE", "streetName": "Seestr.", "streetNumber": "12"}),
                Some("Seestr. 12"),
                None,
            ),
            (
                json!({"country": "US", "streetName": "Main St", "streetNumber": "12"}),
                Some("12 Main St"),
                None,
            ),
            (
                json!({"country": "gb", "streetName": "High Rd", "streetNumber": "3a"}),
                Some("3a High Rd"),
                None,
            ),
            (json!({"country": "SE", "streetName": "Storgatan"}), Some("Storgatan"), None),
            (json!({"country": "IT", "streetNumber": "7"}), Some("7"), None),
            (
                json!({"country": "FR", "streetName": "rue de Rome", "streetNumber": "1 bis",
                "apartment": "4", "building": "B", "additionalStreetInfo": "Cour",
                "additionalAddressInfo": "Code 12"}),
                Some("1 bis rue de Rome"),
                Some("4, B, Cour, Code 12"),
            ),
            (json!({"country": "DE", "pOBox": "10 12 34"}), Some("PO Box 10 12 34"), None),
            (json!({"country": "DE", "pOBox": "Postfach 7"}), Some("Postfach 7"), None),
            (
                json!({"country": "AU", "pOBox": "7", "streetName": "Pitt St", "streetNumber": "1"}),
                Some("1 Pitt St"),
                Some("PO Box 7"),
            ),
            (json!({"country": "US", "pOBox": "7", "building": "B"}), Some("PO Box 7"), Some("B")),
            (json!({"country": "US", "pOBox": " "}), None, None),
        ] {
            let address = address(document.clone());
            assert_eq!(first_line(&address).as_deref(), first, "{document}");
            assert_eq!(second_line(&address).as_deref(), second, "{document}");
        }
    }
}
