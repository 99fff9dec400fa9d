//! The erasure of a customer at Klaviyo. Its host erases what is stored here.

use super::DeliveryStep;
use super::documents::Documents;
use super::reading::KnownDocument;
use crate::commercetools::reference::Id;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::push::plan::IgnoreReason;

/// The profile is known by the customer's id. An e-mail would do as well, but could be somebody
/// else's by now.
pub(super) fn next(documents: &Documents, customer: &Id) -> DeliveryStep {
    let profiles = match &documents.known_profiles {
        KnownDocument::Unasked => {
            return DeliveryStep::read([KlaviyoLookup::ProfilesOfCustomer {
                customer: customer.to_string(),
            }]);
        }
        KnownDocument::Gone => return DeliveryStep::ignore(IgnoreReason::NotHeld),
        KnownDocument::There(profiles) if profiles.is_empty() => {
            return DeliveryStep::ignore(IgnoreReason::NotHeld);
        }
        KnownDocument::There(profiles) => profiles,
    };
    let erasures = profiles.iter().map(|id| WriteRequest::EraseProfile { id: id.clone() });
    DeliveryStep::send(erasures.collect())
}
