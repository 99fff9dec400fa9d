//! Known categories, each with the number of the last round that met it (table `categories`).

use crate::commercetools::reference::Id;
use crate::storage::sql::{Sql, SqlError};

/// How many missing ones one statement returns.
const MISSING: usize = 500;

/// A round met these.
pub fn met(sql: &dyn Sql, ids: &[Id], round: u64) -> Result<(), SqlError> {
    sql.exec(
        "INSERT INTO categories (id, round) SELECT value, ?2 FROM json_each(?1) WHERE true
         ON CONFLICT (id) DO UPDATE SET round = excluded.round",
        vec![serde_json::to_string(ids)?.into(), round.into()],
    )?;
    Ok(())
}

/// The categories that a round did not meet.
pub fn missing(sql: &dyn Sql, round: u64) -> Result<Vec<Id>, SqlError> {
    sql.exec(
        "SELECT id FROM categories WHERE round < ? ORDER BY id LIMIT ?",
        vec![round.into(), MISSING.into()],
    )?
    .column()
}

/// A category is gone.
pub fn gone(sql: &dyn Sql, id: &Id) -> Result<(), SqlError> {
    sql.exec("DELETE FROM categories WHERE id = ?", vec![id.as_str().into()])?;
    Ok(())
}
