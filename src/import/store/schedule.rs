//! Which slots of the schedules were handled ([`crate::import::schedule`]).
//!
//! Table `slots` has a row for each kind with a schedule: the newest handled slot, and the run that it started or why
//! it started none. A new or changed schedule counts from the time when it is first seen: no run starts for the time
//! before.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{completed, runs, sequence};
use crate::config::rules::OperatorRules;
use crate::config::schedule::KindSchedule;
use crate::import::kind::ImportKind;
use crate::import::schedule::{
    SlotDecision, decide, due_slot, newest_slot, next_slot, schedule_of,
};
use crate::import::selection::RunTrigger;
use crate::import::start::RunStart;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// A row of `slots`.
#[derive(Deserialize)]
struct SlotRow {
    kind: String,
    pattern: String,
    seen: UnixMs,
    run: Option<String>,
    skipped: Option<String>,
}

/// A handled slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenSlot {
    #[expect(missing_docs, reason = "as its name says")]
    pub kind: ImportKind,
    #[expect(missing_docs, reason = "as its name says")]
    pub slot: UnixMs,
    /// The run to start, by its id, or why none starts.
    pub outcome: Result<(String, RunStart), &'static str>,
}

/// Updates the table for the current schedules; call it before anything else.
pub fn notice(sql: &dyn Sql, rules: &OperatorRules, now: UnixMs) -> Result<(), SqlError> {
    let rows = rows(sql)?;
    for kind in ImportKind::ALL {
        let row = rows.iter().find(|row| row.kind == kind.name());
        match (schedule_of(&rules.import.schedule, kind), row) {
            (Some(KindSchedule { pattern, .. }), row)
                if row.is_none_or(|row| row.pattern != pattern.to_string()) =>
            {
                sql.exec(
                    "INSERT OR REPLACE INTO slots (kind, pattern, seen, run, skipped)
                     VALUES (?, ?, ?, NULL, NULL)",
                    vec![
                        kind.name().into(),
                        pattern.to_string().into(),
                        newest_slot(*pattern, now).into(),
                    ],
                )?;
            }
            (None, Some(_)) => {
                sql.exec("DELETE FROM slots WHERE kind = ?", vec![kind.name().into()])?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Handles the due slot of a kind, if there is one. The caller starts the run in the same turn.
pub fn see_to(
    sql: &dyn Sql,
    rules: &OperatorRules,
    kind: ImportKind,
    now: UnixMs,
) -> Result<Option<SeenSlot>, SqlError> {
    let Some(KindSchedule { pattern, mode }) = schedule_of(&rules.import.schedule, kind) else {
        return Ok(None);
    };
    let row = rows(sql)?.into_iter().find(|row| row.kind == kind.name());
    let Some(slot) = row.and_then(|row| due_slot(*pattern, row.seen, now)) else {
        return Ok(None);
    };
    let newest = runs::current(sql, rules, kind)?;
    let awaited = sequence::current(sql)?.is_some_and(|sequence| sequence.comes_to(kind));
    let decision = decide(*mode, newest.as_ref(), awaited, completed::of_kind(sql, kind)?);
    let outcome = match decision {
        SlotDecision::Skip(why) => Err(why.code()),
        SlotDecision::Run(selection) => {
            let start = RunStart { selection, ids: Vec::new(), trigger: RunTrigger::Schedule };
            Ok((runs::new_id(sql, now)?, start))
        }
    };
    sql.exec(
        "UPDATE slots SET seen = ?, run = ?, skipped = ? WHERE kind = ?",
        vec![
            slot.into(),
            outcome.as_ref().ok().map(|(id, _)| id.as_str()).into(),
            outcome.as_ref().err().copied().into(),
            kind.name().into(),
        ],
    )?;
    Ok(Some(SeenSlot { kind, slot, outcome }))
}

/// The next slot of each kind with a schedule, and what became of the last one, as the endpoints show it.
pub fn shown(sql: &dyn Sql, rules: &OperatorRules, now: UnixMs) -> Result<Value, SqlError> {
    let rows = rows(sql)?;
    let mut all = Map::new();
    for kind in ImportKind::ALL {
        let Some(KindSchedule { pattern, mode }) = schedule_of(&rules.import.schedule, kind) else {
            continue;
        };
        let row = rows.iter().find(|row| row.kind == kind.name());
        let last = row.filter(|row| row.run.is_some() || row.skipped.is_some()).map(|row| {
            let outcome = if row.run.is_some() { "started" } else { "skipped" };
            json!({ "at": row.seen.shown(), "outcome": outcome, "reason": row.skipped,
                "run": row.run })
        });
        // The next tick handles a slot that is due.
        let next = row.and_then(|row| due_slot(*pattern, row.seen, now));
        let next = next.unwrap_or_else(|| next_slot(*pattern, now));
        all.insert(
            kind.name().to_owned(),
            json!({ "mode": mode.name(), "next": next.shown(), "last": last }),
        );
    }
    Ok(all.into())
}

fn rows(sql: &dyn Sql) -> Result<Vec<SlotRow>, SqlError> {
    sql.exec("SELECT kind, pattern, seen, run, skipped FROM slots", vec![])?.read()
}
