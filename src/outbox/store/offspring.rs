//! Parking what another notification gives rise to.

use serde_json::{Map, Value};

use super::new_parked::NewParked;
use super::park::park;
use crate::commercetools::notification::Notification;
use crate::config::rules::OperatorRules;
use crate::push::parking::planned_slot;
use crate::storage::sql::{Sql, SqlError};

/// Parks these notifications, to be tried now, but not before a time (ms since 1970 UTC); those that
/// need nothing are left out.
pub fn park_offspring(
    sql: &dyn Sql,
    rules: &OperatorRules,
    notifications: Vec<Map<String, Value>>,
    not_before: u64,
    now: u64,
) -> Result<(), SqlError> {
    for notification in notifications.into_iter().filter_map(|raw| Notification::read(raw).ok()) {
        let Some(slot) = planned_slot(rules, &notification) else { continue };
        let new = NewParked::not_before(slot, not_before, now);
        park(sql, &new, Value::Object(notification.raw).to_string().as_bytes())?;
    }
    Ok(())
}
