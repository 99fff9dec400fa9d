//! What the outbox is to be told of pages that a run began to write, and does not come to finish.
//!
//! - A deployment that only imports is not told who was erased, so a run asks who is there once it has written
//!   a page of customers. Of a page of orders, whose events make profiles, it cannot.
//! - Prices that a page of products brings may become others while a job that has them is still to be
//!   carried out. The outbox gets the times of that when all of the page is with Klaviyo.
//!
//! Table `open_pages` has a row for each such page, from before its first write until that is done. A row
//! without a page is one that no run finishes: of a machine that is gone, or of orders. It is handed over
//! ([`super::hand_over`]) once no run may write any more.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::import::machine::{OpenPage, RunSaving};
use crate::import::run::ImportRun;
use crate::json::read_bytes;
use crate::storage::sql::{RowId, Sql, SqlError, SqlValue};

/// Pages that are handed over at once: a page has at most 500 changes of some 200 bytes.
const AT_ONCE: u32 = 20;

/// A page that is stored.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StoredPage {
    seq: RowId,
    /// What is told of it, as a JSON list.
    changes: String,
}

impl StoredPage {
    /// The changes.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub(super) fn changes(&self) -> Result<Vec<Map<String, Value>>, SqlError> {
        Ok(read_bytes(self.changes.as_bytes())?)
    }
}

/// Keeps pages that are going to be written, and forgets those that are finished.
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

/// The machine is made anew, and finishes none of the pages that there are.
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
