//! What this isolate knows about recent acceptances by Klaviyo. For: `GET /trace`, and the failures of imports. It
//! exists in memory only.

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

    /// Records that were settled since the last call of [`take_settled`].
    static SETTLED: RefCell<Vec<SettledRecord>> = RefCell::default();
}

/// The most records to report at once. Failures concern few records, and each record changes again some time.
const MOST_SETTLED: usize = 1_000;

/// Remembers the record of a notification, if Klaviyo accepted what it brought.
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

/// The records that were settled since the last call of this function.
pub(super) fn take_settled() -> Vec<SettledRecord> {
    SETTLED.take()
}

/// When Klaviyo last accepted something of one of these resources (`{typeId}/{id}`), if that may not be readable yet.
pub(super) fn last(resources: &[String]) -> Option<UnixMs> {
    ACCEPTED.with_borrow(|accepted| accepted.last(resources, now_ms()))
}
