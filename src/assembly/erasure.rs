//! The erasure of a customer at Klaviyo. Its host erases what is stored here.
//!
//! Only the deployment that is told of an erasure remembers it. Another one, whose write was under
//! way meanwhile, sees that the customer is gone: it takes away the profile if Klaviyo created it
//! after that write began, and leaves alone any that was there before.

use chrono::{DateTime, SubsecRound as _, Utc};

use super::Step;
use super::documents::Documents;
use super::reading::Found;
use crate::commercetools::query::Query;
use crate::commercetools::reference::Id;
use crate::klaviyo::answer::HeldProfile;
use crate::klaviyo::query::Lookup;
use crate::klaviyo::request::Request;
use crate::push::plan::Ignored;

/// The profile is known by the customer's id. An e-mail would do as well, but could be somebody
/// else's by now.
pub(super) fn next(documents: &Documents, customer: &Id) -> Step {
    erase(documents, customer, |_| true)
}

/// A profile that was written after `since` (UTC), if the customer is gone by now.
pub(super) fn brought_back(documents: &Documents, customer: &Id, since: DateTime<Utc>) -> Step {
    // Klaviyo may leave out the parts of a second.
    let since = since.trunc_subsecs(0);
    match &documents.customer {
        Found::Unasked => Step::read([Query::Customer(customer.clone())]),
        Found::There(_) => Step::ignore(Ignored::NotGone),
        Found::Gone => erase(documents, customer, |profile| {
            profile.created.is_some_and(|created| created >= since)
        }),
    }
}

fn erase(documents: &Documents, customer: &Id, meant: impl Fn(&HeldProfile) -> bool) -> Step {
    let Some(profiles) = &documents.known_profiles else {
        return Step::read([Lookup::ProfilesOfCustomer { customer: customer.to_string() }]);
    };
    let meant = profiles.iter().filter(|profile| meant(profile));
    let erasures: Vec<_> =
        meant.map(|profile| Request::EraseProfile { id: profile.id.clone() }).collect();
    if erasures.is_empty() { Step::ignore(Ignored::NotHeld) } else { Step::send(erasures) }
}
