//! The newest items that the broker did not deliver in time (table `lost`).

use crate::feed::state::{KnownVersion, LostItem};
use crate::storage::sql::{Sql, SqlError};

/// How many are kept: if more are lost, a late delivery of an older one is not recognised.
const KEPT: usize = 10_000;

/// How many the endpoint shows.
const SHOWN: usize = 100;

/// The broker lost these.
pub fn add(sql: &dyn Sql, all: &[LostItem]) -> Result<(), SqlError> {
    if all.is_empty() {
        return Ok(());
    }
    sql.exec(
        "INSERT INTO lost (key, version, id, type, at)
         SELECT value ->> 'key', value ->> 'version', value ->> 'id', value ->> 'type', value ->> 'at'
         FROM json_each(?) WHERE true
         ON CONFLICT (key) DO UPDATE SET version = excluded.version, at = excluded.at",
        vec![serde_json::to_string(all)?.into()],
    )?;
    sql.exec(
        "DELETE FROM lost WHERE key IN (
            SELECT key FROM lost ORDER BY at DESC, key LIMIT -1 OFFSET ?)",
        vec![KEPT.into()],
    )?;
    Ok(())
}

/// The broker delivered these; returns how many of them counted as lost.
pub fn came(sql: &dyn Sql, all: &[KnownVersion]) -> Result<u64, SqlError> {
    let came: Vec<String> = sql
        .exec(
            "DELETE FROM lost WHERE EXISTS (
                SELECT 1 FROM json_each(?)
                WHERE value ->> 'key' = lost.key AND value ->> 'version' >= lost.version)
             RETURNING key",
            vec![serde_json::to_string(all)?.into()],
        )?
        .column()?;
    Ok(u64::try_from(came.len()).unwrap_or(u64::MAX))
}

/// The last ones, the newest first.
pub fn newest(sql: &dyn Sql) -> Result<Vec<LostItem>, SqlError> {
    sql.exec(
        "SELECT key, version, id, type, at FROM lost ORDER BY at DESC, key LIMIT ?",
        vec![SHOWN.into()],
    )?
    .read()
}
