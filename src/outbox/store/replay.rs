//! Trying dead letters again.

use serde_json::Value;

use super::dead_letters;
use super::new_parked::NewParked;
use super::park::park;
use crate::config::rules::OperatorRules;
use crate::fault::TransientFault;
use crate::push::envelope::{self, PushedItem};
use crate::push::parking::{planned_slot, slot_of_fact};
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// Parks what a dead letter holds, to be tried now; whether there is such a letter. One that holds
/// something else than notifications stays where it is.
pub fn replay(
    sql: &dyn Sql,
    rules: &OperatorRules,
    id: &str,
    now: UnixMs,
) -> Result<bool, SqlError> {
    let Some(row) = dead_letters::find(sql, id)? else { return Ok(false) };
    let content = dead_letters::content(sql, &row)?;
    let mut all_parked = true;
    for item in envelope::decode(&content, None).items {
        match item {
            PushedItem::Notification(notification) => {
                // What it asks for may be nothing by now: that is its outcome then, when it is tried.
                let slot = planned_slot(rules, &notification);
                let slot = slot.unwrap_or_else(|| slot_of_fact(&notification));
                let new = NewParked::now(slot, TransientFault::Replayed, now);
                // One that fails again says how often it was tried in all.
                let new = NewParked { attempts: row.attempts, ..new };
                let content = Value::Object(notification.raw).to_string();
                park(sql, &new, content.as_bytes())?;
            }
            PushedItem::Refused { .. } => all_parked = false,
        }
    }
    if all_parked {
        dead_letters::delete(sql, id)?;
    }
    Ok(true)
}
