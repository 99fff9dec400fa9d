//! What this isolate shares between all that it delivers.

use std::cell::RefCell;

use crate::assembly::shared::SharedDocuments;
use crate::klaviyo::pacing::CallPace;

thread_local! {
    /// What was read lately, and many need.
    static SHARED: RefCell<SharedDocuments> = RefCell::new(SharedDocuments::of_isolate());

    /// What pushes were told of Klaviyo's limits. They count nothing, so a mass change is parked, and
    /// coalesced, without being tried, as soon as one of them is refused.
    static TOLD: RefCell<CallPace> = RefCell::new(CallPace::new(1.0));
}

/// Does something with the documents that many deliveries share.
pub(super) fn with_shared<T>(work: impl FnOnce(&mut SharedDocuments) -> T) -> T {
    SHARED.with_borrow_mut(work)
}

/// Does something with them, and with what pushes were told of Klaviyo's limits.
pub(super) fn with_told<T>(work: impl FnOnce(&mut SharedDocuments, &mut CallPace) -> T) -> T {
    SHARED.with_borrow_mut(|shared| TOLD.with_borrow_mut(|told| work(shared, told)))
}
