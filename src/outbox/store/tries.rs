//! Which parked rows are due, and the tries of them.

use std::collections::HashSet;

use serde::Deserialize;

use super::generation::RowGeneration;
use super::lost::{self, TRIED_ALONE};
use super::parked::ParkedRow;
use super::{erasure, sent};
use crate::engine::backoff::{backoff, jitter};
use crate::engine::circuits::{Allowance, OperationName};
use crate::outbox::schedule::DueRow;
use crate::push::parking::ERASURE_RANK;
use crate::push::parking::RowGroup;
use crate::storage::parts;
use crate::storage::sql::{Sql, SqlError, list};
use crate::time::UnixMs;

/// A row that is being tried.
pub struct TakenRow {
    #[expect(missing_docs, reason = "as its name says")]
    pub row: ParkedRow,
    /// Its notification.
    pub content: Vec<u8>,
    /// Digests of what it has already sent.
    pub sent: HashSet<String>,
}

/// The columns of a [`ParkedRow`].
const COLUMNS: &str = "seq, key, since, attempts, doubtful_until, written_since, alone, bytes";

/// The order in which rows are tried, and the maximum number.
fn order(allowance: Allowance, most: u32) -> Option<(&'static str, u32)> {
    match allowance {
        Allowance::All => Some(("due, seq", most)),
        Allowance::Few(few) => Some(("attempts, due, seq", few.min(most))),
        Allowance::None => None,
    }
}

/// The due rows of a group that wait for no operation, up to the allowance: in the order of their due times, or, if
/// only a few may be tried, those with the fewest tries first.
pub fn due(
    sql: &dyn Sql,
    group: RowGroup,
    allowance: Allowance,
    now: UnixMs,
    most: u32,
) -> Result<Vec<DueRow<ParkedRow>>, SqlError> {
    let Some((order, limit)) = order(allowance, most) else { return Ok(Vec::new()) };
    let [from, to] = keys(group);
    let answer = sql.exec(
        &format!(
            "SELECT {COLUMNS} FROM parked
             WHERE due <= ? AND lost < {TRIED_ALONE} AND waits_for IS NULL AND key >= ? AND key < ?
             ORDER BY {order} LIMIT ?"
        ),
        vec![now.into(), from.into(), to.into(), limit.into()],
    )?;
    let rows: Vec<ParkedRow> = answer.read()?;
    Ok(rows.into_iter().map(|row| DueRow { group, bytes: row.bytes, row }).collect())
}

/// The operations that due rows wait for.
pub fn awaited_operations(sql: &dyn Sql, now: UnixMs) -> Result<Vec<OperationName>, SqlError> {
    let names: Vec<String> = sql
        .exec(
            "SELECT DISTINCT waits_for FROM parked WHERE waits_for IS NOT NULL AND due <= ?",
            vec![now.into()],
        )?
        .column()?;
    Ok(names.into_iter().map(OperationName::stored).collect())
}

/// The due rows that wait for an operation, up to the allowance.
pub fn due_for(
    sql: &dyn Sql,
    operation: &OperationName,
    allowance: Allowance,
    now: UnixMs,
    most: u32,
) -> Result<Vec<DueRow<ParkedRow>>, SqlError> {
    let Some((order, limit)) = order(allowance, most) else { return Ok(Vec::new()) };
    let answer = sql.exec(
        &format!(
            "SELECT {COLUMNS} FROM parked
             WHERE due <= ? AND lost < {TRIED_ALONE} AND waits_for = ?
             ORDER BY {order} LIMIT ?"
        ),
        vec![now.into(), operation.as_str().into(), limit.into()],
    )?;
    let rows: Vec<ParkedRow> = answer.read()?;
    let due = rows.into_iter().filter_map(|row| {
        let group = RowGroup::of_key(&row.key)?;
        Some(DueRow { group, bytes: row.bytes, row })
    });
    Ok(due.collect())
}

/// The due row that has to be tried alone, since its tries in company were lost.
pub fn due_alone(sql: &dyn Sql, now: UnixMs) -> Result<Vec<ParkedRow>, SqlError> {
    sql.exec(
        &format!(
            "SELECT {COLUMNS} FROM parked
             WHERE due <= ? AND lost >= {TRIED_ALONE} ORDER BY due, seq LIMIT 1"
        ),
        vec![now.into()],
    )?
    .read()
}

/// When the next rows are due: by group, and by the operation that they wait for.
pub fn next_due(sql: &dyn Sql) -> Result<Vec<(RowGroup, Option<OperationName>, UnixMs)>, SqlError> {
    #[derive(Deserialize)]
    struct NextFor {
        waits_for: String,
        key: String,
        due: UnixMs,
    }
    let mut times = Vec::new();
    for group in RowGroup::ALL {
        let [from, to] = keys(group);
        let due = sql.exec(
            "SELECT MIN(due) AS due FROM parked
             WHERE due IS NOT NULL AND waits_for IS NULL AND key >= ? AND key < ?",
            vec![from.into(), to.into()],
        )?;
        times.extend(due.value()?.map(|due| (group, None, due)));
    }
    let awaited: Vec<NextFor> = sql
        .exec(
            "SELECT waits_for, key, MIN(due) AS due FROM parked
             WHERE waits_for IS NOT NULL AND due IS NOT NULL GROUP BY waits_for",
            vec![],
        )?
        .read()?;
    times.extend(awaited.into_iter().filter_map(|NextFor { waits_for, key, due }| {
        Some((RowGroup::of_key(&key)?, Some(OperationName::stored(waits_for)), due))
    }));
    Ok(times)
}

/// Takes rows for a try, one of them `alone` or many. Each counts as tried, and as written, and is postponed before the
/// try. An erasure first erases what is stored here; if it has to wait for a job of Klaviyo that may bring the profile
/// back, it is not handed out.
pub fn take(
    sql: &dyn Sql,
    now: UnixMs,
    rows: Vec<ParkedRow>,
    alone: bool,
) -> Result<Vec<TakenRow>, SqlError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut by_attempts: Vec<(u32, Vec<RowGeneration>)> = Vec::new();
    for row in &rows {
        match by_attempts.iter_mut().find(|(attempts, _)| *attempts == row.attempts) {
            Some((_, seqs)) => seqs.push(row.seq),
            None => by_attempts.push((row.attempts, vec![row.seq])),
        }
    }
    let trying = if alone { lost::ALONE } else { lost::IN_COMPANY };
    for (attempts, seqs) in by_attempts {
        let due = now + backoff(attempts, None, jitter(now));
        sql.exec(
            &format!(
                "UPDATE parked SET attempts = attempts + 1, due = ?, trying = {trying},
                    written_since = CASE written_since WHEN 0 THEN ? ELSE written_since END
                 WHERE seq IN ({})",
                list(&seqs)
            ),
            vec![due.into(), now.into()],
        )?;
    }
    let seqs = list(&rows.iter().map(|row| row.seq).collect::<Vec<_>>());
    let already_sent = sent::of(sql, &seqs)?;
    let contents = parts::get_all(sql, "parked_parts", &seqs)?;
    let mut taken: Vec<TakenRow> = rows
        .into_iter()
        .map(|row| TakenRow { content: Vec::new(), sent: HashSet::new(), row })
        .collect();
    for (owner, content) in contents {
        let of = taken.iter_mut().find(|taken| taken.row.seq.row() == owner);
        if let Some(taken) = of {
            taken.content.extend(content);
        }
    }
    for (key, digest) in already_sent {
        if let Some(taken) = taken.iter_mut().find(|taken| taken.row.key == key) {
            taken.sent.insert(digest);
        }
    }
    let waiting = erase_first(sql, &seqs, now)?;
    taken.retain(|taken| !waiting.contains(&taken.row.seq));
    Ok(taken)
}

/// Erases the stored data of the customers whose erasures are among these generations; returns those that have to wait
/// for a job.
fn erase_first(sql: &dyn Sql, seqs: &str, now: UnixMs) -> Result<Vec<RowGeneration>, SqlError> {
    #[derive(Deserialize)]
    struct ParkedErasure {
        seq: RowGeneration,
        customer: String,
    }
    let [from, to] = keys(RowGroup::Customers);
    let erasures: Vec<ParkedErasure> = sql
        .exec(
            &format!(
                "SELECT seq, customer FROM parked WHERE seq IN ({seqs}) AND rank = ?
                    AND customer IS NOT NULL AND key >= ? AND key < ?"
            ),
            vec![ERASURE_RANK.into(), from.into(), to.into()],
        )?
        .read()?;
    let mut waiting = Vec::new();
    for ParkedErasure { seq, customer } in erasures {
        if erasure::erase(sql, &customer, now)? {
            sql.exec("UPDATE parked SET trying = 0 WHERE seq = ?", vec![seq.into()])?;
            waiting.push(seq);
        }
    }
    Ok(waiting)
}

/// The range of a group's keys: from the first to the second, which is excluded.
fn keys(group: RowGroup) -> [String; 2] {
    let from = group.prefix();
    // What follows `/` is `0`.
    [from.to_owned(), format!("{}0", from.trim_end_matches('/'))]
}
