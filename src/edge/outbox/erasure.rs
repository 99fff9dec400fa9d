//! Erasing a person from what is stored: the one place that knows all tables with personal data.

use worker::{Result, SqlStorage, SqlStorageValue};

use super::jobs;
use crate::realtime::parking::{ERASURE_RANK, of_customer};

/// Removes all that is parked and kept of a customer, but for an erasure that is still to be done
/// at Klaviyo. What names no customer (a guest's order, a body that cannot be read) stays; it goes
/// by its age. Whether a job is open that may bring the customer's profile back: then the erasure is to
/// be parked, and waits in its slot for the end of that job.
pub(super) fn erase(sql: &SqlStorage, customer: &str) -> Result<bool> {
    let key = of_customer(customer);
    let parked = || {
        let erasure = i64::from(ERASURE_RANK);
        vec![SqlStorageValue::from(customer), key.as_str().into(), erasure.into()]
    };
    // All in one turn without an await, so it happens whole or not at all.
    sql.exec(
        "DELETE FROM sent WHERE key = ?2 OR key IN
            (SELECT key FROM parked WHERE customer = ?1 AND rank < ?3)",
        parked(),
    )?;
    sql.exec(
        "DELETE FROM parked_parts WHERE owner IN
            (SELECT seq FROM parked WHERE (customer = ?1 OR key = ?2) AND rank < ?3)",
        parked(),
    )?;
    sql.exec("DELETE FROM parked WHERE (customer = ?1 OR key = ?2) AND rank < ?3", parked())?;
    let kept = || vec![SqlStorageValue::from(customer), key.as_str().into()];
    sql.exec(
        "DELETE FROM dead_letter_parts WHERE owner IN
            (SELECT seq FROM dead_letters WHERE customer = ?1 OR resource = ?2)",
        kept(),
    )?;
    sql.exec("DELETE FROM dead_letters WHERE customer = ?1 OR resource = ?2", kept())?;
    jobs::await_all_of(sql, &key, customer)
}
