//! How far the feed is, as one JSON document ([`FeedState`]).

use crate::feed::state::FeedState;
use crate::storage::document;
use crate::storage::sql::{Sql, SqlError};

/// How far it is; nowhere if it has not begun.
pub fn load(sql: &dyn Sql) -> Result<FeedState, SqlError> {
    Ok(document::load(sql)?.unwrap_or_default())
}

/// Stores how far it is.
pub fn save(sql: &dyn Sql, state: &FeedState) -> Result<(), SqlError> {
    document::save(sql, state)
}

/// Forgets how far it is, and what was handed on: it begins anew.
pub fn forget(sql: &dyn Sql) -> Result<(), SqlError> {
    for table in ["state", "known", "categories", "lost"] {
        sql.exec(&format!("DELETE FROM {table}"), vec![])?;
    }
    Ok(())
}
