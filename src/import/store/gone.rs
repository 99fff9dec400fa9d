//! What was deleted in commercetools, or erased, while a run may still write it.
//!
//! A run that read a record before it was deleted can write it after the notification of that was
//! delivered. No query tells of what is gone, so the Worker tells the object of each such
//! notification (table `gone_in_run`); when no run is active any more, they are handed over to the
//! outbox ([`super::hand_over`]). Once no write of a run is to come, it sees to it that Klaviyo does not
//! have them, and that who was erased stays so.

use serde::Deserialize;

use super::{doubt, runs};
use crate::commercetools::notification::{Notification, NotificationKind};
use crate::commercetools::reference::Id;
use crate::config::rules::OperatorRules;
use crate::storage::sql::{Sql, SqlError};

/// A record that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GoneRecord {
    /// commercetools' name of its type.
    #[serde(rename = "type")]
    pub of_type: String,
    #[expect(missing_docs, reason = "as its name says")]
    pub id: Id,
}

/// The type of customers; only those who were erased are remembered.
pub const CUSTOMER: &str = "customer";

/// The product or category that a notification says is deleted: its type and id.
#[must_use]
pub fn deleted(notification: &Notification) -> Option<(&str, &Id)> {
    let resource = notification.resource.as_ref()?;
    let is_gone = match &notification.kind {
        NotificationKind::Deleted => true,
        NotificationKind::Message(message) => message.name == "ProductDeleted",
        NotificationKind::Created | NotificationKind::Updated | NotificationKind::Other(_) => false,
    };
    let of_type = resource.type_id.as_str();
    (is_gone && matches!(of_type, "product" | "category")).then_some((of_type, &resource.id))
}

/// Remembers what is gone, if a run may still write it (`now` in ms since 1970 UTC).
pub fn remember(
    sql: &dyn Sql,
    rules: &OperatorRules,
    of_type: &str,
    id: &Id,
    now: u64,
) -> Result<(), SqlError> {
    if doubt::until(sql)? <= now && !runs::is_any_active(sql, rules)? {
        return Ok(());
    }
    sql.exec(
        "INSERT OR IGNORE INTO gone_in_run (type, id) VALUES (?, ?)",
        vec![of_type.into(), id.as_str().into()],
    )?;
    Ok(())
}

/// All that is gone.
pub fn all(sql: &dyn Sql) -> Result<Vec<GoneRecord>, SqlError> {
    sql.exec("SELECT type, id FROM gone_in_run", vec![])?.read()
}

/// Forgets what was handed over; what was told meanwhile stays for the next time.
pub fn forget(sql: &dyn Sql, handed_over: &[GoneRecord]) -> Result<(), SqlError> {
    for GoneRecord { of_type, id } in handed_over {
        sql.exec(
            "DELETE FROM gone_in_run WHERE type = ? AND id = ?",
            vec![of_type.as_str().into(), id.as_str().into()],
        )?;
    }
    Ok(())
}
