//! Rows that wait for jobs of Klaviyo, and what the jobs sent for them.

use std::collections::HashSet;

use commercetools_klaviyo::fault::TransientFault;
use commercetools_klaviyo::klaviyo::job::JobRef;
use commercetools_klaviyo::outbox::store::jobs::{self, JobFate};
use commercetools_klaviyo::outbox::store::park::park;
use commercetools_klaviyo::outbox::store::{parked, sent};
use commercetools_klaviyo::push::parking::RowGroup;
use commercetools_klaviyo::time::UnixMs;

use super::{
    fails_whole, job_row, new_parked, next_due, open, outbox_with, slot, take, take_customer,
};
use crate::sqlite::Sqlite;
use crate::support::at;

/// The jobs that are open, the oldest first.
fn open_jobs(sql: &Sqlite) -> Vec<JobRef> {
    jobs::all(sql).expect("jobs").into_iter().map(|awaited| awaited.job).collect()
}

/// When the first job is to be looked at.
fn first_look(sql: &Sqlite) -> Option<UnixMs> {
    jobs::all(sql).expect("jobs").into_iter().map(|awaited| awaited.due).min()
}

/// These slots, of which each has its row in the job `j1`, in their order.
fn outbox_with_job(keys: &[&str]) -> Sqlite {
    let sql = outbox_with(keys);
    let rows = keys
        .iter()
        .enumerate()
        .map(|(n, key)| job_row(n, key, slot(&sql, key).expect("a row").seq));
    open(&sql, "j1", &rows.collect::<Vec<_>>(), 2_000);
    sql
}

#[test]
fn rows_wait_for_their_job_and_are_due_when_it_ends() {
    let sql = outbox_with_job(&["customer/a", "customer/b"]);
    assert_eq!(parked::any_waits(&sql), Ok(true));
    assert_eq!(next_due(&sql, RowGroup::Customers), None);
    assert!(take(&sql, RowGroup::Customers, 900_000).is_empty());
    assert_eq!(slot(&sql, "customer/a").expect("a row").code, "klaviyo_job");
    assert_eq!(first_look(&sql), Some(at(2_000)));
    assert_eq!(open_jobs(&sql).len(), 1);

    let job = open_jobs(&sql).remove(0);
    assert_eq!(job.id, "j1");
    let done = JobFate::DoneBut(vec![1]);
    fails_whole(&sql, |sql| jobs::close(sql, &job, &done, at(9_000)));
    jobs::close(&sql, &job, &done, at(9_000)).expect("closed");
    assert_eq!(open_jobs(&sql), []);
    assert_eq!(parked::any_waits(&sql), Ok(false));
    let taken = take(&sql, RowGroup::Customers, 9_000);
    let [a, b] = taken.as_slice() else { panic!("both are due") };
    assert_eq!((a.row.alone(), &a.sent), (false, &HashSet::from(["d0".to_owned()])));
    assert_eq!((b.row.alone(), &b.sent), (true, &HashSet::new()), "the job failed with it");
}

#[test]
fn of_a_job_that_nobody_knows_of_all_go_alone_and_again() {
    let sql = outbox_with_job(&["customer/a", "customer/b"]);
    jobs::close(&sql, &open_jobs(&sql).remove(0), &JobFate::Unknown, at(9_000)).expect("closed");
    let taken = take(&sql, RowGroup::Customers, 9_000);
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().all(|taken| taken.row.alone() && taken.sent.is_empty()));
}

#[test]
fn a_row_waits_for_each_of_its_jobs() {
    let sql = outbox_with_job(&["customer/a"]);
    let row = slot(&sql, "customer/a").expect("a row");
    open(&sql, "j2", &[job_row(0, "customer/a", row.seq)], 2_000);
    let done = JobFate::DoneBut(vec![]);
    for (job, due) in open_jobs(&sql).iter().zip([None, Some(9_000)]) {
        jobs::close(&sql, job, &done, at(9_000)).expect("closed");
        assert_eq!(slot(&sql, "customer/a").expect("a row").due, due, "{}", job.id);
    }
}

/// Somebody else may have written something else meanwhile.
#[test]
fn what_was_sent_is_forgotten_when_somebody_parks_into_the_slot() {
    let done = JobFate::DoneBut(vec![]);
    let parks = |sql: &Sqlite| {
        park(sql, &new_parked("customer/a"), b"newer").expect("parked");
    };
    // While the job is open, after it has ended, and between its start and its storing.
    let sql = outbox_with_job(&["customer/a", "customer/b"]);
    parks(&sql);
    assert_eq!(slot(&sql, "customer/a").expect("a row").due, None, "it waits for the job as well");
    jobs::close(&sql, &open_jobs(&sql).remove(0), &done, at(9_000)).expect("closed");
    let sent = |sql: &Sqlite| {
        let taken = take(sql, RowGroup::Customers, 99_000).into_iter();
        taken.map(|taken| (taken.row.key, taken.sent.len())).collect::<HashSet<_>>()
    };
    let one = |key: &str, count| (key.to_owned(), count);
    assert_eq!(sent(&sql), HashSet::from([one("customer/a", 0), one("customer/b", 1)]));

    let sql = outbox_with_job(&["customer/a"]);
    jobs::close(&sql, &open_jobs(&sql).remove(0), &done, at(9_000)).expect("closed");
    parks(&sql);
    assert_eq!(sent(&sql), HashSet::from([one("customer/a", 0)]));

    let sql = outbox_with(&["customer/a"]);
    let row = take_customer(&sql, 2_000).row;
    parks(&sql);
    open(&sql, "j1", &[job_row(0, "customer/a", row.seq)], 2_500);
    assert_eq!(slot(&sql, "customer/a").expect("a row").due, None);
    jobs::close(&sql, &open_jobs(&sql).remove(0), &done, at(9_000)).expect("closed");
    assert_eq!(sent(&sql), HashSet::from([one("customer/a", 0)]));
}

#[test]
fn what_was_sent_is_told_to_the_next_try() {
    let sql = outbox_with(&["customer/a", "customer/b"]);
    let row = take(&sql, RowGroup::Customers, 2_000).remove(0).row;
    let digests = ["d1".to_owned(), "d2".to_owned()];
    for _ in 0..2 {
        sent::note(&sql, &row.key, row.seq, &digests, at(2_000)).expect("noted");
    }
    let taken = take(&sql, RowGroup::Customers, 9_000);
    assert_eq!(taken[0].sent, HashSet::from(digests));
    assert!(taken[1].sent.is_empty());
    sent::forget(&sql, "customer/a").expect("forgotten");
    assert!(take(&sql, RowGroup::Customers, 99_000).iter().all(|taken| taken.sent.is_empty()));
}

#[test]
fn a_job_is_looked_at_again_and_its_rows_say_why_they_wait() {
    let sql = outbox_with_job(&["customer/a"]);
    let job = open_jobs(&sql).remove(0);
    let fault = TransientFault::OutboxUnavailable;
    fails_whole(&sql, |sql| jobs::put_off(sql, &job, fault, at(64_000)));
    jobs::put_off(&sql, &job, fault, at(64_000)).expect("put off");
    assert_eq!(first_look(&sql), Some(at(64_000)));
    let row = slot(&sql, "customer/a").expect("a row");
    assert_eq!(row.code, fault.code());
    assert_eq!(row.due, None);
    assert_eq!(jobs::rows_of_profiles(&sql, &job), Ok(vec![("a".to_owned(), 0)]));
}

/// Nothing is kept for longer than it may be, not even for a job that never ends.
#[test]
fn retention_ends_the_waiting_for_a_job() {
    let sql = outbox_with_job(&["customer/a", "customer/b"]);
    parked::expire(&sql, at(50_000), at(1_000)).expect("expired");
    assert_eq!(parked::any_waits(&sql), Ok(true), "they are as old as they may be");
    parked::expire(&sql, at(50_000), at(1_001)).expect("expired");
    assert_eq!(parked::any_waits(&sql), Ok(false));
    let taken = take(&sql, RowGroup::Customers, 50_000);
    assert_eq!(taken.len(), 2);
    assert!(taken.iter().all(|taken| taken.row.alone()), "whatever comes of it is their end");
}
