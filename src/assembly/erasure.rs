//! The erasure of a customer at Klaviyo. Its host erases what is stored here.

use super::Step;
use super::documents::Documents;
use super::reading::Found;
use crate::commercetools::reference::Id;
use crate::klaviyo::query::KlaviyoLookup;
use crate::klaviyo::request::WriteRequest;
use crate::push::plan::Ignored;

/// The profile is known by the customer's id. An e-mail would do as well, but could be somebody
/// else's by now.
pub(super) fn next(documents: &Documents, customer: &Id) -> Step {
    let profiles = match &documents.known_profiles {
        Found::Unasked => {
            return Step::read([KlaviyoLookup::ProfilesOfCustomer {
                customer: customer.to_string(),
            }]);
        }
        Found::Gone => return Step::ignore(Ignored::NotHeld),
        Found::There(profiles) if profiles.is_empty() => return Step::ignore(Ignored::NotHeld),
        Found::There(profiles) => profiles,
    };
    let erasures = profiles.iter().map(|id| WriteRequest::EraseProfile { id: id.clone() });
    Step::send(erasures.collect())
}
