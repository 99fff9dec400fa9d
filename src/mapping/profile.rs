//! A customer as a Klaviyo profile.

use super::fault::MappingFault;
use super::{identity, location, properties};
use crate::commercetools::customer::{Address, Customer};
use crate::config::rules::CustomerRules;
use crate::klaviyo::field_patch::FieldPatch;
use crate::klaviyo::limits;
use crate::klaviyo::profile::Profile;

/// What happens to the fields that the customer does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingFields {
    /// They stay as they are at Klaviyo: for a new customer and for imports, since there may be a
    /// profile already that knows more.
    Keep,
    /// They are cleared: the customer was changed, so what is gone here is to be gone there.
    Clear,
}

/// A mapped document, and the names of what had to be cut to keep Klaviyo's limits.
#[derive(Debug, Clone, PartialEq)]
pub struct MappedBody<T> {
    /// The body.
    pub body: T,
    /// For the log; names only.
    pub cut: Vec<String>,
}

/// The profile of a customer.
///
/// # Errors
/// Where the e-mail is malformed.
pub fn profile(
    rules: &CustomerRules,
    customer: &Customer,
    missing: MissingFields,
) -> Result<MappedBody<Profile>, MappingFault> {
    let address = customer.main_address();
    let field = |value: &Option<String>| match (value, missing) {
        (Some(value), _) => FieldPatch::Set(value.clone()),
        (None, MissingFields::Clear) => FieldPatch::Clear,
        (None, MissingFields::Keep) => FieldPatch::Keep,
    };
    let location = match (address, missing) {
        (Some(address), MissingFields::Keep) => FieldPatch::Set(location::location(address)),
        (Some(address), MissingFields::Clear) => {
            FieldPatch::Set(location::location_replacing(address))
        }
        (None, MissingFields::Keep) => FieldPatch::Keep,
        (None, MissingFields::Clear) => FieldPatch::Clear,
    };
    let mut custom = match &customer.custom {
        None => serde_json::Map::new(),
        Some(custom) => properties::allowed(&rules.custom_fields.properties, &custom.fields)
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect(),
    };
    let cut = limits::fit_profile_properties(&mut custom);
    let body = Profile {
        email: Some(identity::email(&customer.email)?),
        external_id: Some(customer.id.to_string()),
        phone_number: address.and_then(location::phone_number),
        first_name: field(&customer.first_name),
        last_name: field(&customer.last_name),
        title: field(&customer.title),
        organization: field(&customer.company_name),
        locale: field(&customer.locale),
        location,
        properties: custom,
    };
    Ok(MappedBody { body, cut })
}

/// What a guest's order tells of the guest beside the e-mail: the names of the billing address.
pub fn add_names(profile: &mut Profile, address: &Address) {
    profile.first_name = address.first_name.clone().into();
    profile.last_name = address.last_name.clone().into();
}
