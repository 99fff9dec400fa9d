//! Changes that the outbox has to get if a run begins to write a page and does not finish it.
//!
//! - A deployment that only imports does not learn who was erased. So a run asks which customers still exist after it
//!   has written a page of customers. It cannot do so for a page of orders, whose events create profiles.
//! - The prices of a page of products may change while Klaviyo still has to carry out a job with them. The outbox gets
//!   the times of these changes when all of the page is with Klaviyo.
//!
//! Table `open_pages` has a row for each such page, from before its first write until that is done. A row without a
//! page belongs to a page that no run finishes: its machine is gone, or it has orders. It is handed over
//! ([`super::hand_over`]) as soon as no run may write any more.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::import::machine::{OpenPage, RunSaving};
use crate::import::run::ImportRun;
use crate::json::read_bytes;
use crate::storage::sql::{RowId, Sql, SqlError, SqlValue};

/// Pages in one hand-over: a page has at most 500 changes of some 200 bytes.
const AT_ONCE: u32 = 20;

/// A stored page.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StoredPage {
    seq: RowId,
    /// Its changes, as a JSON list.
    changes: String,
}

impl StoredPage {
    /// The changes.
    ///
    /// # Errors
    /// The stored changes cannot be read.
    pub(super) fn changes(&self) -> Result<Vec<Map<String, Value>>, SqlError> {
        Ok(read_bytes(self.changes.as_bytes())?)
    }
}

/// Stores pages before they are written, and deletes finished ones.
pub(super) fn save(sql: &dyn Sql, run: &ImportRun, saving: &RunSaving) -> Result<(), SqlError> {
    let RunSaving { opened, finished, .. } = saving;
    for OpenPage { page, changes } in opened {
        sql.exec(
            "INSERT INTO open_pages (run, page, changes) VALUES (?, ?, ?)",
            vec![
                run.id.as_str().into(),
                page.map_or(SqlValue::Null, SqlValue::from),
                serde_json::to_string(changes)?.into(),
            ],
        )?;
    }
    for page in finished {
        sql.exec(
            "DELETE FROM open_pages WHERE run = ? AND page = ?",
            vec![run.id.as_str().into(), (*page).into()],
        )?;
    }
    Ok(())
}

/// A new machine starts, and finishes none of the stored pages.
pub(super) fn leave_all(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.exec("UPDATE open_pages SET page = NULL WHERE page IS NOT NULL", vec![])?;
    Ok(())
}

/// The first pages.
pub(super) fn first(sql: &dyn Sql) -> Result<Vec<StoredPage>, SqlError> {
    let query = "SELECT seq, changes FROM open_pages ORDER BY seq LIMIT ?";
    sql.exec(query, vec![AT_ONCE.into()])?.read()
}

/// These are handed over.
pub(super) fn forget(sql: &dyn Sql, pages: &[StoredPage]) -> Result<(), SqlError> {
    for StoredPage { seq, .. } in pages {
        sql.exec("DELETE FROM open_pages WHERE seq = ?", vec![(*seq).into()])?;
    }
    Ok(())
}
