//! Erasing a person from what is stored: the one place that knows all tables with personal data.
//!
//! Table `erased` keeps for 90 days a keyed hash of each customer who was erased, so that a write
//! which was under way beside the erasure, and brings the profile back, is followed by the deletion
//! once more. The key is made with the table and never leaves the object.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use worker::{Result, SqlStorage, SqlStorageValue};

use super::parked::{self, NewParked};
use super::{jobs, millis};
use crate::edge::calls::now_ms;
use crate::fault::TransientFault;
use crate::realtime::parking::{ERASURE_RANK, ParkingSlot, of_customer};

/// How long it is known who was erased.
const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// Removes all that is parked and kept of a customer, except an erasure that is still to be done at
/// Klaviyo, and remembers the erasure. What names no customer (a guest's order, a body that cannot
/// be read) stays; it goes by its age. Whether a job is open that may bring the customer's profile
/// back: then the erasure is to be parked, and waits in its slot for the end of that job.
pub(super) fn erase(sql: &SqlStorage, customer: &str) -> Result<bool> {
    let key = of_customer(customer);
    let parked = || {
        let erasure = i64::from(ERASURE_RANK);
        vec![SqlStorageValue::from(customer), key.as_str().into(), erasure.into()]
    };
    // All in one turn without an await, so it happens whole or not at all.
    remember(sql, customer)?;
    let doubtful_until = doubtful_until(sql, customer)?;
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
    if doubtful_until > now_ms() {
        again(sql, customer, doubtful_until - now_ms())?;
    }
    jobs::await_all_of(sql, &key, customer)
}

/// Until when a write of the customer's profile may still be carried out, in ms since 1970 UTC.
fn doubtful_until(sql: &SqlStorage, customer: &str) -> Result<u64> {
    #[derive(Deserialize)]
    struct Row {
        doubtful_until: u64,
    }
    let rows: Vec<Row> = sql
        .exec(
            "SELECT doubtful_until FROM parked WHERE key = ?",
            vec![of_customer(customer).into()],
        )?
        .to_array()?;
    Ok(rows.first().map_or(0, |row| row.doubtful_until))
}

/// A write that may have brought this customer's profile back has ended: parks the erasure once
/// more, if the customer was erased. Whether so. `wait_ms` is how long the write may still be
/// carried out.
pub(super) fn again(sql: &SqlStorage, customer: &str, wait_ms: u64) -> Result<bool> {
    #[derive(Deserialize)]
    struct Found {}
    let found: Vec<Found> = sql
        .exec("SELECT at FROM erased WHERE hash = ?", vec![hash(sql, customer)?.into()])?
        .to_array()?;
    if found.is_empty() {
        return Ok(false);
    }
    let slot = ParkingSlot {
        key: of_customer(customer),
        rank: ERASURE_RANK,
        customer: Some(customer.to_owned()),
    };
    let new = NewParked::now(slot, TransientFault::Follows);
    let new = NewParked { due: new.due + wait_ms, ..new };
    parked::park(sql, &new, notification(customer).to_string().as_bytes())?;
    Ok(true)
}

/// The notification of an erasure, as commercetools sends it.
fn notification(customer: &str) -> Value {
    json!({
        "notificationType": "ResourceDeleted",
        "resource": {"typeId": "customer", "id": customer},
        "dataErasure": true,
    })
}

fn remember(sql: &SqlStorage, customer: &str) -> Result<()> {
    let now = now_ms();
    let time = |at: u64| SqlStorageValue::try_from_i64(i64::try_from(at).unwrap_or(i64::MAX));
    let forgotten = time(now.saturating_sub(millis(REMEMBERED)))?;
    sql.exec("DELETE FROM erased WHERE at < ?", vec![forgotten])?;
    sql.exec(
        "INSERT OR REPLACE INTO erased (hash, at) VALUES (?, ?)",
        vec![hash(sql, customer)?.into(), time(now)?],
    )?;
    Ok(())
}

fn hash(sql: &SqlStorage, customer: &str) -> Result<String> {
    #[derive(Deserialize)]
    struct Row {
        key: String,
    }
    let rows: Vec<Row> = sql.exec("SELECT key FROM erasure_key", None)?.to_array()?;
    let key = rows.into_iter().next().map(|row| row.key).ok_or("there is no key for erasures")?;
    // The key has a fixed length, so it cannot run into the id.
    Ok(format!("{:x}", Sha256::new().chain_update(key).chain_update(customer).finalize()))
}
