//! Customers whose profiles a run may have written, and of whom nobody asked since whether they are there.
//!
//! A deployment that only imports is not told who was erased, so a run asks who is there once it has
//! written ([`crate::import::work`]). Whoever it did not come to ask for, since the object went down or the
//! run ended, is left to the outbox ([`super::hand_over`]).
//!
//! Table `unasked` has a row for each page of such a run, from before its first write until all of it was
//! asked for. A row without a page is one of which nobody will ask: of a machine that is gone, or of orders,
//! whose events make profiles, too.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::commercetools::reference::Id;
use crate::import::machine::WrittenPage;
use crate::import::run::ImportRun;
use crate::json::read_bytes;
use crate::push::plan::customer::written_since;
use crate::storage::sql::{RowId, Sql, SqlError, SqlValue};
use crate::time::UnixMs;

/// Pages that are handed over at once: a page has at most 500 customers, each some 200 bytes as a change.
const AT_ONCE: u32 = 20;

/// A page that was not asked for.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct UnaskedPage {
    seq: RowId,
    /// When its run began: Klaviyo has a profile from before then not from that run.
    since: UnixMs,
    /// The ids of its customers, as a JSON list.
    customers: String,
}

impl UnaskedPage {
    /// What asks for each of its customers.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub(super) fn changes(&self) -> Result<Vec<Map<String, Value>>, SqlError> {
        let customers: Vec<Id> = read_bytes(self.customers.as_bytes())?;
        let since: DateTime<Utc> = self.since.to_utc().unwrap_or_default();
        Ok(customers.iter().map(|customer| written_since(customer, since)).collect())
    }
}

/// Keeps pages that are going to be written, and forgets those that were asked for.
pub(super) fn save(
    sql: &dyn Sql,
    run: &ImportRun,
    written: &[WrittenPage],
    asked: &[u32],
) -> Result<(), SqlError> {
    for WrittenPage { page, customers } in written {
        sql.exec(
            "INSERT INTO unasked (page, since, customers) VALUES (?, ?, ?)",
            vec![
                page.map_or(SqlValue::Null, SqlValue::from),
                UnixMs::from(run.started_at).into(),
                serde_json::to_string(customers)?.into(),
            ],
        )?;
    }
    for page in asked {
        sql.exec("DELETE FROM unasked WHERE page = ?", vec![(*page).into()])?;
    }
    Ok(())
}

/// The machine is made anew: it asks for none of the pages that there are.
pub(super) fn leave_all(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.exec("UPDATE unasked SET page = NULL WHERE page IS NOT NULL", vec![])?;
    Ok(())
}

/// The first pages that nobody asked for.
pub(super) fn first(sql: &dyn Sql) -> Result<Vec<UnaskedPage>, SqlError> {
    let query = "SELECT seq, since, customers FROM unasked ORDER BY seq LIMIT ?";
    sql.exec(query, vec![AT_ONCE.into()])?.read()
}

/// These are handed over.
pub(super) fn forget(sql: &dyn Sql, pages: &[UnaskedPage]) -> Result<(), SqlError> {
    for UnaskedPage { seq, .. } in pages {
        sql.exec("DELETE FROM unasked WHERE seq = ?", vec![(*seq).into()])?;
    }
    Ok(())
}
