//! Skipped records: records of the newest run of a kind that needed nothing sent, and why.
//!
//! Table `skipped` has the last [`MOST`] of them, numbered in the order of their count. A shop may have millions, such
//! as orders without a customer, so each costs one write and has no index: a search by id looks through few rows. A new
//! run deletes those of the run before.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::commercetools::reference::Id;
use crate::import::kind::ImportKind;
use crate::import::machine::SkippedRecord;
use crate::import::run::ImportRun;
use crate::storage::sql::{RowId, Sql, SqlError};
use crate::time::UnixMs;

/// How many records of a run are kept.
const MOST: usize = 10_000;

/// Records on one page.
const PAGE: usize = 100;

/// Keeps the records that count.
pub(super) fn save(
    sql: &dyn Sql,
    run: &ImportRun,
    records: &[SkippedRecord],
) -> Result<(), SqlError> {
    let counted: Vec<_> = records.iter().filter(|record| record.is_counted).collect();
    if counted.is_empty() {
        return Ok(());
    }
    let kind = run.kind.name();
    let last = &counted[counted.len().saturating_sub(MOST)..];
    sql.exec(
        "INSERT INTO skipped (kind, seq, id, code, run, at)
         SELECT ?1, key + 1 + (SELECT COALESCE(MAX(seq), 0) FROM skipped WHERE kind = ?1),
             json_extract(value, '$.id'), json_extract(value, '$.code'), ?2, ?3
         FROM json_each(?4)",
        vec![
            kind.into(),
            run.id.as_str().into(),
            UnixMs::from(run.updated_at).into(),
            serde_json::to_string(last)?.into(),
        ],
    )?;
    sql.exec(
        "DELETE FROM skipped WHERE kind = ?1
             AND seq <= (SELECT MAX(seq) FROM skipped WHERE kind = ?1) - ?2",
        vec![kind.into(), MOST.into()],
    )?;
    Ok(())
}

/// Deletes all of a kind.
pub(super) fn delete_all(sql: &dyn Sql, kind: ImportKind) -> Result<(), SqlError> {
    sql.exec("DELETE FROM skipped WHERE kind = ?", vec![kind.name().into()])?;
    Ok(())
}

/// Deletes the entry of a skipped record.
pub fn delete_one(sql: &dyn Sql, kind: ImportKind, id: &Id) -> Result<(), SqlError> {
    sql.exec(
        "DELETE FROM skipped WHERE kind = ? AND id = ?",
        vec![kind.name().into(), id.as_str().into()],
    )?;
    Ok(())
}

/// A row of `skipped`.
#[derive(Deserialize)]
struct SkippedRow {
    seq: RowId,
    id: String,
    code: String,
    run: String,
    at: UnixMs,
}

impl SkippedRow {
    fn shown(&self) -> Value {
        json!({ "id": self.id, "code": self.code, "run": self.run, "at": self.at.shown() })
    }
}

/// The entry of a record, if it was skipped.
pub fn one(sql: &dyn Sql, kind: ImportKind, id: &Id) -> Result<Option<Value>, SqlError> {
    let query = "SELECT seq, id, code, run, at FROM skipped
         WHERE kind = ? AND id = ? ORDER BY seq DESC LIMIT 1";
    let row: Option<SkippedRow> =
        sql.exec(query, vec![kind.name().into(), id.as_str().into()])?.first()?;
    Ok(row.as_ref().map(SkippedRow::shown))
}

/// A page of entries, the newest first. `cursor` is the number of the last row of the page before.
pub fn page(sql: &dyn Sql, kind: ImportKind, cursor: Option<RowId>) -> Result<Value, SqlError> {
    let query = "SELECT seq, id, code, run, at FROM skipped
         WHERE kind = ? AND seq < ? ORDER BY seq DESC LIMIT ?";
    let values = vec![kind.name().into(), cursor.unwrap_or(RowId::MAX).into(), (PAGE + 1).into()];
    let mut rows: Vec<SkippedRow> = sql.exec(query, values)?.read()?;
    let goes_on = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| goes_on).map(|row| row.seq.to_string());
    let shown: Vec<_> = rows.iter().map(SkippedRow::shown).collect();
    Ok(json!({ "skipped": shown, "next": next }))
}
