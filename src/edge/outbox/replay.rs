//! Trying dead letters again.

use serde_json::Value;
use worker::{Result, SqlStorage};

use super::dead_letters;
use super::parked::{self, NewParked};
use crate::config::Config;
use crate::edge::delivery::work_of;
use crate::fault::TransientFault;
use crate::realtime::envelope::{self, PushedItem};
use crate::realtime::parking::{slot, slot_of_fact};

/// Parks what a dead letter holds, to be tried now; whether there is such a letter. One that holds
/// something else than notifications stays where it is.
pub(super) fn replay(sql: &SqlStorage, config: &Config, id: &str) -> Result<bool> {
    let Some(row) = dead_letters::find(sql, id)? else { return Ok(false) };
    let content = dead_letters::content(sql, &row)?;
    let mut all_parked = true;
    for item in envelope::decode(&content, None).items {
        match item {
            PushedItem::Notification(notification) => {
                let slot = match work_of(config, &notification) {
                    Ok(work) => slot(&notification, &work),
                    Err(_) => slot_of_fact(&notification),
                };
                let new = NewParked::now(slot, TransientFault::Replayed);
                let content = Value::Object(notification.raw).to_string();
                parked::park(sql, &new, content.as_bytes())?;
            }
            PushedItem::Refused { .. } => all_parked = false,
        }
    }
    if all_parked {
        dead_letters::delete(sql, id)?;
    }
    Ok(true)
}
