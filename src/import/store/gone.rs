//! Records that were deleted in commercetools, or erased, while a run may still write them.
//!
//! A run that read a record before its deletion can write it after the notification of the deletion was delivered. No
//! query finds deleted records, so the Worker passes each such notification to the object (table `gone_in_run`). When
//! no run is active any more, the object hands them over to the outbox ([`super::hand_over`]). As soon as no write of a
//! run can follow, the outbox makes sure that Klaviyo does not have the records, and that erased customers stay erased.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{doubt, runs};
use crate::commercetools::notification::{Notification, NotificationKind, change};
use crate::commercetools::reference::{Id, IdReference};
use crate::config::rules::OperatorRules;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// A record that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GoneRecord {
    /// commercetools' name of its type.
    #[serde(rename = "type")]
    pub of_type: String,
    /// Its id; for stock and a standalone price, the SKU.
    pub id: Id,
}

/// commercetools' name of an inventory entry.
const STOCK: &str = "inventory-entry";

/// commercetools' name of a standalone price.
const PRICE: &str = "standalone-price";

/// Messages that report a deletion.
const MESSAGES: [&str; 4] =
    ["ProductDeleted", "VariantDeleted", "InventoryEntryDeleted", "StandalonePriceDeleted"];

/// The type of customers; only erased ones are remembered.
pub const CUSTOMER: &str = "customer";

/// What a notification reports as deleted, if a run may write it: a product or category by its id; stock and a
/// standalone price by their SKU, the only thing left of them; a variant by its product.
#[must_use]
pub fn deleted(notification: &Notification) -> Option<GoneRecord> {
    let resource = notification.resource.as_ref()?;
    let is_gone = match &notification.kind {
        NotificationKind::Deleted => true,
        NotificationKind::Message(message) => MESSAGES.contains(&message.name.as_str()),
        NotificationKind::Created | NotificationKind::Updated | NotificationKind::Other(_) => false,
    };
    if !is_gone {
        return None;
    }
    let sku = || notification.field("sku").or_else(|| notification.sku()).and_then(Id::new);
    let product = || notification.field("product").map(|product: IdReference| product.id);
    let (of_type, id) = match resource.type_id.as_str() {
        of_type @ ("product" | "category") => (of_type, resource.id.clone()),
        of_type @ (STOCK | PRICE) => (of_type, sku()?),
        "variant" => ("product", product()?),
        _ => return None,
    };
    Some(GoneRecord { of_type: of_type.to_owned(), id })
}

impl GoneRecord {
    /// A notification that reports it again.
    pub(super) fn told_again(&self) -> Map<String, Value> {
        let mut told = change(&self.of_type, self.id.as_str());
        if matches!(self.of_type.as_str(), STOCK | PRICE) {
            told.insert("notificationType".to_owned(), "ResourceDeleted".into());
            told.insert("sku".to_owned(), self.id.as_str().into());
        }
        told
    }
}

/// Remembers a deleted record, if a run may still write it.
pub fn remember(
    sql: &dyn Sql,
    rules: &OperatorRules,
    of_type: &str,
    id: &Id,
    now: UnixMs,
) -> Result<(), SqlError> {
    if doubt::until(sql)? <= now && !runs::may_any_write(sql, rules)? {
        return Ok(());
    }
    sql.exec(
        "INSERT OR IGNORE INTO gone_in_run (type, id) VALUES (?, ?)",
        vec![of_type.into(), id.as_str().into()],
    )?;
    Ok(())
}

/// All of them.
pub fn all(sql: &dyn Sql) -> Result<Vec<GoneRecord>, SqlError> {
    sql.exec("SELECT type, id FROM gone_in_run", vec![])?.read()
}

/// Deletes what was handed over; records that came meanwhile stay for the next time.
pub fn forget(sql: &dyn Sql, handed_over: &[GoneRecord]) -> Result<(), SqlError> {
    for GoneRecord { of_type, id } in handed_over {
        sql.exec(
            "DELETE FROM gone_in_run WHERE type = ? AND id = ?",
            vec![of_type.as_str().into(), id.as_str().into()],
        )?;
    }
    Ok(())
}
