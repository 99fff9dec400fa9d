//! Erases a person from the store: the one place that knows all tables with personal data.
//!
//! Table `erased` keeps a keyed hash of each erased customer for 90 days. If a write was under way during the erasure
//! and brings the profile back, the deletion is repeated. The key is created with the table and never leaves the
//! object.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::jobs;
use super::lost::IN_JOB;
use super::new_parked::{NewParked, UnverifiedWrites};
use super::offspring::park_offspring;
use super::park::park;
use crate::commercetools::reference::Id;
use crate::config::rules::{CustomerDeletion, OperatorRules};
use crate::engine::backoff::{JOB_IN_DOUBT, SINGLE_IN_DOUBT};
use crate::engine::deliveries::EndedDelivery;
use crate::push::parking::{ERASURE_RANK, ParkingSlot, of_customer};
use crate::push::plan::customer::written_since;
use crate::storage::sql::{Sql, SqlError, SqlValue};
use crate::time::{UnixMs, in_ms};

/// How long an erasure is remembered.
const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// Removes everything parked and kept for a customer, except an erasure that still has to happen at Klaviyo, and
/// remembers the erasure. Rows that name no customer (a guest's order, an unreadable body) stay; they expire by age.
/// True if an open job may bring the customer's profile back: then the erasure has to be parked, and waits in its slot
/// for the end of that job.
pub fn erase(sql: &dyn Sql, customer: &str, now: UnixMs) -> Result<bool, SqlError> {
    let key = of_customer(customer);
    let parked = || vec![SqlValue::from(customer), key.as_str().into(), ERASURE_RANK.into()];
    // All in one turn without an await, so all of it happens or nothing.
    remember(sql, customer, now)?;
    let doubtful_until = doubtful_until(sql, customer, now)?;
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
    let kept = || vec![SqlValue::from(customer), key.as_str().into()];
    sql.exec(
        "DELETE FROM dead_letter_parts WHERE owner IN
            (SELECT seq FROM dead_letters WHERE customer = ?1 OR resource = ?2)",
        kept(),
    )?;
    sql.exec("DELETE FROM dead_letters WHERE customer = ?1 OR resource = ?2", kept())?;
    if doubtful_until > now {
        again(sql, customer, doubtful_until.since(now), now)?;
    }
    jobs::await_all_of(sql, &key, customer)
}

/// Until when Klaviyo may still carry out a write that creates the customer's profile: a write of any row that names
/// the customer, including a row in a try, or one that was when the runtime went down.
fn doubtful_until(sql: &dyn Sql, customer: &str, now: UnixMs) -> Result<UnixMs, SqlError> {
    let (single, job) = (now + SINGLE_IN_DOUBT, now + JOB_IN_DOUBT);
    let until: Option<UnixMs> = sql
        .exec(
            "SELECT MAX(doubtful_until, CASE WHEN rank = ?3 OR trying = 0 THEN 0
                WHEN trying = ?4 THEN ?5 ELSE ?6 END) AS until
             FROM parked WHERE customer = ?1 OR key = ?2 ORDER BY until DESC LIMIT 1",
            vec![
                customer.into(),
                of_customer(customer).into(),
                ERASURE_RANK.into(),
                IN_JOB.into(),
                job.into(),
                single.into(),
            ],
        )?
        .value()?;
    Ok(until.unwrap_or_default())
}

/// Customers with a finished write that may have brought an erased profile back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EraseAgain {
    /// The customers' ids.
    pub customers: Vec<Id>,
    /// How long Klaviyo may still carry out the write.
    #[serde(rename = "wait_ms", with = "in_ms")]
    pub wait: Duration,
    /// The earliest time of the write (UTC), if commercetools has to be asked for the customers as soon as no write can
    /// follow: a customer who is missing then may have been erased in another deployment, too.
    pub gone_written_since: Option<DateTime<Utc>>,
}

impl EraseAgain {
    /// What a push's delivery that began at a time (UTC) asks for, if anything. It asks for a missing customer even if
    /// it wrote nothing: an unknown earlier try may have.
    #[must_use]
    pub fn after_push(
        rules: &OperatorRules,
        ended: &EndedDelivery,
        began: DateTime<Utc>,
    ) -> Option<Self> {
        let customer = ended.delivery.customer()?;
        let is_gone = ended.delivery.gone_customer().is_some();
        // A row that is not a fact is parked when it is in doubt, and sees itself who exists then.
        let in_doubt = ended.in_doubt.filter(|_| !ended.delivery.is_of_state());
        let is_asked = is_gone || in_doubt.is_some();
        if rules.customer.deletion != CustomerDeletion::Erase || !is_asked {
            return None;
        }
        let is_written = UnverifiedWrites::of(ended, began.into()).since > UnixMs::EPOCH;
        Some(Self {
            customers: vec![customer.clone()],
            wait: ended.in_doubt.unwrap_or_default(),
            gone_written_since: is_written.then_some(began),
        })
    }

    /// Parks the erasure of the erased customers. A customer who was not erased here is looked up in commercetools, and
    /// at Klaviyo.
    pub fn park(&self, sql: &dyn Sql, rules: &OperatorRules, now: UnixMs) -> Result<(), SqlError> {
        for customer in &self.customers {
            let was_erased = again(sql, customer.as_str(), self.wait, now)?;
            if let Some(since) = self.gone_written_since.filter(|_| !was_erased) {
                let change = written_since(customer, since);
                park_offspring(sql, rules, vec![change], now + self.wait, now)?;
            }
        }
        Ok(())
    }
}

/// A write that may have brought this customer's profile back has ended: parks the erasure once more, if the customer
/// was erased; returns whether so. `wait` is how long Klaviyo may still carry out the write.
fn again(sql: &dyn Sql, customer: &str, wait: Duration, now: UnixMs) -> Result<bool, SqlError> {
    let hash = hash(sql, customer)?;
    if sql.exec("SELECT at FROM erased WHERE hash = ?", vec![hash.into()])?.is_empty() {
        return Ok(false);
    }
    let slot = ParkingSlot {
        key: of_customer(customer),
        rank: ERASURE_RANK,
        customer: Some(customer.to_owned()),
    };
    let new = NewParked::not_before(slot, now + wait, now);
    park(sql, &new, notification(customer).to_string().as_bytes())?;
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

fn remember(sql: &dyn Sql, customer: &str, now: UnixMs) -> Result<(), SqlError> {
    let forgotten = now - REMEMBERED;
    sql.exec("DELETE FROM erased WHERE at < ?", vec![forgotten.into()])?;
    sql.exec(
        "INSERT OR REPLACE INTO erased (hash, at) VALUES (?, ?)",
        vec![hash(sql, customer)?.into(), now.into()],
    )?;
    Ok(())
}

fn hash(sql: &dyn Sql, customer: &str) -> Result<String, SqlError> {
    let key: Option<String> = sql.exec("SELECT key FROM erasure_key", vec![])?.value()?;
    let key = key.ok_or_else(|| SqlError::new("there is no key for erasures"))?;
    // The key has a fixed length, so it cannot run into the id.
    Ok(format!("{:x}", Sha256::new().chain_update(key).chain_update(customer).finalize()))
}
