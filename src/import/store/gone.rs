//! What was deleted in commercetools, or erased, while a run may still write it.
//!
//! A run that read a record before it was deleted can write it after the notification of that was
//! delivered. No query tells of what is gone, so the Worker tells the object of each such
//! notification (table `gone_in_run`); when no run is active any more, they are handed over to the
//! outbox ([`super::hand_over`]). Once no write of a run is to come, it sees to it that Klaviyo does not
//! have them, and that who was erased stays so.

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
    /// Its id, or the SKU of stock and of a standalone price.
    pub id: Id,
}

/// commercetools' name of an inventory entry.
const STOCK: &str = "inventory-entry";

/// commercetools' name of a standalone price.
const PRICE: &str = "standalone-price";

/// Messages that say that something is deleted.
const MESSAGES: [&str; 4] =
    ["ProductDeleted", "VariantDeleted", "InventoryEntryDeleted", "StandalonePriceDeleted"];

/// The type of customers; only those who were erased are remembered.
pub const CUSTOMER: &str = "customer";

/// What a notification says is deleted, if a run may write it: a product or category by its id; stock and
/// a standalone price by their SKU, which is what is left of them; a variant by its product.
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
    /// The notification that asks for it once more.
    pub(super) fn told_again(&self) -> Map<String, Value> {
        let mut told = change(&self.of_type, self.id.as_str());
        if matches!(self.of_type.as_str(), STOCK | PRICE) {
            told.insert("notificationType".to_owned(), "ResourceDeleted".into());
            told.insert("sku".to_owned(), self.id.as_str().into());
        }
        told
    }
}

/// Remembers what is gone, if a run may still write it.
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
