//! Failures: records that an import could not send, with the reason. Only the newest reason of a record counts. A
//! failure is healed if any later run or pass, or a notification, settles the record. It is deleted if a full run
//! completes without meeting it, or if the customer is erased.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::commercetools::reference::Id;
use crate::http::encode;
use crate::import::csv;
use crate::import::kind::ImportKind;
use crate::import::machine::RunSaving;
use crate::import::run::{HealedCounts, ImportRun, RunState};
use crate::import::selection::RunSelection;
use crate::import::settled::SettledRecord;
use crate::storage::selection::KeptSelection;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// Failures on one page.
const PAGE: usize = 100;

/// Failures in one CSV table: this covers most shops, and is far less than the memory of an object.
const CSV_PAGE: usize = 10_000;

/// Stores what became of records; returns how many failures of the run itself are healed by it.
pub fn save(sql: &dyn Sql, run: &ImportRun, saving: &RunSaving) -> Result<HealedCounts, SqlError> {
    let kind = run.kind.name();
    for failure in &saving.failures {
        sql.exec(
            "INSERT INTO failures (kind, id, name, code, detail, pointer, run, at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (kind, id) DO UPDATE SET name = COALESCE(excluded.name, name),
                code = excluded.code, detail = excluded.detail, pointer = excluded.pointer, run = excluded.run, at = excluded.at",
            vec![
                kind.into(),
                failure.id.as_str().into(),
                failure.name.as_deref().into(),
                failure.code.as_str().into(),
                failure.detail.as_str().into(),
                failure.pointer.clone().into(),
                run.id.as_str().into(),
                UnixMs::from(run.updated_at).into(),
            ],
        )?;
    }
    let healed = HealedCounts {
        sent: heal(sql, run, saving.sent.iter())?,
        skipped: heal(sql, run, saving.skipped.iter().map(|record| &record.id))?,
    };
    if run.state == RunState::Completed && run.selection == RunSelection::Full {
        sql.exec(
            "DELETE FROM failures WHERE kind = ? AND run <> ?",
            vec![kind.into(), run.id.as_str().into()],
        )?;
    }
    Ok(healed)
}

/// Failures are counted up to this: the status is asked for each second.
const COUNTED: usize = 10_000;

/// The number of failures of a kind, up to 10,000.
pub fn count(sql: &dyn Sql, kind: ImportKind) -> Result<u64, SqlError> {
    let counted = sql.exec(
        "SELECT COUNT(*) AS count FROM (SELECT 1 FROM failures WHERE kind = ? LIMIT ?)",
        vec![kind.name().into(), COUNTED.into()],
    )?;
    Ok(counted.value()?.unwrap_or(0))
}

/// Deletes the failures of these records; returns how many of them were of this run.
fn heal<'a>(
    sql: &dyn Sql,
    run: &ImportRun,
    ids: impl Iterator<Item = &'a Id>,
) -> Result<u64, SqlError> {
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let query = "DELETE FROM failures
         WHERE kind = ? AND id IN (SELECT value FROM json_each(?)) RETURNING run";
    let values = vec![run.kind.name().into(), serde_json::to_string(&ids)?.into()];
    let runs: Vec<String> = sql.exec(query, values)?.column()?;
    Ok(runs.into_iter().map(|of| u64::from(of == run.id)).sum())
}

/// Deletes the failures of records that something other than an import has settled since. The counts of runs stay: they
/// show how the runs ended.
pub fn settled(sql: &dyn Sql, records: &[SettledRecord]) -> Result<(), SqlError> {
    for SettledRecord { kind, id, at } in records {
        sql.exec(
            "DELETE FROM failures WHERE kind = ? AND id = ? AND at < ?",
            vec![kind.name().into(), id.as_str().into(), (*at).into()],
        )?;
    }
    Ok(())
}

/// A row of `failures`.
#[derive(Deserialize)]
struct FailureRow {
    id: String,
    name: Option<String>,
    code: String,
    detail: String,
    pointer: Option<String>,
    run: String,
    at: UnixMs,
}

impl FailureRow {
    fn shown(&self) -> Value {
        let mut shown = json!({
            "id": self.id,
            "code": self.code,
            "detail": self.detail,
            "pointer": self.pointer,
            "run": self.run,
            "at": self.at.shown(),
        });
        if let Some(name) = &self.name {
            shown["name"] = name.as_str().into();
        }
        shown
    }

    fn line(&self) -> String {
        let at = self.at.shown().unwrap_or_default();
        let pointer = self.pointer.as_deref().unwrap_or_default();
        csv::line([&*self.id, &self.code, &self.detail, pointer, &self.run, &at])
    }
}

/// The failure of a record, if it failed.
pub fn one(sql: &dyn Sql, kind: ImportKind, id: &Id) -> Result<Option<Value>, SqlError> {
    let query = "SELECT id, name, code, detail, pointer, run, at FROM failures
         WHERE kind = ? AND id = ?";
    let row: Option<FailureRow> =
        sql.exec(query, vec![kind.name().into(), id.as_str().into()])?.first()?;
    Ok(row.as_ref().map(FailureRow::shown))
}

/// The requested failures of a kind.
#[derive(Debug, Clone, Copy)]
pub struct FailurePage<'a> {
    #[expect(missing_docs, reason = "as its name says")]
    pub kind: ImportKind,
    /// The last id of the page before; empty for the first page.
    pub cursor: &'a str,
    /// Only those with this reason.
    pub code: Option<&'a str>,
}

impl FailurePage<'_> {
    /// Up to this many rows in the order of record ids, and the cursor of the next page.
    fn rows(
        &self,
        sql: &dyn Sql,
        most: usize,
    ) -> Result<(Vec<FailureRow>, Option<String>), SqlError> {
        let query = "SELECT id, name, code, detail, pointer, run, at FROM failures
             WHERE kind = ?1 AND id > ?2 AND (?3 IS NULL OR code = ?3) ORDER BY id LIMIT ?4";
        let values =
            vec![self.kind.name().into(), self.cursor.into(), self.code.into(), (most + 1).into()];
        let mut rows: Vec<FailureRow> = sql.exec(query, values)?.read()?;
        let is_last = rows.len() <= most;
        rows.truncate(most);
        let next = rows.last().filter(|_| !is_last).map(|row| row.id.clone());
        Ok((rows, next))
    }

    /// The page as JSON; the first one also has the number of failures of the kind by code.
    pub fn shown(&self, sql: &dyn Sql) -> Result<Value, SqlError> {
        let (rows, next) = self.rows(sql, PAGE)?;
        let shown: Vec<_> = rows.iter().map(FailureRow::shown).collect();
        let mut page = json!({ "failures": shown, "next": next });
        let codes = if self.cursor.is_empty() { codes(sql, self.kind)? } else { Vec::new() };
        if !codes.is_empty() {
            page["codes"] = codes.into();
        }
        Ok(page)
    }

    /// A longer page as CSV, and the query of the next one.
    pub fn csv(&self, sql: &dyn Sql) -> Result<(String, Option<String>), SqlError> {
        let (rows, next) = self.rows(sql, CSV_PAGE)?;
        let code = self.code.map(|code| format!("&code={}", encode(code))).unwrap_or_default();
        let next = next.map(|next| format!("?cursor={}{code}", encode(&next)));
        let header = csv::line(["id", "code", "detail", "pointer", "run", "at"]);
        let lines = rows.iter().map(FailureRow::line);
        Ok((std::iter::once(header).chain(lines).collect(), next))
    }
}

/// The number of failures of a kind by code, the most frequent first.
fn codes(sql: &dyn Sql, kind: ImportKind) -> Result<Vec<Value>, SqlError> {
    sql.exec(
        "SELECT code, COUNT(*) AS count FROM failures WHERE kind = ?
         GROUP BY code ORDER BY count DESC, code",
        vec![kind.name().into()],
    )?
    .read()
}

/// The ids of the selected failed records of a kind.
pub fn ids(sql: &dyn Sql, kind: ImportKind, which: &KeptSelection) -> Result<Vec<Id>, SqlError> {
    let query =
        format!("SELECT id FROM failures WHERE kind = ? AND {} ORDER BY id", which.condition());
    sql.exec(&query, vec![kind.name().into(), which.value()])?.column()
}

/// Deletes the selected failures; returns whether there were any.
pub fn delete(sql: &dyn Sql, kind: ImportKind, which: &KeptSelection) -> Result<bool, SqlError> {
    let statement = format!("DELETE FROM failures WHERE kind = ? AND {}", which.condition());
    let deleted = sql.exec(&statement, vec![kind.name().into(), which.value()])?;
    Ok(deleted.written > 0)
}

/// Deletes the failure of a record; returns whether there was one.
pub fn delete_one(sql: &dyn Sql, kind: ImportKind, id: &str) -> Result<bool, SqlError> {
    delete(sql, kind, &KeptSelection::Ids(vec![id.to_owned()]))
}
