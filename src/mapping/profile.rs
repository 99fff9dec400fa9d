//! A customer as a Klaviyo profile.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::body::{Cut, MappedBody};
use super::fault::MappingFault;
use super::{flat, identity, location, properties};
use crate::commercetools::customer::{Address, Customer};
use crate::config::Config;
use crate::config::rules::TitleTarget;
use crate::klaviyo::field_patch::FieldPatch;
use crate::klaviyo::limits;
use crate::klaviyo::profile::Profile;

/// What happens to fields that the customer does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingFields {
    /// They stay as they are at Klaviyo: for a new customer and for imports, since a profile may exist already that
    /// knows more.
    Keep,
    /// They are cleared: the customer was changed, so a value that is gone here has to go there.
    Clear,
}

impl MissingFields {
    fn patch<T>(self, value: Option<T>) -> FieldPatch<T> {
        match (value, self) {
            (Some(value), _) => FieldPatch::Set(value),
            (None, Self::Clear) => FieldPatch::Clear,
            (None, Self::Keep) => FieldPatch::Keep,
        }
    }
}

/// The profile of a customer. `removed` are custom fields that were removed from the customer, by their names in
/// commercetools: those without a new value are unset. Any other custom field that the customer lacks stays at Klaviyo,
/// since others may have written it.
///
/// # Errors
/// The e-mail address is malformed.
pub fn profile<'a>(
    config: &Config,
    customer: &Customer,
    missing: MissingFields,
    removed: impl IntoIterator<Item = &'a String>,
) -> Result<MappedBody<Profile>, MappingFault> {
    let address = customer.main_address();
    let field = |value: &Option<String>| missing.patch(value.clone());
    let location = address.map(|address| match missing {
        MissingFields::Keep => location::location(address),
        MissingFields::Clear => location::location_replacing(address),
    });
    let title = match config.rules.customer.title {
        TitleTarget::Job => field(&customer.title),
        // Somebody else may have written the person's job.
        TitleTarget::Property => FieldPatch::Keep,
    };
    let (mut properties, mut cut) = custom_properties(config, customer);
    add_own(&mut properties, config, customer, missing);
    let unset = to_unset(config, customer, &properties, removed);
    cut.extend(Cut::named(limits::fit_profile_properties(&mut properties)));
    let body = Profile {
        email: Some(identity::email(&customer.email)?),
        external_id: Some(customer.id.to_string()),
        phone_number: address.and_then(location::phone_number),
        first_name: field(&customer.first_name),
        last_name: field(&customer.last_name),
        title,
        organization: field(&customer.company_name),
        locale: field(&customer.locale),
        location: missing.patch(location),
        properties,
        unset,
    };
    Ok(MappedBody { body, cut })
}

/// The custom fields that the rules allow, and the names of those that cannot be mapped.
fn custom_properties(config: &Config, customer: &Customer) -> (Map<String, Value>, Vec<Cut>) {
    let (mut all, mut cut) = (Map::new(), Vec::new());
    let Some(custom) = &customer.custom else { return (all, cut) };
    let rules = &config.rules.customer.custom_fields.properties;
    for (name, value) in properties::allowed(rules, &custom.fields) {
        match flat::flat(value, &config.shop.locale) {
            Some(value) => drop(all.insert(name.to_owned(), value)),
            None if flat::is_nothing(value) => {}
            None => cut.push(Cut::Named(name.to_owned())),
        }
    }
    (all, cut)
}

/// Adds the customer's own fields that Klaviyo has no attribute for. A custom field with the same name takes
/// precedence; `exclude` applies to these as well.
fn add_own(
    all: &mut Map<String, Value>,
    config: &Config,
    customer: &Customer,
    missing: MissingFields,
) {
    let rules = &config.rules.customer;
    let text = |value: &Option<String>| missing.patch(value.clone().map(Value::from));
    let stores: Vec<_> = customer.stores.iter().filter_map(|store| store.key.as_deref()).collect();
    let stores = (!stores.is_empty()).then(|| stores.join(", "));
    let title = match rules.title {
        TitleTarget::Property => text(&customer.title),
        TitleTarget::Job => FieldPatch::Keep,
    };
    let own = [
        ("Customer number", text(&customer.customer_number)),
        ("Customer group", group(customer, missing)),
        ("Stores", text(&stores)),
        ("Date of birth", text(&customer.date_of_birth)),
        ("Email verified", missing.patch(customer.is_email_verified.map(Value::from))),
        ("Salutation", text(&customer.salutation)),
        ("Salutation title", title),
        ("VAT ID", text(&customer.vat_id)),
    ];
    let excluded = &rules.custom_fields.properties.exclude;
    for (name, value) in own {
        if all.contains_key(name) || excluded.iter().any(|excluded| excluded == name) {
            continue;
        }
        match value {
            FieldPatch::Set(value) => drop(all.insert(name.to_owned(), value)),
            FieldPatch::Clear => drop(all.insert(name.to_owned(), Value::Null)),
            FieldPatch::Keep => {}
        }
    }
}

/// The key of the customer's group, or its name if it has no key. If the group may not be read, Klaviyo's value stays.
fn group(customer: &Customer, missing: MissingFields) -> FieldPatch<Value> {
    let Some(group) = &customer.customer_group else { return missing.patch(None) };
    let Some(group) = &group.obj else { return FieldPatch::Keep };
    missing.patch(group.key.clone().or_else(|| group.name.clone()).map(Value::from))
}

/// The properties of removed fields without a new value. A property that now has another source is not touched.
fn to_unset<'a>(
    config: &Config,
    customer: &Customer,
    properties: &Map<String, Value>,
    removed: impl IntoIterator<Item = &'a String>,
) -> Vec<String> {
    let rules = &config.rules.customer.custom_fields.properties;
    let has_value = |name: &String| {
        let value = customer.custom.as_ref().and_then(|custom| custom.fields.get(name));
        value.is_some_and(|value| !flat::is_nothing(value))
    };
    let gone = removed.into_iter().filter(|name| !has_value(name));
    let names = gone.filter_map(|name| properties::property_name(rules, name));
    let names: BTreeSet<_> = names.filter(|name| !properties.contains_key(*name)).collect();
    names.into_iter().map(ToOwned::to_owned).collect()
}

/// Adds what a guest's order says about the guest beside the e-mail address: the names of the billing address.
pub fn add_names(profile: &mut Profile, address: &Address) {
    profile.first_name = address.first_name.clone().into();
    profile.last_name = address.last_name.clone().into();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::test_config_with;
    use serde::Deserialize;
    use serde_json::json;

    fn mapped(
        rules: &str,
        fields: Value,
        missing: MissingFields,
        removed: &[&str],
    ) -> MappedBody<Profile> {
        let mut document = json!({"id": "c", "email": "a@example.com"});
        if let (Value::Object(document), Value::Object(fields)) = (&mut document, fields) {
            document.extend(fields);
        }
        let customer = Customer::deserialize(document).expect("a customer");
        let removed: Vec<_> = removed.iter().map(|name| (*name).to_owned()).collect();
        profile(&test_config_with(rules), &customer, missing, &removed).expect("a profile")
    }

    fn properties(fields: Value, missing: MissingFields) -> Value {
        Value::Object(mapped("{}", fields, missing, &[]).body.properties)
    }

    #[test]
    fn a_customers_own_fields_are_flat_properties() {
        let group = |group: Value| json!({"customerGroup": group});
        for (fields, expected) in [
            (json!({"customerNumber": "K-7"}), json!({"Customer number": "K-7"})),
            (json!({"dateOfBirth": "1980-02-29"}), json!({"Date of birth": "1980-02-29"})),
            (json!({"isEmailVerified": false}), json!({"Email verified": false})),
            (json!({"isEmailVerified": true}), json!({"Email verified": true})),
            (json!({"salutation": "Ms"}), json!({"Salutation": "Ms"})),
            (json!({"title": "Dr."}), json!({"Salutation title": "Dr."})),
            (json!({"vatId": "DE1"}), json!({"VAT ID": "DE1"})),
            (
                json!({"stores": [{"typeId": "store", "key": "de"}, {"typeId": "store", "key": "at"}]}),
                json!({"Stores": "de, at"}),
            ),
            (json!({"stores": []}), json!({})),
            (json!({"stores": null, "vatId": "", "salutation": null}), json!({})),
            (
                group(json!({"id": "g", "obj": {"key": "vip", "name": "V"}})),
                json!({"Customer group": "vip"}),
            ),
            (group(json!({"id": "g", "obj": {"name": "V"}})), json!({"Customer group": "V"})),
            (group(json!({"id": "g"})), json!({})),
            (group(Value::Null), json!({})),
        ] {
            assert_eq!(properties(fields.clone(), MissingFields::Keep), expected, "{fields}");
        }
    }

    #[test]
    fn a_change_clears_what_the_customer_lacks_and_nothing_that_is_not_known() {
        let nothing = properties(json!({}), MissingFields::Clear);
        let names = [
            "Customer number",
            "Customer group",
            "Stores",
            "Date of birth",
            "Email verified",
            "Salutation",
            "Salutation title",
            "VAT ID",
        ];
        assert_eq!(nothing, names.into_iter().map(|name| (name, Value::Null)).collect::<Value>());
        let unread = properties(json!({"customerGroup": {"id": "g"}}), MissingFields::Clear);
        assert_eq!(unread.get("Customer group"), None);
        let nameless = json!({"customerGroup": {"id": "g", "obj": {}}});
        let nameless = properties(nameless, MissingFields::Clear);
        assert_eq!(nameless.get("Customer group"), Some(&Value::Null));
    }

    #[test]
    fn a_title_is_that_of_a_job_only_where_it_is_said() {
        let job = r#"{"customer":{"title":"job"}}"#;
        let doctor = || json!({"title": "Dr."});
        let set = FieldPatch::Set("Dr.".to_owned());
        for (rules, fields, missing, title, property) in [
            ("{}", doctor(), MissingFields::Clear, FieldPatch::Keep, Some(json!("Dr."))),
            ("{}", json!({}), MissingFields::Clear, FieldPatch::Keep, Some(Value::Null)),
            ("{}", json!({}), MissingFields::Keep, FieldPatch::Keep, None),
            (job, doctor(), MissingFields::Clear, set.clone(), None),
            (job, doctor(), MissingFields::Keep, set, None),
            (job, json!({}), MissingFields::Clear, FieldPatch::Clear, None),
        ] {
            let profile = mapped(rules, fields.clone(), missing, &[]).body;
            let found = profile.properties.get("Salutation title").cloned();
            assert_eq!((profile.title, found), (title, property), "{rules} {fields}");
        }
    }

    #[test]
    fn custom_fields_are_flat_and_come_first() {
        let custom = |fields: Value| json!({"vatId": "DE1", "custom": {"fields": fields}});
        let money = json!({"type": "centPrecision", "currencyCode": "EUR", "centAmount": 995,
            "fractionDigits": 2});
        for (rules, fields, expected, cut) in [
            ("{}", json!({"limit": money}), json!({"limit": 9.95, "VAT ID": "DE1"}), vec![]),
            ("{}", json!({"sizes": ["S", "M"]}), json!({"sizes": "S, M", "VAT ID": "DE1"}), vec![]),
            ("{}", json!({"say": {"de": "ja"}}), json!({"say": "ja", "VAT ID": "DE1"}), vec![]),
            (
                "{}",
                json!({"no": false, "zero": 0, "blank": " ", "null": null}),
                json!({"no": false, "zero": 0, "VAT ID": "DE1"}),
                vec![],
            ),
            (
                "{}",
                json!({"ref": {"typeId": "product", "id": "p"}}),
                json!({"VAT ID": "DE1"}),
                vec!["ref"],
            ),
            ("{}", json!({"VAT ID": "own"}), json!({"VAT ID": "own"}), vec![]),
            (
                r#"{"customer":{"customFields":{"properties":{"exclude":["VAT ID", "a"]}}}}"#,
                json!({"a": 1, "b": 2}),
                json!({"b": 2}),
                vec![],
            ),
        ] {
            let mapped = mapped(rules, custom(fields.clone()), MissingFields::Keep, &[]);
            assert_eq!(Value::Object(mapped.body.properties), expected, "{fields}");
            assert_eq!(mapped.cut, Cut::named(cut.into_iter().map(str::to_owned)), "{fields}");
        }
    }

    #[test]
    fn only_a_removed_field_without_a_value_is_unset() {
        let renames = r#"{"customer":{"customFields":{"properties":
            {"exclude":["secret"],"map":{"size":"Shoe size","old":"b"}}}}}"#;
        for (fields, removed, expected) in [
            (json!({}), &[][..], &[][..]),
            (json!({}), &["a"], &["a"]),
            (json!({"b": 1}), &["a"], &["a"]),
            (json!({"a": 0}), &["a"], &[]),
            (json!({"a": false}), &["a", "c"], &["c"]),
            (json!({"a": ""}), &["a"], &["a"]),
            (json!({"a": null}), &["a"], &["a"]),
            (json!({"a": {"typeId": "product", "id": "p"}}), &["a"], &[]),
            (json!({}), &["size"], &["Shoe size"]),
            (json!({}), &["secret"], &[]),
            (json!({"b": 1}), &["old"], &[]),
            (json!({}), &["c", "a", "c"], &["a", "c"]),
            (json!({}), &["Salutation"], &["Salutation"]),
        ] {
            let custom = json!({"custom": {"fields": fields}});
            // A change has every own property in its body, so it unsets none of them.
            let missing = MissingFields::Keep;
            let profile = mapped(renames, custom, missing, removed).body;
            assert_eq!(profile.unset, expected, "{fields} {removed:?}");
            assert_eq!(profile.clears(), !expected.is_empty());
        }
    }
}
