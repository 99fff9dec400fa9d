//! What is stored about runs.
//!
//! Table `runs` has a row for each; the newest of a kind is the current one. `run_parts` has it as JSON, `list_parts`
//! the ids of a run over a list. `kept` has a row for the rows of one page in one job at Klaviyo. `slices` counts
//! consecutive slices that never ended.

use serde::Deserialize;

use super::{completed, doubt, failures, open_pages, sequence, skipped};
use crate::commercetools::reference::Id;
use crate::config::rules::OperatorRules;
use crate::import::kind::ImportKind;
use crate::import::machine::{KeptRows, RunSaving, StoredRunParts};
use crate::import::run::{HealedCounts, ImportRun, RunState};
use crate::import::stored::{StoredRun, UnreadableRun, read_run};
use crate::json::read_bytes;
use crate::storage::parts;
use crate::storage::sql::{RowId, Sql, SqlError, SqlValue};
use crate::time::UnixMs;

/// How many runs of a kind are kept.
const HISTORY: u32 = 20;

/// Stores what the machine wants stored. It creates all texts before it writes anything, and has no await: so it stores
/// all or nothing.
///
/// A run that read records again may have healed failures of its own: its stored counts reflect that, and the caller
/// has to tell the machine.
pub fn save(sql: &dyn Sql, saving: &RunSaving) -> Result<HealedCounts, SqlError> {
    let Some(run) = &saving.run else { return Ok(HealedCounts::default()) };
    let healed = failures::save(sql, run, saving)?;
    let mut run = run.clone();
    run.counts.heal(healed);
    let run = &run;
    let kind = run.kind.name();
    let text = serde_json::to_vec(run)?;
    let list = saving.list.as_ref().map(serde_json::to_vec).transpose()?;
    let kept: Vec<_> = saving.kept.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;

    let owner = match find(sql, &run.id)? {
        Some(owner) => owner,
        None => begin(sql, run)?,
    };
    parts::replace(sql, "run_parts", owner, &text)?;
    if let Some(list) = list {
        parts::replace(sql, "list_parts", owner, &list)?;
    }
    for (rows, KeptRows { job, .. }) in kept.iter().zip(&saving.kept) {
        sql.exec(
            "INSERT INTO kept (kind, job, rows) VALUES (?, ?, ?)",
            vec![kind.into(), job.id.as_str().into(), rows.as_str().into()],
        )?;
    }
    for job in &saving.closed {
        sql.exec(
            "DELETE FROM kept WHERE kind = ? AND job = ?",
            vec![kind.into(), job.as_str().into()],
        )?;
    }
    skipped::save(sql, run, &saving.skipped)?;
    doubt::keep(sql, run)?;
    open_pages::save(sql, run, saving)?;
    if run.finished_at.is_some() {
        completed::keep(sql, run)?;
        sequence::run_ended(sql, run)?;
    }
    if run.state == RunState::Completed {
        parts::delete(sql, "list_parts", owner)?;
        forget_kept(sql, run.kind)?;
    }
    Ok(healed)
}

/// Makes a row for a new run; older runs only keep what the endpoints show. A run of another version that never ended
/// may have been at work a moment ago.
fn begin(sql: &dyn Sql, run: &ImportRun) -> Result<RowId, SqlError> {
    let kind = run.kind.name();
    if let Some(before) = newest(sql, run.kind)?
        && before.read(sql, &OperatorRules::default(), run.kind)?.may_write()
    {
        doubt::keep_of_replaced(sql, &before.id, run)?;
    }
    forget_kept(sql, run.kind)?;
    skipped::delete_all(sql, run.kind)?;
    for old in numbers(sql, "SELECT seq FROM runs WHERE kind = ?", vec![kind.into()])? {
        parts::delete(sql, "list_parts", old)?;
    }
    sql.exec(
        "INSERT INTO runs (id, kind) VALUES (?, ?)",
        vec![run.id.as_str().into(), kind.into()],
    )?;
    sequence::run_began(sql, run)?;
    let too_old = numbers(
        sql,
        "SELECT seq FROM runs WHERE kind = ? ORDER BY seq DESC LIMIT -1 OFFSET ?",
        vec![kind.into(), HISTORY.into()],
    )?;
    for old in too_old {
        parts::delete(sql, "run_parts", old)?;
        sql.exec("DELETE FROM runs WHERE seq = ?", vec![old.into()])?;
    }
    Ok(find(sql, &run.id)?.unwrap_or_default())
}

fn forget_kept(sql: &dyn Sql, kind: ImportKind) -> Result<(), SqlError> {
    sql.exec("DELETE FROM kept WHERE kind = ?", vec![kind.name().into()])?;
    Ok(())
}

/// The last runs of a kind, the newest first.
pub fn of_kind(
    sql: &dyn Sql,
    rules: &OperatorRules,
    kind: ImportKind,
) -> Result<Vec<StoredRun>, SqlError> {
    let query = "SELECT seq, id FROM runs WHERE kind = ? ORDER BY seq DESC";
    let rows: Vec<RunRow> = sql.exec(query, vec![kind.name().into()])?.read()?;
    rows.into_iter().map(|row| row.read(sql, rules, kind)).collect()
}

/// The current run of a kind.
pub fn current(
    sql: &dyn Sql,
    rules: &OperatorRules,
    kind: ImportKind,
) -> Result<Option<StoredRun>, SqlError> {
    newest(sql, kind)?.map(|row| row.read(sql, rules, kind)).transpose()
}

/// All stored data of the current runs, for a new machine.
pub fn load(sql: &dyn Sql, rules: &OperatorRules) -> Result<Vec<StoredRunParts>, SqlError> {
    open_pages::leave_all(sql)?;
    let mut stored = Vec::new();
    for kind in ImportKind::ALL {
        let Some(row) = newest(sql, kind)? else { continue };
        let (list, kept) = (list(sql, row.seq)?, kept(sql, kind)?);
        let run = row.read(sql, rules, kind)?;
        let (Some(list), Some(kept)) = (list, kept) else {
            // With a part of its data missing, a run would go on wrongly.
            let run = StoredRun::Unreadable(UnreadableRun { id: row.id, kind });
            stored.push(StoredRunParts { run, list: Vec::new(), kept: Vec::new() });
            continue;
        };
        stored.push(StoredRunParts { run, list, kept });
    }
    Ok(stored)
}

/// A row of `runs`.
#[derive(Deserialize)]
struct RunRow {
    seq: RowId,
    id: String,
}

impl RunRow {
    fn read(
        &self,
        sql: &dyn Sql,
        rules: &OperatorRules,
        kind: ImportKind,
    ) -> Result<StoredRun, SqlError> {
        let text = parts::get(sql, "run_parts", self.seq)?;
        Ok(read_run(rules, kind, &self.id, &text))
    }
}

/// The ids of a run over a list; none if they cannot be read.
fn list(sql: &dyn Sql, owner: RowId) -> Result<Option<Vec<Id>>, SqlError> {
    let content = parts::get(sql, "list_parts", owner)?;
    if content.is_empty() {
        return Ok(Some(Vec::new()));
    }
    Ok(read_bytes(&content).ok())
}

/// The rows of jobs that have not ended; none if they cannot be read.
fn kept(sql: &dyn Sql, kind: ImportKind) -> Result<Option<Vec<KeptRows>>, SqlError> {
    let query = "SELECT rows FROM kept WHERE kind = ? ORDER BY seq";
    let rows: Vec<String> = sql.exec(query, vec![kind.name().into()])?.column()?;
    Ok(rows.iter().map(|rows| serde_json::from_str(rows).ok()).collect())
}

/// The newest run of each kind, if there is one.
pub fn all_current(sql: &dyn Sql, rules: &OperatorRules) -> Result<Vec<StoredRun>, SqlError> {
    let all = ImportKind::ALL.into_iter().map(|kind| current(sql, rules, kind));
    all.filter_map(Result::transpose).collect()
}

/// Whether any run may still write: one with work to do, or one that only another version can read and resume.
pub fn may_any_write(sql: &dyn Sql, rules: &OperatorRules) -> Result<bool, SqlError> {
    Ok(all_current(sql, rules)?.iter().any(StoredRun::may_write))
}

/// The id of a run that begins now: later ids are greater, as numbers and as text.
pub fn new_id(sql: &dyn Sql, now: UnixMs) -> Result<String, SqlError> {
    let last: Option<String> = sql.exec("SELECT MAX(id) AS id FROM runs", vec![])?.value()?;
    let last = last.and_then(|id| id.parse::<u64>().ok()).unwrap_or(0);
    Ok(format!("{:013}", now.ms().max(last + 1)))
}

/// Counts a slice as lost until [`slice_ended`] is called; returns how many consecutive slices were lost before.
pub fn slice_begins(sql: &dyn Sql) -> Result<u32, SqlError> {
    let lost = lost(sql)?;
    sql.exec(
        "INSERT INTO slices (only, lost) VALUES (1, 1)
         ON CONFLICT (only) DO UPDATE SET lost = lost + 1",
        vec![],
    )?;
    Ok(lost)
}

/// A slice ended normally, or made progress.
pub fn slice_ended(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.exec("UPDATE slices SET lost = 0 WHERE lost > 0", vec![])?;
    Ok(())
}

/// How many consecutive slices never ended.
pub fn lost(sql: &dyn Sql) -> Result<u32, SqlError> {
    Ok(sql.exec("SELECT lost FROM slices", vec![])?.value()?.unwrap_or(0))
}

fn newest(sql: &dyn Sql, kind: ImportKind) -> Result<Option<RunRow>, SqlError> {
    let query = "SELECT seq, id FROM runs WHERE kind = ? ORDER BY seq DESC LIMIT 1";
    sql.exec(query, vec![kind.name().into()])?.first()
}

fn find(sql: &dyn Sql, id: &str) -> Result<Option<RowId>, SqlError> {
    sql.exec("SELECT seq FROM runs WHERE id = ?", vec![id.into()])?.value()
}

fn numbers(sql: &dyn Sql, query: &str, values: Vec<SqlValue>) -> Result<Vec<RowId>, SqlError> {
    sql.exec(query, values)?.column()
}
