//! Generations of a row: work on an old one does not touch what came meanwhile, except for a doubt,
//! which belongs to the slot.

use std::collections::HashSet;

use commercetools_klaviyo::engine::circuits::{Allowance, OperationName};
use commercetools_klaviyo::fault::{System, TransientFault};
use commercetools_klaviyo::klaviyo::pacing::Operation;
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::outbox::store::{parked, sent, tries};
use commercetools_klaviyo::push::parking::RowGroup;
use commercetools_klaviyo::time::UnixMs;

use super::{
    StoredRow, assert_whole, fails_whole, job_row, new_parked, open, outbox_with, slot, take,
    take_customer,
};
use crate::support::at;

const FAULT: TransientFault = TransientFault::Status(System::Klaviyo, 503);

#[test]
fn a_row_is_removed_by_its_generation_and_not_by_its_slot() {
    let sql = outbox_with(&["customer/c", "customer/d"]);
    let old = take(&sql, RowGroup::Customers, 2_000).remove(0).row;
    park(&sql, &new_parked("customer/c"), b"newer").expect("parked");
    let newer = slot(&sql, "customer/c");

    assert_eq!(parked::remove(&sql, &old), Ok(false), "it is not there any more");
    assert_eq!(slot(&sql, "customer/c"), newer, "what came meanwhile stays");
    assert_whole(&sql);

    let row = take(&sql, RowGroup::Customers, 9_000).remove(1).row;
    assert_eq!(row.key, "customer/c");
    fails_whole(&sql, |sql| parked::remove(sql, &row));
    assert_eq!(parked::remove(&sql, &row), Ok(true));
    assert_eq!(slot(&sql, "customer/c"), None);
    assert!(slot(&sql, "customer/d").is_some(), "no other row is removed");
    assert_eq!(parked::remove(&sql, &row), Ok(false), "nor again");
    assert_whole(&sql);
}

#[test]
fn what_came_meanwhile_has_its_own_time_and_company() {
    let sql = outbox_with(&["customer/c"]);
    let old = take_customer(&sql, 2_000).row;
    park(&sql, &new_parked("customer/c"), b"newer").expect("parked");
    let newer = slot(&sql, "customer/c");
    parked::put_off(&sql, &old, at(999_000), FAULT, None, false).expect("put off");
    sent::note(&sql, &old.key, old.seq, &["d".to_owned()], at(2_000)).expect("noted");
    assert_eq!(slot(&sql, "customer/c"), newer);
    assert!(
        take_customer(&sql, 9_000).sent.is_empty(),
        "what the old one sent is not the new one's"
    );
}

/// A late write of the old generation overwrites what the new one wrote just as well.
#[test]
fn a_doubt_belongs_to_the_slot() {
    let sql = outbox_with(&["customer/c", "customer/d"]);
    let old = take(&sql, RowGroup::Customers, 2_000).remove(0).row;
    park(&sql, &new_parked("customer/c"), b"newer").expect("parked");
    let doubt = |key| slot(&sql, key).map(|row| row.doubtful_until);
    for (until, expected) in [(62_000, 62_000), (602_000, 602_000), (63_000, 602_000)] {
        parked::keep_in_doubt(&sql, &old, at(until)).expect("kept in doubt");
        assert_eq!(doubt("customer/c"), Some(expected), "{until}");
    }
    assert_eq!(doubt("customer/d"), Some(0));
    park(&sql, &new_parked("customer/c"), b"newest").expect("parked");
    assert_eq!(doubt("customer/c"), Some(602_000), "parking again does not end it");
}

#[test]
fn a_row_is_put_off_to_the_end_of_a_second() {
    let sql = outbox_with(&["customer/c"]);
    let row = take_customer(&sql, 2_000).row;
    for (due, expected) in [(5_001, 6_000), (6_000, 6_000)] {
        parked::put_off(&sql, &row, at(due), FAULT, None, false).expect("put off");
        let stored = slot(&sql, "customer/c").expect("a row");
        assert_eq!((stored.due, stored.code.as_str()), (Some(expected), "klaviyo_503"));
    }
    open(&sql, "j", &[job_row(0, "customer/c", row.seq)], 2_500);
    parked::put_off(&sql, &row, at(5_000), FAULT, None, false).expect("put off");
    assert_eq!(
        slot(&sql, "customer/c").expect("a row").due,
        None,
        "it goes on waiting for its job"
    );
}

#[test]
fn the_end_of_an_outage_wakes_what_waits_for_its_operation() {
    let sql = outbox_with(&["customer/a", "customer/b", "customer/c"]);
    let [profiles, events] = [Operation::ImportProfile, Operation::CreateEvent];
    let [profiles, events] = [profiles, events].map(OperationName::of_klaviyo);
    let rows = take(&sql, RowGroup::Customers, 2_000);
    for (taken, waits_for) in rows.iter().zip([Some(&profiles), Some(&events), None]) {
        parked::put_off(&sql, &taken.row, at(50_000), FAULT, waits_for, false).expect("put off");
    }
    assert_eq!(tries::awaited_operations(&sql, at(49_999)), Ok(vec![]));
    let awaited = tries::awaited_operations(&sql, at(50_000)).expect("operations");
    assert_eq!(HashSet::from_iter(awaited), HashSet::from([profiles.clone(), events.clone()]));
    let due = |operation: &OperationName, now| -> Vec<String> {
        let due = tries::due_for(&sql, operation, Allowance::All, now, 100).expect("due rows");
        due.into_iter().map(|due| due.row.key).collect()
    };
    assert_eq!(due(&events, at(50_000)), ["customer/b"]);
    parked::wake(&sql, &profiles, at(2_100)).expect("woken");
    assert_eq!(slot(&sql, "customer/a").and_then(|row: StoredRow| row.due), Some(2_100));
    assert_eq!(due(&profiles, at(50_000)), [] as [String; 0], "it waits for nothing any more");
    assert_eq!(slot(&sql, "customer/b").and_then(|row| row.due), Some(2_100), "perhaps it is over");
    let times = tries::next_due(&sql).expect("times");
    let of = |waits_for| (RowGroup::Customers, waits_for, at(2_100));
    let expected = [of(None), of(Some(events))];
    assert_eq!(times, expected);
}

#[test]
fn the_end_of_an_outage_does_not_wake_what_waits_for_a_time_of_its_own() {
    let operation = OperationName::of_klaviyo(Operation::ImportProfile);
    for fault in [
        TransientFault::PaymentWithoutOrder,
        TransientFault::MayBeCarriedOut,
        TransientFault::Follows,
        TransientFault::FollowsLater,
        TransientFault::PriceEdge,
    ] {
        let sql = outbox_with(&["customer/a"]);
        let row = take_customer(&sql, 2_000).row;
        parked::put_off(&sql, &row, at(50_000), fault, None, false).expect("put off");
        parked::wake(&sql, &operation, at(2_100)).expect("woken");
        assert_eq!(slot(&sql, "customer/a").and_then(|row| row.due), Some(50_000), "{fault:?}");
    }
}

/// Which tries may have written something, and whether the row says so afterwards.
#[test]
fn a_row_says_since_when_it_may_have_been_written() {
    for (tries, since) in [
        (&[false, false][..], 0),
        (&[true], 2_000),
        (&[true, false], 2_000),
        (&[false, true], 9_000),
    ] {
        let sql = outbox_with(&["customer/c"]);
        for (time, is_written) in [2_000, 9_000].into_iter().zip(tries) {
            let taken = take_customer(&sql, time);
            let row = slot(&sql, "customer/c").expect("a row");
            assert!(row.written_since > 0, "until it is known, it may have been");
            let is_written = *is_written || taken.row.written_since > UnixMs::EPOCH;
            parked::put_off(&sql, &taken.row, at(9_000), FAULT, None, is_written).expect("put off");
        }
        let row = slot(&sql, "customer/c").expect("a row");
        assert_eq!(row.written_since, since, "{tries:?}");
    }
}
