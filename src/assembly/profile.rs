//! A customer's profile.

use super::documents::Documents;
use super::{DeliveryStep, StepResult};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::profile::Profile;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::profile::{MappedBody, MissingFields, profile};

/// As history nothing is cleared: there may be a profile already that knows more.
pub(super) fn history(config: &Config, documents: &Documents, customer: &Id) -> StepResult {
    next(config, documents, customer, MissingFields::Keep)
}

/// Now.
pub(super) fn next(
    config: &Config,
    documents: &Documents,
    customer: &Id,
    missing: MissingFields,
) -> StepResult {
    let customer = documents.customer.or_read([DocumentQuery::Customer(customer.clone())])?;
    let MappedBody { body, cut } = profile(&config.rules.customer, customer, missing)?;
    Ok(DeliveryStep::Send { stages: vec![vec![import(body)]], cut })
}

pub(super) fn import(profile: Profile) -> WriteRequest {
    WriteRequest::ImportProfile(Box::new(profile))
}
