//! What this isolate knows to be accepted by Klaviyo lately: for `GET /trace`, and for the failures of imports. It is
//! memory, and nothing is stored.

use std::cell::RefCell;

use super::clock::now_ms;
use crate::config::Config;
use crate::import::settled::SettledRecord;
use crate::push::envelope::PushedItem;
use crate::push::outcome::Outcome;
use crate::time::UnixMs;
use crate::trace::accepted::RecentlyAccepted;

thread_local! {
    static ACCEPTED: RefCell<RecentlyAccepted> = RefCell::default();

    /// Records that were settled since it was asked last.
    static SETTLED: RefCell<Vec<SettledRecord>> = RefCell::default();
}

/// The most records that are told of at once. There are failures of few records, and each changes again some time.
const MOST_SETTLED: usize = 1_000;

/// Remembers what a notification is about, if Klaviyo took what it brought.
pub(super) fn remember(config: &Config, item: &PushedItem, outcome: &Outcome) {
    if let (PushedItem::Notification(notification), Outcome::Delivered) = (item, outcome)
        && let Some(resource) = &notification.resource
    {
        let resource = format!("{}/{}", resource.type_id, resource.id);
        ACCEPTED.with_borrow_mut(|accepted| accepted.remember(&resource, now_ms()));
        if config.mode.import() {
            let settled = SettledRecord::of(&config.rules, notification, now_ms());
            SETTLED.with_borrow_mut(|all| {
                all.extend(settled.filter(|_| all.len() < MOST_SETTLED));
            });
        }
    }
}

/// The records that were settled since this was asked last.
pub(super) fn take_settled() -> Vec<SettledRecord> {
    SETTLED.take()
}

/// When something of one of these resources (`{typeId}/{id}`) was accepted last, if it cannot be expected to be
/// readable yet.
pub(super) fn last(resources: &[String]) -> Option<UnixMs> {
    ACCEPTED.with_borrow(|accepted| accepted.last(resources, now_ms()))
}
