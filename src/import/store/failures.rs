//! Failures: records that an import could not send, with the reason. The newest reason of a record
//! counts. A failure is gone when the record was sent by a run over a list, when a full run read it
//! without failing, or when the customer is erased.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::commercetools::reference::Id;
use crate::import::machine::RunSaving;
use crate::import::run::{ImportKind, ImportRun, RunSelection, RunState};
use crate::storage::sql::{Sql, SqlError, StoredTime};

/// Failures on one page.
const PAGE: usize = 100;

/// Stores what became of records.
pub fn save(sql: &dyn Sql, run: &ImportRun, saving: &RunSaving) -> Result<(), SqlError> {
    let kind = run.kind.name();
    for failure in &saving.failures {
        sql.exec(
            "INSERT INTO failures (kind, id, code, detail, pointer, run, at)
             VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (kind, id) DO UPDATE SET code = excluded.code, detail = excluded.detail,
                pointer = excluded.pointer, run = excluded.run, at = excluded.at",
            vec![
                kind.into(),
                failure.id.as_str().into(),
                failure.code.as_str().into(),
                failure.detail.as_str().into(),
                failure.pointer.clone().into(),
                run.id.as_str().into(),
                run.updated_at.timestamp_millis().into(),
            ],
        )?;
    }
    for id in &saving.healed {
        delete(sql, run.kind, id.as_str())?;
    }
    if run.state == RunState::Completed && run.selection == RunSelection::Full {
        sql.exec(
            "DELETE FROM failures WHERE kind = ? AND run <> ?",
            vec![kind.into(), run.id.as_str().into()],
        )?;
    }
    Ok(())
}

/// A page of the failures of a kind, by the id of the record; the cursor is the last id of the page
/// before.
pub fn page(sql: &dyn Sql, kind: ImportKind, cursor: &str) -> Result<Value, SqlError> {
    #[derive(Deserialize)]
    struct FailureRow {
        id: String,
        code: String,
        detail: String,
        pointer: Option<String>,
        run: String,
        at: StoredTime,
    }
    let query = format!(
        "SELECT id, code, detail, pointer, run, at FROM failures WHERE kind = ? AND id > ?
         ORDER BY id LIMIT {}",
        PAGE + 1
    );
    let rows: Vec<FailureRow> =
        sql.exec(&query, vec![kind.name().into(), cursor.into()])?.read()?;
    let page = &rows[..rows.len().min(PAGE)];
    let next = page.last().filter(|_| rows.len() > PAGE).map(|row| row.id.clone());
    let shown = page.iter().map(|row| {
        json!({
            "id": row.id,
            "code": row.code,
            "detail": row.detail,
            "pointer": row.pointer,
            "run": row.run,
            "at": row.at.shown(),
        })
    });
    Ok(json!({ "failures": shown.collect::<Vec<_>>(), "next": next }))
}

/// The ids of all records of a kind that failed.
pub fn ids(sql: &dyn Sql, kind: ImportKind) -> Result<Vec<Id>, SqlError> {
    let query = "SELECT id FROM failures WHERE kind = ? ORDER BY id";
    sql.exec(query, vec![kind.name().into()])?.column()
}

/// Forgets a failure.
pub fn delete(sql: &dyn Sql, kind: ImportKind, id: &str) -> Result<(), SqlError> {
    sql.exec(
        "DELETE FROM failures WHERE kind = ? AND id = ?",
        vec![kind.name().into(), id.into()],
    )?;
    Ok(())
}
