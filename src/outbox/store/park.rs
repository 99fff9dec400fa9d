//! Parking: notifications that can succeed later are stored in their slots.

use std::collections::HashSet;

use serde::Deserialize;

use super::generation::RowGeneration;
use super::new_parked::NewParked;
use super::parked::FOR_A_TIME;
use super::sent;
use crate::push::parking::{ERASURE_RANK, RowGroup};
use crate::push::plan::customer::written_earlier;
use crate::push::plan::removed_fields::united;
use crate::storage::parts;
use crate::storage::sql::{Sql, SqlError, SqlValue};
use crate::time::UnixMs;

/// The row that is already in a slot.
#[derive(Deserialize)]
struct SlotOccupant {
    seq: RowGeneration,
    rank: u8,
    since: UnixMs,
    due: Option<UnixMs>,
    attempts: u32,
    code: String,
    doubtful_until: UnixMs,
    written_since: UnixMs,
}

/// Parks a notification. If its slot has an open job, the row waits for that job. If the slot is taken, the row keeps
/// its age, its number of tries and the time of the next try, so that a stream of changes does not defeat the waiting.
/// A row that waits for a known time ([`FOR_A_TIME`]), not after a try, is tried at the earlier of both: current news
/// must not wait for that time. The row that stays unsets the custom fields that either notification reports as
/// removed. Its sent digests no longer count: somebody else may have written something else meanwhile.
pub fn park(sql: &dyn Sql, new: &NewParked, content: &[u8]) -> Result<(), SqlError> {
    let occupant: Option<SlotOccupant> = sql
        .exec(
            "SELECT seq, rank, since, due, attempts, code, doubtful_until, written_since
             FROM parked WHERE key = ?",
            vec![new.key.as_str().into()],
        )?
        .first()?;
    let Some(occupant) = occupant else {
        let times = (new.at.into(), new.due.into(), new.attempts);
        return insert(sql, new, times, content);
    };
    sent::forget(sql, &new.key)?;
    let old = parts::take(sql, "parked_parts", occupant.seq.row())?;
    sql.exec("DELETE FROM parked WHERE seq = ?", vec![occupant.seq.into()])?;
    let (stays, goes) =
        if occupant.rank > new.rank { (&old[..], content) } else { (content, &old[..]) };
    let stays = match RowGroup::of_key(&new.key) {
        Some(RowGroup::BroughtBack) => written_earlier(stays, goes),
        _ => stays,
    };
    let rank = occupant.rank.max(new.rank);
    let is_change = RowGroup::of_key(&new.key) == Some(RowGroup::Customers) && rank < ERASURE_RANK;
    let united = if is_change { united(stays, goes) } else { None };
    let content = united.as_deref().unwrap_or(stays);
    let waits_for_a_time = FOR_A_TIME.iter().any(|fault| fault.code() == occupant.code);
    let due = match occupant.due {
        Some(due) if waits_for_a_time => Some(due.min(new.due)),
        due => due,
    };
    let times = (occupant.since.min(new.at).into(), due.into(), occupant.attempts);
    let doubtful_until = occupant.doubtful_until.max(new.doubtful_until);
    let written = [occupant.written_since, new.written_since];
    let written_since =
        written.into_iter().filter(|since| *since > UnixMs::EPOCH).min().unwrap_or_default();
    let new = NewParked { rank, doubtful_until, written_since, ..new.clone() };
    insert(sql, &new, times, content)
}

/// Stores a row in a free slot, with its age, its due time and its number of tries.
fn insert(
    sql: &dyn Sql,
    new: &NewParked,
    (since, due, attempts): (SqlValue, SqlValue, u32),
    content: &[u8],
) -> Result<(), SqlError> {
    let seq = sql
        .exec(
            "INSERT INTO parked (
                key, rank, customer, since, due, attempts, code, bytes, doubtful_until,
                written_since)
             VALUES (?1, ?2, ?3, ?4,
                CASE WHEN EXISTS (SELECT 1 FROM job_rows WHERE job_rows.key = ?1)
                THEN NULL ELSE ?5 END, ?6, ?7, ?8, ?9, ?10) RETURNING seq",
            vec![
                new.key.as_str().into(),
                new.rank.into(),
                new.customer.clone().into(),
                since,
                due,
                attempts.into(),
                new.code.as_str().into(),
                content.len().into(),
                new.doubtful_until.into(),
                new.written_since.into(),
            ],
        )?
        .value()?;
    match seq {
        Some(seq) => parts::put(sql, "parked_parts", seq, content),
        None => Ok(()),
    }
}

/// Bytes of the notifications that one statement stores: a value may have 2 MB, and JSON text inside JSON text takes
/// more.
const TOGETHER: usize = 300_000;

/// Parks notifications in their order. Small ones in free slots are stored many at a time.
pub fn park_all(sql: &dyn Sql, all: &[(NewParked, &[u8])]) -> Result<(), SqlError> {
    let mut known = HashSet::new();
    let mut others = Vec::new();
    let mut rest = all;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|(new, content)| {
            bytes += content.len() + new.key.len() + 200;
            bytes <= TOGETHER
        });
        let (some, more) = rest.split_at(fits.count().max(1));
        rest = more;
        known.extend(taken_slots(sql, some)?);
        let mut small = Vec::new();
        for (new, content) in some {
            let is_free = known.insert(new.key.clone());
            match std::str::from_utf8(content) {
                Ok(content) if is_free && content.len() <= TOGETHER => {
                    small.push((new, content));
                }
                _ => others.push((new, *content)),
            }
        }
        let small = serde_json::to_string(&small)?;
        sql.exec(
            "INSERT INTO parked (
                key, rank, customer, since, due, attempts, code, bytes, doubtful_until,
                written_since)
             SELECT new ->> 'key', new ->> 'rank', new ->> 'customer', new ->> 'at',
                CASE WHEN EXISTS (SELECT 1 FROM job_rows WHERE job_rows.key = new ->> 'key')
                THEN NULL ELSE new ->> 'due' END,
                new ->> 'attempts', new ->> 'code', LENGTH(CAST(content AS BLOB)),
                new ->> 'doubtful_until', new ->> 'written_since'
             FROM (SELECT value -> 0 AS new, value ->> 1 AS content FROM json_each(?))",
            vec![small.as_str().into()],
        )?;
        sql.exec(
            "INSERT INTO parked_parts (owner, part, content)
             SELECT (SELECT seq FROM parked WHERE parked.key = value ->> '$[0].key'), 0,
                CAST(value ->> 1 AS BLOB)
             FROM json_each(?)",
            vec![small.into()],
        )?;
    }
    others.into_iter().try_for_each(|(new, content)| park(sql, new, content))
}

/// Which slots of these are taken.
fn taken_slots(sql: &dyn Sql, new: &[(NewParked, &[u8])]) -> Result<Vec<String>, SqlError> {
    let keys: Vec<_> = new.iter().map(|(new, _)| new.key.as_str()).collect();
    sql.exec(
        "SELECT key FROM parked WHERE key IN (SELECT value FROM json_each(?))",
        vec![serde_json::to_string(&keys)?.into()],
    )?
    .column()
}
