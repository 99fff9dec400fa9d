//! Parking what another notification gives rise to.

use serde_json::{Map, Value};
use worker::{Result, SqlStorage};

use super::parked::{self, NewParked};
use crate::commercetools::notification::Notification;
use crate::config::Config;
use crate::edge::delivery::work_of;
use crate::fault::TransientFault;
use crate::realtime::parking::slot;

/// Parks these notifications, to be tried now; those that need nothing are left out.
pub(super) fn park(
    sql: &SqlStorage,
    config: &Config,
    notifications: Vec<Map<String, Value>>,
) -> Result<()> {
    for notification in notifications.into_iter().filter_map(|raw| Notification::read(raw).ok()) {
        let Ok(work) = work_of(config, &notification) else { continue };
        let new = NewParked::now(slot(&notification, &work), TransientFault::Follows);
        parked::park(sql, &new, Value::Object(notification.raw).to_string().as_bytes())?;
    }
    Ok(())
}
