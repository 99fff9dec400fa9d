//! Tries that never ended, since the runtime went down in the middle of one; what follows from them is
//! decided in [`crate::outbox::lost_tries`].
//!
//! While a row is tried, its column `trying` says how. At the end of a round it is set back; whatever
//! is found with it at the beginning of the next was lost.

use serde::Deserialize;
use worker::{Result, SqlStorage, SqlStorageValue};

use super::dead_letters::{self, NewDeadLetter};
use super::jobs;
use crate::edge::parts;
use crate::edge::sql::RowId;
use crate::fault::{FinalFault, Rejection};
use crate::outbox::lost_tries::{LostTries, NextTry};
use crate::realtime::envelope::{self, PushedItem};

/// The values of `trying`: 0 is a row that is not being tried.
pub(super) const IN_COMPANY: u8 = 1;
pub(super) const ALONE: u8 = 2;

/// From so many lost tries on a row is tried alone, as [`LostTries::next_try`] says.
pub(super) const TRIED_ALONE: u32 = 3;

#[derive(Deserialize)]
struct LostRow {
    seq: RowId,
    key: String,
    attempts: u32,
    trying: u8,
    lost: u32,
    lost_alone: u32,
    lost_at_round: u64,
}

/// Counts the tries that never ended, and gives up what never will.
pub(super) fn count(sql: &SqlStorage) -> Result<()> {
    let rows: Vec<LostRow> = sql
        .exec(
            "SELECT seq, key, attempts, trying, lost, lost_alone, lost_at_round FROM parked
             WHERE trying > 0",
            None,
        )?
        .to_array()?;
    let rounds = rounds_ended(sql)?;
    for row in rows {
        let before = LostTries {
            in_company: row.lost,
            alone: row.lost_alone,
            rounds_ended: row.lost_at_round,
        };
        let lost = before.and_another(row.trying == ALONE, rounds);
        if lost.next_try() == NextTry::GivenUp {
            give_up(sql, &row)?;
            continue;
        }
        sql.exec(
            "UPDATE parked SET trying = 0, lost = ?, lost_alone = ?, lost_at_round = ?
             WHERE seq = ?",
            vec![
                i64::from(lost.in_company).into(),
                i64::from(lost.alone).into(),
                SqlStorageValue::try_from_i64(i64::try_from(lost.rounds_ended).unwrap_or(0))?,
                row.seq.into(),
            ],
        )?;
    }
    Ok(())
}

/// A round has ended: nothing of it was lost.
pub(super) fn round_ended(sql: &SqlStorage) -> Result<()> {
    sql.exec("UPDATE parked SET trying = 0 WHERE trying > 0", None)?;
    sql.exec("UPDATE rounds SET ended = ended + 1", None)?;
    Ok(())
}

fn rounds_ended(sql: &SqlStorage) -> Result<u64> {
    #[derive(Deserialize)]
    struct Row {
        ended: u64,
    }
    let rows: Vec<Row> = sql.exec("SELECT ended FROM rounds", None)?.to_array()?;
    Ok(rows.first().map_or(0, |row| row.ended))
}

fn give_up(sql: &SqlStorage, row: &LostRow) -> Result<()> {
    let content = parts::take(sql, "parked_parts", row.seq)?;
    jobs::forget_sent(sql, &row.key)?;
    sql.exec("DELETE FROM parked WHERE seq = ?", vec![row.seq.into()])?;
    let items = envelope::decode(&content, None).items;
    let notification = items.iter().find_map(|item| match item {
        PushedItem::Notification(notification) => Some(notification),
        PushedItem::Refused { .. } => None,
    });
    let detail =
        "Each try of it ended with the runtime, alone as well; see the log, and replay it.";
    let rejection = Rejection::new(FinalFault::NeverFinished, detail);
    let letter = NewDeadLetter::of(notification, rejection, row.attempts);
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
