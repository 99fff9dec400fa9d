//! The last completed run of each kind over all records, or over all that changed.
//!
//! Table `completed` has a row for each kind with such a run: when the newest one began and from which time of creation
//! on it left out records, so that the next run by time goes on from there ([`crate::import::schedule`]); and when the
//! newest one without failures ended. Runs are deleted after some time; these rows are not.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::import::kind::ImportKind;
use crate::import::run::ImportRun;
use crate::import::schedule::CompletedRun;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// Keeps what counts of a run that ended.
pub(super) fn keep(sql: &dyn Sql, run: &ImportRun) -> Result<(), SqlError> {
    let after = CompletedRun::after(run, of_kind(sql, run.kind)?);
    let Some(CompletedRun { started, left_out_from }) = after else { return Ok(()) };
    let succeeded = run.finished_at.filter(|_| run.counts.failed == 0).map(UnixMs::from);
    sql.exec(
        "INSERT INTO completed (kind, started, left_out_from, succeeded) VALUES (?, ?, ?, ?)
         ON CONFLICT (kind) DO UPDATE SET started = excluded.started,
             left_out_from = excluded.left_out_from,
             succeeded = COALESCE(excluded.succeeded, succeeded)",
        vec![run.kind.name().into(), started.into(), left_out_from.into(), succeeded.into()],
    )?;
    Ok(())
}

/// The last completed run of a kind.
pub fn of_kind(sql: &dyn Sql, kind: ImportKind) -> Result<Option<CompletedRun>, SqlError> {
    #[derive(Deserialize)]
    struct CompletedRow {
        started: UnixMs,
        left_out_from: Option<UnixMs>,
    }
    let query = "SELECT started, left_out_from FROM completed WHERE kind = ?";
    let row: Option<CompletedRow> = sql.exec(query, vec![kind.name().into()])?.first()?;
    Ok(row.map(|CompletedRow { started, left_out_from }| CompletedRun { started, left_out_from }))
}

/// When the last run of each kind without failures ended, as the endpoints show it.
pub fn last_success(sql: &dyn Sql) -> Result<Value, SqlError> {
    #[derive(Deserialize)]
    struct SuccessRow {
        kind: String,
        succeeded: UnixMs,
    }
    let query = "SELECT kind, succeeded FROM completed WHERE succeeded IS NOT NULL";
    let rows: Vec<SuccessRow> = sql.exec(query, vec![])?.read()?;
    let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.kind, row.succeeded)).collect();
    let shown = |kind: ImportKind| rows.get(kind.name()).and_then(|succeeded| succeeded.shown());
    let all = ImportKind::ALL.into_iter();
    Ok(all.map(|kind| (kind.name().to_owned(), shown(kind).into())).collect::<Map<_, _>>().into())
}
