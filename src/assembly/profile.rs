//! A customer's profile.

use super::documents::Documents;
use super::reading::KnownDocument;
use super::{DeliveryStep, StepResult};
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::klaviyo::profile::Profile;
use crate::klaviyo::request::WriteRequest;
use crate::mapping::profile::{MappedBody, MissingFields, profile};
use crate::push::plan::IgnoreReason;

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
    match &documents.customer {
        KnownDocument::Unasked => {
            Ok(DeliveryStep::read([DocumentQuery::Customer(customer.clone())]))
        }
        KnownDocument::Gone => Ok(DeliveryStep::ignore(IgnoreReason::Gone)),
        KnownDocument::There(customer) => {
            let MappedBody { body, cut } = profile(&config.rules.customer, customer, missing)?;
            Ok(DeliveryStep::Send { stages: vec![vec![import(body)]], cut })
        }
    }
}

pub(super) fn import(profile: Profile) -> WriteRequest {
    WriteRequest::ImportProfile(Box::new(profile))
}
