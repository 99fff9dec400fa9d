//! What is stored of runs.
//!
//! Table `runs` has a row for each, the newest of a kind being the current one; `run_parts` has it
//! as JSON, `list_parts` the ids of a run over a list. `kept` has a row for the rows that a job of
//! Klaviyo's has of one page. `slices` counts the slices in a row that never ended.

use serde::Deserialize;
use worker::{Result, SqlStorage, SqlStorageValue};

use crate::commercetools::reference::Id;
use crate::config::rules::Rules;
use crate::edge::sql::RowId;
use crate::edge::{log, parts};
use crate::import::machine::{KeptRows, Saving, StoredRunParts};
use crate::import::run::{ImportKind, Run, State};
use crate::import::stored::{StoredRun, UnreadableRun, read_run};

use super::failures;

/// Runs of a kind that are kept.
const HISTORY: u32 = 20;

/// Stores what the machine wants stored. All of it is text before anything is written, and there is
/// no await: so it is written whole or not at all.
pub(super) fn save(sql: &SqlStorage, saving: &Saving) -> Result<()> {
    let Some(run) = &saving.run else { return Ok(()) };
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
    failures::save(sql, run, saving)?;
    if run.state == State::Completed {
        parts::delete(sql, "list_parts", owner)?;
        forget_kept(sql, run.kind)?;
    }
    Ok(())
}

/// Makes a row for a new run; those before it need nothing more than what is shown.
fn begin(sql: &SqlStorage, run: &Run) -> Result<RowId> {
    let kind = run.kind.name();
    forget_kept(sql, run.kind)?;
    for old in numbers(sql, "SELECT seq AS number FROM runs WHERE kind = ?", vec![kind.into()])? {
        parts::delete(sql, "list_parts", old)?;
    }
    sql.exec(
        "INSERT INTO runs (id, kind) VALUES (?, ?)",
        vec![run.id.as_str().into(), kind.into()],
    )?;
    let too_old = numbers(
        sql,
        "SELECT seq AS number FROM runs WHERE kind = ? ORDER BY seq DESC LIMIT -1 OFFSET ?",
        vec![kind.into(), i64::from(HISTORY).into()],
    )?;
    for old in too_old {
        parts::delete(sql, "run_parts", old)?;
        sql.exec("DELETE FROM runs WHERE seq = ?", vec![old.into()])?;
    }
    Ok(find(sql, &run.id)?.unwrap_or_default())
}

fn forget_kept(sql: &SqlStorage, kind: ImportKind) -> Result<()> {
    sql.exec("DELETE FROM kept WHERE kind = ?", vec![kind.name().into()])?;
    Ok(())
}

/// The last runs of a kind, the newest first.
pub(super) fn of_kind(sql: &SqlStorage, rules: &Rules, kind: ImportKind) -> Result<Vec<StoredRun>> {
    let query = "SELECT seq, id FROM runs WHERE kind = ? ORDER BY seq DESC";
    let rows: Vec<RunRow> = sql.exec(query, vec![kind.name().into()])?.to_array()?;
    rows.into_iter().map(|row| row.read(sql, rules, kind)).collect()
}

/// The current run of a kind.
pub(super) fn current(
    sql: &SqlStorage,
    rules: &Rules,
    kind: ImportKind,
) -> Result<Option<StoredRun>> {
    newest(sql, kind)?.map(|row| row.read(sql, rules, kind)).transpose()
}

/// All that is stored of the current runs, as the machine wants it.
pub(super) fn load(sql: &SqlStorage, rules: &Rules) -> Result<Vec<StoredRunParts>> {
    let mut stored = Vec::new();
    for kind in ImportKind::ALL {
        let Some(row) = newest(sql, kind)? else { continue };
        let (list, kept) = (list(sql, row.seq)?, kept(sql, kind)?);
        let run = row.read(sql, rules, kind)?;
        let (Some(list), Some(kept)) = (list, kept) else {
            // Without all that belongs to it, a run would go on wrongly.
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
    fn read(&self, sql: &SqlStorage, rules: &Rules, kind: ImportKind) -> Result<StoredRun> {
        let text = parts::get(sql, "run_parts", self.seq)?;
        let run = read_run(rules, kind, &self.id, &text);
        if matches!(run, StoredRun::Unreadable(_)) {
            log::failure("import", &format!("run {} was stored by another version", self.id));
        }
        Ok(run)
    }
}

/// The ids of a run over a list; none if they cannot be read.
fn list(sql: &SqlStorage, owner: RowId) -> Result<Option<Vec<Id>>> {
    let content = parts::get(sql, "list_parts", owner)?;
    if content.is_empty() {
        return Ok(Some(Vec::new()));
    }
    Ok(serde_json::from_slice(&content).ok())
}

/// The rows of jobs that have not ended; none if they cannot be read.
fn kept(sql: &SqlStorage, kind: ImportKind) -> Result<Option<Vec<KeptRows>>> {
    #[derive(Deserialize)]
    struct Row {
        rows: String,
    }
    let query = "SELECT rows FROM kept WHERE kind = ? ORDER BY seq";
    let rows: Vec<Row> = sql.exec(query, vec![kind.name().into()])?.to_array()?;
    Ok(rows.iter().map(|row| serde_json::from_str(&row.rows).ok()).collect())
}

/// Whether any run has something to do.
pub(super) fn any_active(sql: &SqlStorage, rules: &Rules) -> Result<bool> {
    for kind in ImportKind::ALL {
        let run = current(sql, rules, kind)?.and_then(StoredRun::readable);
        if run.is_some_and(|run| run.is_active()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether every newest run of a kind completed, so that no job of it is under way.
pub(super) fn all_completed(sql: &SqlStorage, rules: &Rules) -> Result<bool> {
    for kind in ImportKind::ALL {
        let run = current(sql, rules, kind)?.and_then(StoredRun::readable);
        if run.is_some_and(|run| run.state != State::Completed) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The id of a run that begins now (ms since 1970 UTC): later ones are greater, as numbers and as
/// text.
pub(super) fn new_id(sql: &SqlStorage, now: u64) -> Result<String> {
    #[derive(Deserialize)]
    struct Last {
        id: Option<String>,
    }
    let last: Vec<Last> = sql.exec("SELECT MAX(id) AS id FROM runs", None)?.to_array()?;
    let last = last.into_iter().find_map(|last| last.id?.parse::<u64>().ok()).unwrap_or(0);
    Ok(format!("{:013}", now.max(last + 1)))
}

/// Counts a slice as lost until [`slice_ended`] says otherwise; how many were lost in a row before.
pub(super) fn slice_begins(sql: &SqlStorage) -> Result<u32> {
    let lost = lost(sql)?;
    sql.exec(
        "INSERT INTO slices (only, lost) VALUES (1, 1)
         ON CONFLICT (only) DO UPDATE SET lost = lost + 1",
        None,
    )?;
    Ok(lost)
}

/// A slice ended as it should, or brought something on.
pub(super) fn slice_ended(sql: &SqlStorage) -> Result<()> {
    sql.exec("UPDATE slices SET lost = 0 WHERE lost > 0", None)?;
    Ok(())
}

/// How many slices in a row never ended.
pub(super) fn lost(sql: &SqlStorage) -> Result<u32> {
    #[derive(Deserialize)]
    struct Row {
        lost: u32,
    }
    let rows: Vec<Row> = sql.exec("SELECT lost FROM slices", None)?.to_array()?;
    Ok(rows.first().map_or(0, |row| row.lost))
}

fn newest(sql: &SqlStorage, kind: ImportKind) -> Result<Option<RunRow>> {
    let query = "SELECT seq, id FROM runs WHERE kind = ? ORDER BY seq DESC LIMIT 1";
    let rows: Vec<RunRow> = sql.exec(query, vec![kind.name().into()])?.to_array()?;
    Ok(rows.into_iter().next())
}

fn find(sql: &SqlStorage, id: &str) -> Result<Option<RowId>> {
    let found = numbers(sql, "SELECT seq AS number FROM runs WHERE id = ?", vec![id.into()])?;
    Ok(found.first().copied())
}

fn numbers(sql: &SqlStorage, query: &str, values: Vec<SqlStorageValue>) -> Result<Vec<RowId>> {
    #[derive(Deserialize)]
    struct Row {
        number: RowId,
    }
    let rows: Vec<Row> = sql.exec(query, values)?.to_array()?;
    Ok(rows.into_iter().map(|row| row.number).collect())
}
