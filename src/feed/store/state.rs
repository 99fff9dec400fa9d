//! How far the feed is, as one JSON document ([`FeedState`]).

use crate::feed::state::FeedState;
use crate::storage::sql::{Sql, SqlError};

/// How far it is; nowhere if it has not begun.
pub fn load(sql: &dyn Sql) -> Result<FeedState, SqlError> {
    let stored: Option<String> = sql.exec("SELECT content FROM state", vec![])?.value()?;
    Ok(stored.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default())
}

/// Stores how far it is.
pub fn save(sql: &dyn Sql, state: &FeedState) -> Result<(), SqlError> {
    sql.exec(
        "INSERT INTO state (only, content) VALUES (1, ?)
         ON CONFLICT (only) DO UPDATE SET content = excluded.content",
        vec![serde_json::to_string(state)?.into()],
    )?;
    Ok(())
}

/// Forgets how far it is, and what was handed on: it begins anew.
pub fn forget(sql: &dyn Sql) -> Result<(), SqlError> {
    for table in ["state", "known", "categories", "lost"] {
        sql.exec(&format!("DELETE FROM {table}"), vec![])?;
    }
    Ok(())
}
