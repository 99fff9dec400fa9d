//! Tries that never ended, since the runtime went down during them; [`crate::outbox::lost_tries`] decides the
//! consequences.
//!
//! During a try, the row's column `trying` says how. The end of a round resets it; if a new machine finds it set, the
//! try was lost.

use serde::Deserialize;

use super::dead_letters::{self, NewDeadLetter};
use super::generation::RowGeneration;
use super::sent;
use crate::engine::backoff::{JOB_IN_DOUBT, SINGLE_IN_DOUBT};
use crate::fault::{FinalFault, Rejection};
use crate::outbox::lost_tries::{LostTries, NextTry};
use crate::push::envelope::{self, PushedItem};
use crate::push::parking::RowGroup;
use crate::storage::parts;
use crate::storage::sql::{Sql, SqlError, list};
use crate::time::UnixMs;

/// The values of `trying`; 0 means that the row is not being tried.
pub(super) const IN_COMPANY: u8 = 1;
pub(super) const ALONE: u8 = 2;
/// In company, and a job was being started with it.
pub(super) const IN_JOB: u8 = 3;

/// From this many lost tries on a row is tried alone, as [`LostTries::next_try`] says.
pub(super) const TRIED_ALONE: u32 = 3;

#[derive(Deserialize)]
struct LostRow {
    seq: RowGeneration,
    key: String,
    attempts: u32,
    trying: u8,
    lost: u32,
    lost_alone: u32,
    lost_at_round: u64,
}

/// Counts the tries that never ended, and gives up rows that never will.
pub fn count(sql: &dyn Sql, now: UnixMs) -> Result<(), SqlError> {
    let rows: Vec<LostRow> = sql
        .exec(
            "SELECT seq, key, attempts, trying, lost, lost_alone, lost_at_round FROM parked
             WHERE trying > 0",
            vec![],
        )?
        .read()?;
    let rounds = rounds_ended(sql)?;
    for row in rows {
        let before = LostTries {
            in_company: row.lost,
            alone: row.lost_alone,
            rounds_ended: row.lost_at_round,
        };
        let lost = before.and_another(row.trying == ALONE, rounds);
        if lost.next_try() == NextTry::GivenUp {
            give_up(sql, &row, now)?;
            continue;
        }
        // Klaviyo may still carry out whatever was under way for it.
        let in_doubt = if row.trying == IN_JOB { JOB_IN_DOUBT } else { SINGLE_IN_DOUBT };
        let doubtful_until = now + in_doubt;
        if RowGroup::of_key(&row.key) != Some(RowGroup::Facts) {
            sent::forget(sql, &row.key)?;
        }
        sql.exec(
            "UPDATE parked SET trying = 0, lost = ?, lost_alone = ?, lost_at_round = ?,
                doubtful_until = MAX(doubtful_until, ?)
             WHERE seq = ?",
            vec![
                lost.in_company.into(),
                lost.alone.into(),
                lost.rounds_ended.into(),
                doubtful_until.into(),
                row.seq.into(),
            ],
        )?;
    }
    Ok(())
}

/// A job with these rows is being started.
pub fn job_starts(sql: &dyn Sql, rows: &[RowGeneration]) -> Result<(), SqlError> {
    let seqs = list(rows);
    sql.exec(
        &format!("UPDATE parked SET trying = {IN_JOB} WHERE trying > 0 AND seq IN ({seqs})"),
        vec![],
    )?;
    Ok(())
}

/// A round has ended: none of its tries was lost.
pub fn round_ended(sql: &dyn Sql) -> Result<(), SqlError> {
    sql.exec("UPDATE parked SET trying = 0 WHERE trying > 0", vec![])?;
    sql.exec("UPDATE rounds SET ended = ended + 1", vec![])?;
    Ok(())
}

fn rounds_ended(sql: &dyn Sql) -> Result<u64, SqlError> {
    Ok(sql.exec("SELECT ended FROM rounds", vec![])?.value()?.unwrap_or(0))
}

fn give_up(sql: &dyn Sql, row: &LostRow, now: UnixMs) -> Result<(), SqlError> {
    let content = parts::take(sql, "parked_parts", row.seq.row())?;
    sent::forget(sql, &row.key)?;
    sql.exec("DELETE FROM parked WHERE seq = ?", vec![row.seq.into()])?;
    let items = envelope::decode(&content, None).items;
    let notification = items.iter().find_map(|item| match item {
        PushedItem::Notification(notification) => Some(notification),
        PushedItem::Refused { .. } => None,
    });
    let detail =
        "The runtime went down in each of its tries, even alone; see the log, and replay it.";
    let rejection = Rejection::new(FinalFault::NeverFinished, detail);
    let letter = NewDeadLetter::of(notification, rejection, row.attempts, now);
    dead_letters::keep(sql, &letter, &content)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_agrees_with_the_rule() {
        let lost = |in_company| LostTries { in_company, ..LostTries::default() }.next_try();
        assert_eq!(lost(TRIED_ALONE - 1), NextTry::InCompany);
        assert_eq!(lost(TRIED_ALONE), NextTry::Alone);
    }
}
