//! What this isolate knows to be accepted by Klaviyo lately. It is memory, and nothing is stored.

use std::cell::RefCell;

use super::clock::now_ms;
use crate::push::envelope::PushedItem;
use crate::push::outcome::Outcome;
use crate::time::UnixMs;
use crate::trace::accepted::RecentlyAccepted;

thread_local! {
    static ACCEPTED: RefCell<RecentlyAccepted> = RefCell::default();
}

/// Remembers what a notification is about, if Klaviyo took what it brought.
pub(super) fn remember(item: &PushedItem, outcome: &Outcome) {
    if let (PushedItem::Notification(notification), Outcome::Delivered) = (item, outcome)
        && let Some(resource) = &notification.resource
    {
        let resource = format!("{}/{}", resource.type_id, resource.id);
        ACCEPTED.with_borrow_mut(|accepted| accepted.remember(&resource, now_ms()));
    }
}

/// When something of one of these resources (`{typeId}/{id}`) was accepted last, if it cannot be expected to be
/// readable yet.
pub(super) fn last(resources: &[String]) -> Option<UnixMs> {
    ACCEPTED.with_borrow(|accepted| accepted.last(resources, now_ms()))
}
