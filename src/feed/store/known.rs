//! Messages and versions of resources that were passed on, or need nothing (table `known`): each is passed on once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::commercetools::keyset::StampedResource;
use crate::feed::state::KnownVersion;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// How much longer versions are kept than the feed can meet them: a message and its resource are stamped one after the
/// other.
const MARGIN: Duration = Duration::from_mins(2);

/// The known versions of these keys.
pub fn of<'a>(
    sql: &dyn Sql,
    keys: impl Iterator<Item = &'a str>,
) -> Result<BTreeMap<String, u64>, SqlError> {
    #[derive(Deserialize)]
    struct KnownRow {
        key: String,
        version: u64,
    }
    let keys: Vec<_> = keys.collect();
    let rows: Vec<KnownRow> = sql
        .exec(
            "SELECT key, version FROM known WHERE key IN (SELECT value FROM json_each(?))",
            vec![serde_json::to_string(&keys)?.into()],
        )?
        .read()?;
    Ok(rows.into_iter().map(|row| (row.key, row.version)).collect())
}

/// Remembers these. Of two versions the newer one counts.
pub fn remember(sql: &dyn Sql, all: &[KnownVersion]) -> Result<(), SqlError> {
    if all.is_empty() {
        return Ok(());
    }
    sql.exec(
        "INSERT INTO known (key, resource, version, at)
         SELECT value ->> 'key', value ->> 'of', value ->> 'version', value ->> 'at'
         FROM json_each(?) WHERE true
         ON CONFLICT (key) DO UPDATE SET version = MAX(version, excluded.version),
            at = MAX(at, excluded.at)",
        vec![serde_json::to_string(all)?.into()],
    )?;
    Ok(())
}

/// Deletes those stamped before a time, since the feed does not meet them again.
pub fn forget(sql: &dyn Sql, of: StampedResource, before: UnixMs) -> Result<(), SqlError> {
    sql.exec(
        "DELETE FROM known WHERE resource = ? AND at < ?",
        vec![
            serde_json::to_value(of)?.as_str().unwrap_or_default().into(),
            (before - MARGIN).into(),
        ],
    )?;
    Ok(())
}
