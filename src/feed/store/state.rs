//! How far the feed has read, as one JSON document ([`FeedState`]).

use crate::feed::state::FeedState;
use crate::storage::document;
use crate::storage::sql::{Sql, SqlError};

/// The stored state; the initial one if the feed has not begun.
pub fn load(sql: &dyn Sql) -> Result<FeedState, SqlError> {
    Ok(document::load(sql)?.unwrap_or_default())
}

/// Stores the state.
pub fn save(sql: &dyn Sql, state: &FeedState) -> Result<(), SqlError> {
    document::save(sql, state)
}

/// Deletes the state, and what was passed on: the feed starts over.
pub fn forget(sql: &dyn Sql) -> Result<(), SqlError> {
    for table in ["state", "known", "categories", "lost"] {
        sql.exec(&format!("DELETE FROM {table}"), vec![])?;
    }
    Ok(())
}
