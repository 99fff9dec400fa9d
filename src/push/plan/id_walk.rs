//! The notifications that ask for walks over ids: our own, with members that commercetools does not know.

use chrono::SecondsFormat;
use serde_json::{Map, Value};

use crate::commercetools::notification::{Notification, NotifiedResource, change};
use crate::commercetools::reference::Id;
use crate::commercetools::walk::{IdWalk, WalkOver, WalkedResource};

/// In a change of a category: its last product on the page before, empty for the first page.
const PRODUCTS_AFTER: &str = "productsAfter";

/// The earliest change of the resources (RFC 3339).
pub const CHANGED_SINCE: &str = "changedSince";

/// Beside it: the last resource on the page before, empty for the first page.
const CHANGED_AFTER: &str = "changedAfter";

/// The notification for the page of a walk that follows this id, or for its first page.
#[must_use]
pub fn notification(over: &WalkOver, after: Option<&Id>) -> Map<String, Value> {
    let (mut notification, member) = match over {
        WalkOver::ProductsIn(category) => (change("category", category.as_str()), PRODUCTS_AFTER),
        WalkOver::ChangedSince { of, since } => {
            let since = since.to_rfc3339_opts(SecondsFormat::Millis, true);
            // A change names a resource; a walk has none, so any id will do.
            let mut notification = change(of.type_id(), &since);
            notification.insert(CHANGED_SINCE.to_owned(), since.into());
            (notification, CHANGED_AFTER)
        }
    };
    notification.insert(member.to_owned(), after.map_or("", Id::as_str).into());
    notification
}

/// The walk that a notification asks for, if any.
pub(super) fn read(notification: &Notification, resource: &NotifiedResource) -> Option<IdWalk> {
    let (over, after) = if let Some(since) = notification.field(CHANGED_SINCE) {
        let mut told = WalkedResource::TOLD.into_iter();
        let of = told.find(|of| of.type_id() == resource.type_id)?;
        (WalkOver::ChangedSince { of, since }, notification.field::<String>(CHANGED_AFTER))
    } else {
        let after =
            notification.field(PRODUCTS_AFTER).filter(|_| resource.type_id == "category")?;
        (WalkOver::ProductsIn(resource.id.clone()), Some(after))
    };
    Some(IdWalk { over, after: after.and_then(Id::new) })
}
