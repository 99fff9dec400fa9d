//! Parks notifications that another notification leads to.

use serde_json::{Map, Value};

use super::new_parked::NewParked;
use super::park::park;
use crate::commercetools::notification::Notification;
use crate::config::rules::OperatorRules;
use crate::push::parking::planned_slot;
use crate::push::plan::price_edge::edge_of;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// Parks these notifications for a try now, but not before a time; leaves out those without work. A
/// notification for an edge of a product's prices is tried at the edge, and once more at that time,
/// if the edge comes first.
pub fn park_offspring(
    sql: &dyn Sql,
    rules: &OperatorRules,
    notifications: Vec<Map<String, Value>>,
    not_before: UnixMs,
    now: UnixMs,
) -> Result<(), SqlError> {
    for notification in notifications.into_iter().filter_map(|raw| Notification::read(raw).ok()) {
        let Some(slot) = planned_slot(rules, &notification) else { continue };
        let new = match edge_of(&notification) {
            // A write of the product under way may bring the prices from before the edge.
            Some(edge) => {
                let doubtful_until = if not_before > now { not_before } else { UnixMs::EPOCH };
                NewParked::at_edge(slot, UnixMs::from(edge), doubtful_until)
            }
            None => NewParked::not_before(slot, not_before, now),
        };
        park(sql, &new, Value::Object(notification.raw).to_string().as_bytes())?;
    }
    Ok(())
}
