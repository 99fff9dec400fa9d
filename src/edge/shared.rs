//! What this isolate shares between all its deliveries.

use std::cell::RefCell;

use crate::assembly::shared::SharedDocuments;
use crate::klaviyo::pacing::CallPace;

thread_local! {
    /// Documents that were read lately, and that many deliveries need.
    static SHARED: RefCell<SharedDocuments> = RefCell::new(SharedDocuments::of_isolate());

    /// What pushes learned about Klaviyo's limits. They count nothing, so as soon as Klaviyo refuses one of them, a
    /// mass change is parked, and coalesced, without a try.
    static TOLD: RefCell<CallPace> = RefCell::new(CallPace::new(1.0));
}

/// Runs `work` with the documents that many deliveries share.
pub(super) fn with_shared<T>(work: impl FnOnce(&mut SharedDocuments) -> T) -> T {
    SHARED.with_borrow_mut(work)
}

/// Runs `work` with them, and with what pushes learned about Klaviyo's limits.
pub(super) fn with_told<T>(work: impl FnOnce(&mut SharedDocuments, &mut CallPace) -> T) -> T {
    SHARED.with_borrow_mut(|shared| TOLD.with_borrow_mut(|told| work(shared, told)))
}
