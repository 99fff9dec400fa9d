//! The erasure of a customer at Klaviyo. The host erases what is stored here.
//!
//! Only the deployment that gets the notification of an erasure remembers it. Another deployment
//! whose write was under way meanwhile sees that the customer is gone: it deletes the profile if
//! Klaviyo created it after that write began, and leaves an older profile alone.

use chrono::{DateTime, SubsecRound as _, Utc};

use super::DeliveryStep;
use super::documents::Documents;
use super::reading::KnownDocument;
use crate::commercetools::query::DocumentQuery;
use crate::commercetools::reference::Id;
use crate::klaviyo::answer::HeldProfile;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::push::plan::IgnoreReason;

/// The customer's id identifies the profile. An e-mail address would, too, but may belong to
/// somebody else by now.
pub(super) fn next(documents: &Documents, customer: &Id) -> DeliveryStep {
    erase(documents, customer, |_| true)
}

/// Deletes a profile that was written after `since` (UTC), if the customer is gone by now.
pub(super) fn brought_back(
    documents: &Documents,
    customer: &Id,
    since: DateTime<Utc>,
) -> DeliveryStep {
    // Klaviyo may omit the fraction of a second.
    let since = since.trunc_subsecs(0);
    match &documents.customer {
        KnownDocument::Unasked => DeliveryStep::read([DocumentQuery::Customer(customer.clone())]),
        KnownDocument::There(_) => DeliveryStep::ignore(IgnoreReason::NotGone),
        KnownDocument::Gone => erase(documents, customer, |profile| {
            profile.created.is_some_and(|created| created >= since)
        }),
    }
}

fn erase(
    documents: &Documents,
    customer: &Id,
    meant: impl Fn(&HeldProfile) -> bool,
) -> DeliveryStep {
    let Some(profiles) = &documents.known_profiles else {
        return DeliveryStep::read([KlaviyoLookup::ProfilesOfCustomer {
            customer: customer.to_string(),
        }]);
    };
    let meant = profiles.iter().filter(|profile| meant(profile));
    let erasures: Vec<_> =
        meant.map(|profile| WriteRequest::EraseProfile { id: profile.id.clone() }).collect();
    if erasures.is_empty() {
        DeliveryStep::ignore(IgnoreReason::NotHeld)
    } else {
        DeliveryStep::send(erasures)
    }
}
