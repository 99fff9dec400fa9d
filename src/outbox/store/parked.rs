//! Parked notifications: those that can succeed later, and their results.
//!
//! Table `parked` has a row for each slot, `parked_parts` its notification in parts. A row's `seq` is its generation:
//! parking into the same slot again gives the row a new one, so the try of an old one cannot remove what came
//! meanwhile. A row without a due time waits for a job of Klaviyo; see [`super::jobs`].

use serde::Deserialize;
use serde_json::{Value, json};

use super::generation::RowGeneration;
use super::new_parked::to_second;
use super::tables::NAME;
use super::{lost, sent};
use crate::engine::circuits::OperationName;
use crate::fault::TransientFault;
use crate::push::parking::RowGroup;
use crate::storage::parts;
use crate::storage::sql::{RowId, Sql, SqlError, SqlValue};
use crate::time::UnixMs;

/// A row of `parked`.
#[derive(Debug, Clone, Deserialize)]
pub struct ParkedRow {
    /// The generation.
    pub seq: RowGeneration,
    /// The slot.
    pub key: String,
    /// When the slot was first parked.
    pub since: UnixMs,
    /// How often it was tried.
    pub attempts: u32,
    /// Until when Klaviyo may still carry out a write of it; see [`super::new_parked::NewParked`].
    pub doubtful_until: UnixMs,
    /// Since when it may have been written before, without a check that this is current; [`UnixMs::EPOCH`] if it was
    /// not.
    pub written_since: UnixMs,
    /// Whether its requests have to go alone, since a job failed with them: not 0.
    pub(super) alone: u8,
    /// The bytes of its notification.
    pub(super) bytes: u64,
}

impl ParkedRow {
    /// Whether it is a fact: however late Klaviyo carries it out, it overwrites nothing newer.
    #[must_use]
    pub fn is_fact(&self) -> bool {
        RowGroup::of_key(&self.key) == Some(RowGroup::Facts)
    }

    /// Whether its requests have to go alone.
    #[must_use]
    pub fn alone(&self) -> bool {
        self.alone != 0
    }
}

/// Removes a row, if it still is the generation that was read; returns whether it was.
pub fn remove(sql: &dyn Sql, row: &ParkedRow) -> Result<bool, SqlError> {
    let removed = sql.exec("DELETE FROM parked WHERE seq = ?", vec![row.seq.into()])?;
    parts::delete(sql, "parked_parts", row.seq.row())?;
    Ok(removed.written > 0)
}

/// Klaviyo may still carry out a write of a row until then. This also puts a newer notification in the slot in doubt,
/// and sent digests no longer count.
pub fn keep_in_doubt(sql: &dyn Sql, row: &ParkedRow, until: UnixMs) -> Result<(), SqlError> {
    sql.exec(
        "UPDATE parked SET doubtful_until = MAX(doubtful_until, ?) WHERE key = ?",
        vec![until.into(), row.key.as_str().into()],
    )?;
    sent::forget(sql, &row.key)
}

/// Postpones a row after a try, if it still is the generation that was read; a row that waits for a job keeps waiting
/// for it. `waits_for` is the operation that stopped it; `is_written` says whether this try, or one before it, may have
/// written something. A row whose try alone has ended is not the one that crashes the runtime.
pub fn put_off(
    sql: &dyn Sql,
    row: &ParkedRow,
    due: UnixMs,
    fault: TransientFault,
    waits_for: Option<&OperationName>,
    is_written: bool,
) -> Result<(), SqlError> {
    sql.exec(
        "UPDATE parked SET code = ?2, waits_for = ?4,
            lost_alone = CASE trying WHEN ?6 THEN 0 ELSE lost_alone END,
            written_since = CASE WHEN ?5 THEN written_since ELSE 0 END, due =
            CASE WHEN EXISTS (SELECT 1 FROM job_rows WHERE job_rows.key = parked.key)
            THEN NULL ELSE ?1 END
         WHERE seq = ?3",
        vec![
            to_second(due).into(),
            fault.code().as_ref().into(),
            row.seq.into(),
            waits_for.map(OperationName::as_str).into(),
            u8::from(is_written).into(),
            lost::ALONE.into(),
        ],
    )?;
    Ok(())
}

/// The row of a product was delivered, if it still is the generation that was read, and has to be delivered again at
/// the next edge of its prices: as if it had been parked for that alone.
pub fn move_to_edge(sql: &dyn Sql, row: &ParkedRow, edge: UnixMs) -> Result<(), SqlError> {
    sql.exec(
        "UPDATE parked SET since = ?1, due = ?1, code = ?2, attempts = 0, waits_for = NULL,
            alone = 0, trying = 0, lost = 0, lost_alone = 0, written_since = 0, doubtful_until = 0
         WHERE seq = ?3",
        vec![edge.into(), TransientFault::PriceEdge.code().as_ref().into(), row.seq.into()],
    )?;
    sent::forget(sql, &row.key)
}

/// Faults whose rows wait for a known time: the end of a doubt, or the edge of prices.
pub(super) const FOR_A_TIME: [TransientFault; 4] = [
    TransientFault::MayBeCarriedOut,
    TransientFault::Follows,
    TransientFault::FollowsLater,
    TransientFault::PriceEdge,
];

/// Those whose rows are early, not late: no undelivered change is known.
pub(super) const NOT_LATE: [TransientFault; 2] =
    [TransientFault::FollowsLater, TransientFault::PriceEdge];

/// The codes of faults, as JSON.
pub(super) fn codes(
    faults: impl IntoIterator<Item = TransientFault>,
) -> Result<SqlValue, SqlError> {
    let codes: Vec<_> = faults.into_iter().map(TransientFault::code).collect();
    Ok(serde_json::to_string(&codes)?.into())
}

/// An operation goes through again: the rows that wait for it are due. So are rows that wait for anything else that may
/// be over as well; operations that are still down stay shut all the same.
pub fn wake(sql: &dyn Sql, operation: &OperationName, now: UnixMs) -> Result<(), SqlError> {
    sql.exec(
        "UPDATE parked SET waits_for = NULL WHERE waits_for = ?",
        vec![operation.as_str().into()],
    )?;
    // A refund waits for its order, not for the end of an outage.
    let others = FOR_A_TIME.into_iter().chain([TransientFault::PaymentWithoutOrder]);
    sql.exec(
        "UPDATE parked SET due = ?1
         WHERE due > ?1 AND code NOT IN (SELECT value FROM json_each(?2))",
        vec![now.into(), codes(others)?],
    )?;
    Ok(())
}

/// Makes waiting rows due now, on an operator's request; returns how many. Rows that wait for a time of their own keep
/// it: before that Klaviyo may still carry out a write, or there is nothing to do. Rows that wait for a job of Klaviyo
/// keep waiting, too.
pub fn retry(sql: &dyn Sql, now: UnixMs) -> Result<u32, SqlError> {
    let rows = "due > ?1 AND doubtful_until <= ?1
        AND code NOT IN (SELECT value FROM json_each(?2))";
    let values = vec![now.into(), codes(FOR_A_TIME)?];
    let count =
        sql.exec(&format!("SELECT COUNT(*) AS count FROM parked WHERE {rows}"), values.clone())?;
    sql.exec(&format!("UPDATE parked SET due = ?1 WHERE {rows}"), values)?;
    Ok(count.value()?.unwrap_or(0))
}

/// Whether any row waits for a job.
pub fn any_waits(sql: &dyn Sql) -> Result<bool, SqlError> {
    Ok(!sql.exec("SELECT seq FROM parked WHERE due IS NULL LIMIT 1", vec![])?.is_empty())
}

/// Makes rows due now, alone, that wait for a job longer than they may be kept: whatever the result, it is their end.
pub fn expire(sql: &dyn Sql, now: UnixMs, kept_from: UnixMs) -> Result<(), SqlError> {
    sql.exec(
        "UPDATE parked SET due = ?, alone = 1 WHERE due IS NULL AND since < ?",
        vec![now.into(), kept_from.into()],
    )?;
    Ok(())
}

/// Rows that wait for the same reason.
#[derive(Debug, Deserialize)]
pub struct WaitingRows {
    /// Why they wait: the code of the last try.
    pub code: String,
    /// How many there are.
    pub count: u32,
    /// When the oldest was parked.
    pub oldest: UnixMs,
}

/// The number of waiting rows by group, without those that are [`NOT_LATE`].
pub fn counts(sql: &dyn Sql) -> Result<Vec<(RowGroup, u64)>, SqlError> {
    #[derive(Deserialize)]
    struct GroupCount {
        prefix: String,
        count: u64,
    }
    let rows: Vec<GroupCount> = sql
        .exec(
            "SELECT SUBSTR(key, 1, INSTR(key, '/')) AS prefix, COUNT(*) AS count FROM parked
             WHERE code NOT IN (SELECT value FROM json_each(?)) GROUP BY prefix",
            vec![codes(NOT_LATE)?],
        )?
        .read()?;
    let counts = rows.into_iter();
    Ok(counts.filter_map(|row| Some((RowGroup::of_key(&row.prefix)?, row.count))).collect())
}

/// The waiting rows by reason, the most frequent first. A row that is [`NOT_LATE`] counts only if a try of it did not
/// succeed.
pub fn waiting(sql: &dyn Sql) -> Result<Vec<WaitingRows>, SqlError> {
    sql.exec(
        "SELECT code, COUNT(*) AS count, MIN(since) AS oldest FROM parked
         WHERE code NOT IN (SELECT value FROM json_each(?))
         GROUP BY code ORDER BY count DESC, code",
        vec![codes(NOT_LATE)?],
    )?
    .read()
}

/// Rows on one page.
const PAGE: usize = 100;

/// A page of waiting rows, in the order in which they were last parked: a row that is parked again moves to the end, so
/// none is missed. As in [`waiting`], a row that is [`NOT_LATE`] is left out. The notification names its resource; only
/// some slots do.
pub fn page(sql: &dyn Sql, cursor: Option<RowId>) -> Result<Value, SqlError> {
    #[derive(Deserialize)]
    struct WaitingRow {
        seq: RowId,
        code: String,
        since: UnixMs,
        due: Option<UnixMs>,
        attempts: u32,
        resource: Option<String>,
        name: Option<String>,
    }
    let query = format!(
        "SELECT seq, code, since, due, attempts,
            CASE WHEN json_valid(content)
            THEN (content ->> '$.resource.typeId') || '/' || (content ->> '$.resource.id')
            END AS resource, {NAME} AS name
         FROM (
            SELECT parked.*, (
                SELECT CAST(content AS TEXT) FROM parked_parts WHERE owner = seq AND part = 0
            ) AS content
            FROM parked WHERE seq > ? AND code NOT IN (SELECT value FROM json_each(?))
            ORDER BY seq LIMIT {})",
        PAGE + 1
    );
    let rows: Vec<WaitingRow> =
        sql.exec(&query, vec![cursor.unwrap_or_default().into(), codes(NOT_LATE)?])?.read()?;
    let page = &rows[..rows.len().min(PAGE)];
    let next = page.last().filter(|_| rows.len() > PAGE).map(|row| row.seq.to_string());
    let shown = page.iter().map(|row| {
        let mut shown = json!({
            "id": row.seq.to_string(),
            "resource": row.resource,
            "code": row.code,
            "since": row.since.shown(),
            "attempts": row.attempts,
            "nextAttempt": row.due.and_then(UnixMs::shown),
        });
        if let Some(name) = &row.name {
            shown["name"] = name.as_str().into();
        }
        shown
    });
    Ok(json!({ "parked": shown.collect::<Vec<_>>(), "next": next }))
}
