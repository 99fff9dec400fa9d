//! Batches of the feed: each number is taken once, or refused for good.

use commercetools_klaviyo::outbox::store::batches::{settle, take_batch};

use super::outbox;
use crate::support::at;

#[test]
fn a_number_is_taken_once_or_refused() {
    let sql = outbox();
    let take = |number| sql.turn(|sql| take_batch(sql, number, b"", at(1))).expect("an answer");
    let settle = |number| sql.turn(|sql| settle(sql, number)).expect("an answer");
    assert!(take(5));
    assert!(take(5), "the same call once more is told that it is taken");
    assert!(settle(5));
    assert!(!settle(7), "nobody brought it");
    assert!(!take(7), "it comes after it was given up");
    assert!(!take(5), "an older one that comes at last");
    assert!(take(8));
}
