//! A customer and addresses.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::lenient::{list, or_default, text};
use super::reference::{Id, Reference};

/// A customer, with the fields of a profile. `null` and blank texts count as absent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Customer {
    /// The customer's id.
    pub id: Id,
    /// The shop's own number for the customer.
    #[serde(default, deserialize_with = "text")]
    pub customer_number: Option<String>,
    /// Unique in the project or the store.
    #[serde(default, deserialize_with = "or_default")]
    pub email: String,
    #[expect(missing_docs, reason = "as its name says")]
    pub is_email_verified: Option<bool>,
    /// Such as `Ms`.
    #[serde(default, deserialize_with = "text")]
    pub salutation: Option<String>,
    /// Such as `Dr`.
    #[serde(default, deserialize_with = "text")]
    pub title: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    #[serde(default, deserialize_with = "text")]
    pub first_name: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    #[serde(default, deserialize_with = "text")]
    pub last_name: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(default, deserialize_with = "text")]
    pub date_of_birth: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    #[serde(default, deserialize_with = "text")]
    pub company_name: Option<String>,
    #[expect(missing_docs, reason = "as its name says")]
    #[serde(default, deserialize_with = "text")]
    pub vat_id: Option<String>,
    /// An IETF language tag.
    #[serde(default, deserialize_with = "text")]
    pub locale: Option<String>,
    /// The group that decides the prices.
    pub customer_group: Option<Reference<CustomerGroup>>,
    /// The stores where the customer may buy; a customer of the whole project has none.
    #[serde(default, deserialize_with = "list")]
    pub stores: Vec<StoreReference>,
    /// All addresses, in the order they were added.
    #[serde(default, deserialize_with = "list")]
    pub addresses: Vec<Address>,
    /// May name a deleted address.
    #[serde(default, deserialize_with = "text")]
    pub default_billing_address_id: Option<String>,
    #[serde(default, deserialize_with = "list")]
    #[expect(missing_docs, reason = "as its name says")]
    pub billing_address_ids: Vec<String>,
    #[expect(missing_docs, reason = "as its name says")]
    pub custom: Option<CustomFields>,
}

/// A group of customers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomerGroup {
    /// Not every group has one.
    #[serde(default, deserialize_with = "text")]
    pub key: Option<String>,
    /// Unique in the project.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
}

/// A reference to a store.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoreReference {
    /// The store's key.
    #[serde(default, deserialize_with = "text")]
    pub key: Option<String>,
}

impl Customer {
    /// The customer's main address, chosen as in the plugin: the default billing address (none if that id is gone),
    /// otherwise the first billing address, otherwise the first.
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

/// A postal address. Only the country is always present; `null` and blank texts count as absent.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "commercetools' own names")]
pub struct Address {
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub first_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub last_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub company: Option<String>,
    #[serde(deserialize_with = "text")]
    pub apartment: Option<String>,
    #[serde(deserialize_with = "text")]
    pub building: Option<String>,
    #[serde(deserialize_with = "text")]
    pub street_number: Option<String>,
    #[serde(deserialize_with = "text")]
    pub street_name: Option<String>,
    #[serde(deserialize_with = "text")]
    pub additional_street_info: Option<String>,
    #[serde(deserialize_with = "text")]
    pub additional_address_info: Option<String>,
    #[serde(rename = "pOBox", deserialize_with = "text")]
    pub po_box: Option<String>,
    #[serde(deserialize_with = "text")]
    pub city: Option<String>,
    #[serde(deserialize_with = "text")]
    pub postal_code: Option<String>,
    #[serde(deserialize_with = "text")]
    pub region: Option<String>,
    #[serde(deserialize_with = "text")]
    pub state: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(deserialize_with = "text")]
    pub country: Option<String>,
    #[serde(deserialize_with = "text")]
    pub phone: Option<String>,
    #[serde(deserialize_with = "text")]
    pub mobile: Option<String>,
}

/// The custom fields of a document.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct CustomFields {
    /// The values, by field name.
    #[serde(default, deserialize_with = "or_default")]
    pub fields: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
    #[test]
    fn null_and_blanks_are_as_good_as_absent() {
        let bare = json!({"id": "c", "email": "a@example.com"});
        let read = |document: Value| Customer::deserialize(document).expect("a customer");
        for name in [
            "customerNumber",
            "isEmailVerified",
            "salutation",
            "title",
            "firstName",
            "lastName",
            "dateOfBirth",
            "companyName",
            "vatId",
            "locale",
            "customerGroup",
            "stores",
            "addresses",
            "defaultBillingAddressId",
            "billingAddressIds",
            "custom",
        ] {
            let mut document = bare.clone();
            document[name] = Value::Null;
            assert_eq!(read(document), read(bare.clone()), "{name}");
        }
        let mut document = bare.clone();
        for name in ["firstName", "title", "locale", "vatId", "dateOfBirth"] {
            document[name] = " \u{a0}\t".into();
        }
        assert_eq!(read(document), read(bare.clone()));
        let nulls = json!({"id": "c", "email": "a@example.com", "addresses": [null],
            "stores": [null], "billingAddressIds": [null]});
        assert_eq!(read(nulls), read(bare));
        assert_eq!(read(json!({"id": "c", "email": null})).email, "");
        let address = |document: Value| Address::deserialize(document).expect("an address");
        let null =
            json!({"country": "DE", "city": null, "pOBox": null, "region": "", "state": " "});
        assert_eq!(address(null), address(json!({"country": "DE"})));
        let fields = |document: Value| CustomFields::deserialize(document).expect("fields").fields;
        assert!(fields(json!({"fields": null})).is_empty() && fields(json!({})).is_empty());
    }
}
