//! A customer and addresses.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::reference::Id;

/// A customer, with the fields that a profile is made of.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// The customer's id.
    pub id: Id,
    /// Unique in the project or the store.
    #[serde(default)]
    pub email: String,
    #[expect(missing_docs, reason = "as its name says")]
    pub first_name: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub last_name: Option<String>,
    /// Such as `Dr`.
    pub title: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub company_name: Option<String>,
    /// An IETF language tag.
    pub locale: Option<String>,
    /// All addresses, in the order they were added.
    #[serde(default)]
    pub addresses: Vec<Address>,
    /// May name an address that is gone.
    pub default_billing_address_id: Option<String>,
    #[serde(default)]
    #[expect(missing_docs, reason = "as its name says")]
    pub billing_address_ids: Vec<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub custom: Option<CustomFields>,
}

impl Customer {
    /// The address that stands for the customer, chosen as in the plugin: the default billing
    /// address (none if that id is gone), else the first billing address, else the first.
    #[must_use]
    pub fn main_address(&self) -> Option<&Address> {
        let by_id =
            |id: &String| self.addresses.iter().find(|address| address.id.as_ref() == Some(id));
        if let Some(id) = &self.default_billing_address_id {
            return by_id(id);
        }
        match self.billing_address_ids.first() {
            Some(id) => by_id(id),
            None => self.addresses.first(),
        }
    }
}

/// A postal address. Only the country is sure to be there.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "commercetools' own names")]
pub struct Address {
    pub id: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub apartment: Option<String>,
    pub building: Option<String>,
    pub street_number: Option<String>,
    pub street_name: Option<String>,
    pub additional_street_info: Option<String>,
    pub additional_address_info: Option<String>,
    pub city: Option<String>,
    pub postal_code: Option<String>,
    pub region: Option<String>,
    pub state: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    pub phone: Option<String>,
    pub mobile: Option<String>,
}

/// The custom fields of a document.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct CustomFields {
    /// The values, by field name.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(json: &str) -> Option<String> {
        let customer: Customer = serde_json::from_str(json).expect("a customer");
        customer.main_address().and_then(|address| address.id.clone())
    }

    #[test]
    fn the_five_address_situations() {
        let addresses = r#""id":"c","addresses":[{"id":"a"},{"id":"b"}]"#;
        for (rest, expected) in [
            (r#","defaultBillingAddressId":"b","billingAddressIds":["a"]"#, Some("b")),
            (r#","defaultBillingAddressId":"gone""#, None),
            (r#","billingAddressIds":["b","a"]"#, Some("b")),
            ("", Some("a")),
        ] {
            let json = format!("{{{addresses}{rest}}}");
            assert_eq!(chosen(&json).as_deref(), expected, "{json}");
        }
        assert_eq!(chosen(r#"{"id":"c"}"#), None);
    }
}
