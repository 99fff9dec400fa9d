//! A customer's profile.

use super::documents::Documents;
use super::reading::Found;
use super::{Next, Step};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::profile::Profile;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::profile::{MappedBody, MissingFields, profile};
use crate::push::plan::Ignored;

/// As history nothing is cleared: there may be a profile already that knows more.
pub(super) fn history(config: &Config, documents: &Documents, customer: &Id) -> Next {
    next(config, documents, customer, MissingFields::Keep)
}

/// Now.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    customer: &Id,
    missing: MissingFields,
) -> Next {
    match &documents.customer {
        Found::Unasked => Ok(Step::read([DocumentQuery::Customer(customer.clone())])),
        Found::Gone => Ok(Step::ignore(Ignored::Gone)),
        Found::There(customer) => {
            let MappedBody { body, cut } = profile(&config.rules.customer, customer, missing)?;
            Ok(Step::Send { stages: vec![vec![import(body)]], cut })
        }
    }
}

pub(super) fn import(profile: Profile) -> WriteRequest {
    WriteRequest::ImportProfile(Box::new(profile))
}
