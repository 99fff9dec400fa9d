//! Tries dead letters again.

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

/// Parks the notification of a dead letter for a try now; returns whether the letter exists. A letter that holds no
/// notification stays.
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
                // The notification may need nothing by now: then its try has that outcome.
                let slot = planned_slot(rules, &notification);
                let slot = slot.unwrap_or_else(|| slot_of_fact(&notification));
                let new = NewParked::now(slot, TransientFault::Replayed, now);
                // If it fails again, it shows the total number of tries.
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
