//! What was deleted in commercetools, or erased, while a run may still write it.
//!
//! A run that read a record before it was deleted can write it after the notification of that was
//! delivered. No query tells of what is gone, so the Worker tells this object of each such
//! notification (table `gone_in_run`); when no run is active any more, they are handed over to the
//! outbox, which sees to it that Klaviyo does not have them, and that who was erased stays so.

use serde::Deserialize;
use worker::{Env, Result, SqlStorage};

use crate::commercetools::notification::{Notification, NotificationKind};
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::edge::outbox::{self, EraseAgain};
use crate::realtime::deliver::change;
use crate::engine::backoff::JOB_IN_DOUBT;

/// The type of customers; only those who were erased are remembered.
pub(super) const CUSTOMER: &str = "customer";

/// The product or category that a notification says is deleted: its type and id.
pub(super) fn deleted(notification: &Notification) -> Option<(&str, &Id)> {
    let resource = notification.resource.as_ref()?;
    let is_gone = match &notification.kind {
        NotificationKind::Deleted => true,
        NotificationKind::Message(message) => message.name == "ProductDeleted",
        NotificationKind::Created | NotificationKind::Updated | NotificationKind::Other(_) => false,
    };
    let of_type = resource.type_id.as_str();
    (is_gone && matches!(of_type, "product" | "category")).then_some((of_type, &resource.id))
}

/// Remembers what is gone, until no run is active.
pub(super) fn remember(sql: &SqlStorage, of_type: &str, id: &Id) -> Result<()> {
    sql.exec(
        "INSERT OR IGNORE INTO gone_in_run (type, id) VALUES (?, ?)",
        vec![of_type.into(), id.as_str().into()],
    )?;
    Ok(())
}

/// Hands over all that is gone. Unless all runs are `settled`, a job may still be under way that
/// one of them left: then who was erased is erased once more when Klaviyo is done with it.
pub(super) async fn hand_over(
    env: &Env,
    config: &Config,
    sql: &SqlStorage,
    settled: bool,
) -> Result<()> {
    #[derive(Deserialize)]
    struct Row {
        r#type: String,
        id: Id,
    }
    let rows: Vec<Row> = sql.exec("SELECT type, id FROM gone_in_run", None)?.to_array()?;
    if rows.is_empty() {
        return Ok(());
    }
    let (customers, others): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.r#type == CUSTOMER);
    let customers: Vec<_> = customers.into_iter().map(|row| row.id.clone()).collect();
    let in_doubt = u64::try_from(JOB_IN_DOUBT.as_millis()).unwrap_or(u64::MAX);
    let asked = EraseAgain { customers, wait_ms: if settled { 0 } else { in_doubt } };
    outbox::erase_again(env, config, &asked).await?;
    let changes: Vec<_> = others.into_iter().map(|row| change(&row.r#type, &row.id)).collect();
    outbox::park_changes(env, config, &changes).await?;
    // What was told meanwhile stays for the next time.
    for row in rows {
        sql.exec(
            "DELETE FROM gone_in_run WHERE type = ? AND id = ?",
            vec![row.r#type.as_str().into(), row.id.as_str().into()],
        )?;
    }
    Ok(())
}
