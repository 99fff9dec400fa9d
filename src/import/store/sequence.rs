//! The newest sequence of imports ([`crate::import::sequence`]).
//!
//! Table `sequence` has one row for it. The sequence advances in the same turn that stores what became of a run, so the
//! two agree after a crash.

use serde::Deserialize;
use serde_json::Value;

use crate::import::kind::ImportKind;
use crate::import::run::ImportRun;
use crate::import::sequence::{ImportSequence, SequenceState};
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// Replaces the sequence before.
pub fn begin(sql: &dyn Sql, sequence: &ImportSequence) -> Result<(), SqlError> {
    let ImportSequence { kinds, done, state, run, started, finished } = sequence;
    sql.exec(
        "INSERT OR REPLACE INTO sequence (only, kinds, done, state, run, started, finished)
         VALUES (1, ?, ?, ?, ?, ?, ?)",
        vec![
            serde_json::to_string(kinds)?.into(),
            (*done).into(),
            state.name().into(),
            run.clone().into(),
            (*started).into(),
            (*finished).into(),
        ],
    )?;
    Ok(())
}

/// The newest sequence, if there ever was one.
pub fn current(sql: &dyn Sql) -> Result<Option<ImportSequence>, SqlError> {
    #[derive(Deserialize)]
    struct SequenceRow {
        kinds: String,
        done: usize,
        state: SequenceState,
        run: Option<String>,
        started: UnixMs,
        finished: Option<UnixMs>,
    }
    let query = "SELECT kinds, done, state, run, started, finished FROM sequence";
    let Some(row) = sql.exec(query, vec![])?.first()? else { return Ok(None) };
    let SequenceRow { kinds, done, state, run, started, finished } = row;
    let kinds: Vec<ImportKind> = serde_json::from_str(&kinds)?;
    Ok(Some(ImportSequence { kinds, done, state, run, started, finished }))
}

/// As the endpoints show it; null if there never was one.
pub fn shown(sql: &dyn Sql) -> Result<Value, SqlError> {
    Ok(current(sql)?.map_or(Value::Null, |sequence| sequence.shown()))
}

/// A run began, and is stored.
pub(super) fn run_began(sql: &dyn Sql, run: &ImportRun) -> Result<(), SqlError> {
    change(sql, |sequence| sequence.began(run))
}

/// A run ended.
pub(super) fn run_ended(sql: &dyn Sql, run: &ImportRun) -> Result<(), SqlError> {
    change(sql, |sequence| sequence.ended(run))
}

fn change(sql: &dyn Sql, work: impl FnOnce(&mut ImportSequence)) -> Result<(), SqlError> {
    let Some(before) = current(sql)? else { return Ok(()) };
    let mut sequence = before.clone();
    work(&mut sequence);
    if sequence == before { Ok(()) } else { begin(sql, &sequence) }
}
