//! Parked notifications: those that can succeed later.
//!
//! Table `parked` has a row for each slot, `parked_parts` its notification in parts. A row's `seq`
//! is its generation: parking again into the same slot gives the row a new one, so that whoever
//! works on the old one cannot remove what came meanwhile. A row without a time to try it waits for
//! a job of Klaviyo; see [`super::jobs`].

use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use worker::{Result, SqlStorage, SqlStorageValue};

use super::lost::{self, TRIED_ALONE};
use super::{jitter, jobs};
use crate::edge::calls::now_ms;
use crate::edge::parts;
use crate::edge::sql::{RowId, StoredTime};
use crate::fault::{Setback, TransientFault};
use crate::outbox::schedule::{Allowance, DueRow, RowGroup};
use crate::engine::backoff::{SINGLE_IN_DOUBT, backoff, wait_after};
use crate::realtime::parking::ParkingSlot;

/// What is known of a notification when it is parked.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::edge) struct NewParked {
    /// Its slot; see [`crate::realtime::parking::ParkingSlot`].
    pub(in crate::edge) key: String,
    pub(in crate::edge) rank: u8,
    pub(in crate::edge) customer: Option<String>,
    /// Now, in ms since 1970 UTC.
    pub(in crate::edge) at: u64,
    /// When to try, in ms since 1970 UTC.
    pub(in crate::edge) due: u64,
    /// Why it was parked, as a stable code.
    pub(in crate::edge) code: String,
    /// How often it was tried.
    pub(in crate::edge) attempts: u32,
    /// Until when a write of it without an answer may still be carried out, in ms since 1970 UTC;
    /// 0 if there is none. Until then the row stays, to be read and written once more.
    pub(in crate::edge) doubtful_until: u64,
}

impl NewParked {
    /// One that is to be tried now.
    pub(in crate::edge) fn now(slot: ParkingSlot, fault: TransientFault) -> Self {
        let now = now_ms();
        let ParkingSlot { key, rank, customer } = slot;
        let code = fault.code().into_owned();
        Self { key, rank, customer, at: now, due: now, code, attempts: 0, doubtful_until: 0 }
    }

    /// One that was not tried, and is to be with what else is parked in this second.
    pub(in crate::edge) fn soon(slot: ParkingSlot, fault: TransientFault) -> Self {
        let new = Self::now(slot, fault);
        Self { due: to_second(new.due), ..new }
    }

    /// One that was tried once and is to be tried again.
    pub(in crate::edge) fn after(slot: ParkingSlot, setback: Setback) -> Self {
        let wait = wait_after(setback, 1, 0.0);
        let mut new = Self::now(slot, setback.fault);
        new.due = to_second(new.due + super::millis(wait));
        new.attempts = 1;
        if setback.fault.leaves_in_doubt() && RowGroup::of_key(&new.key) != Some(RowGroup::Facts) {
            new.doubtful_until = new.at + super::millis(SINGLE_IN_DOUBT);
        }
        new
    }
}

/// A row of `parked`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ParkedRow {
    /// The generation.
    pub(super) seq: RowId,
    /// The slot.
    pub(super) key: String,
    /// When the slot was first parked, in ms since 1970 UTC.
    pub(super) since: u64,
    pub(super) attempts: u32,
    /// Until when a write of it may still be carried out; see [`NewParked`].
    pub(super) doubtful_until: u64,
    /// Whether its requests are to go alone, since a job failed with them: not 0.
    alone: u8,
    /// The bytes of its notification.
    bytes: u64,
}

impl ParkedRow {
    /// Whether its requests are to go alone.
    pub(super) fn alone(&self) -> bool {
        self.alone != 0
    }

    /// Its requests are to go alone from now on, also in this try.
    pub(super) fn go_alone(&mut self) {
        self.alone = 1;
    }
}

/// A row that is being tried.
pub(super) struct Taken {
    pub(super) row: ParkedRow,
    /// Its notification.
    pub(super) content: Vec<u8>,
    /// Digests of what it sent already.
    pub(super) sent: HashSet<String>,
}

/// Parks a notification. If its slot has an open job, the row waits for that job. If the slot is
/// taken, the age, the number of tries and the time of the next one are kept, so that a stream of
/// changes does not defeat the waiting. What was sent for it counts no more: somebody else may have
/// written something else meanwhile.
pub(super) fn park(sql: &SqlStorage, new: &NewParked, content: &[u8]) -> Result<()> {
    let taken: Vec<Occupant> = sql
        .exec(
            "SELECT seq, rank, since, due, attempts, doubtful_until FROM parked WHERE key = ?",
            vec![new.key.as_str().into()],
        )?
        .to_array()?;
    let (at, due) = (millis(new.at)?, millis(new.due)?);
    let (since, due, attempts) = match taken.first() {
        Some(row) => {
            jobs::forget_sent(sql, &new.key)?;
            (row.since.into(), row.due.into(), i64::from(row.attempts).into())
        }
        None => (at, due, i64::from(new.attempts).into()),
    };
    let content = match taken.first() {
        Some(row) => {
            let old = parts::take(sql, "parked_parts", row.seq)?;
            sql.exec("DELETE FROM parked WHERE seq = ?", vec![row.seq.into()])?;
            if row.rank > new.rank { old } else { content.to_vec() }
        }
        None => content.to_vec(),
    };
    let rank = taken.first().map_or(new.rank, |row| row.rank.max(new.rank));
    let doubtful_until = taken.first().map_or(0, |row| row.doubtful_until).max(new.doubtful_until);
    let inserted: Vec<Inserted> = sql
        .exec(
            "INSERT INTO parked (
                key, rank, customer, since, due, attempts, code, bytes, doubtful_until)
             VALUES (?1, ?2, ?3, ?4,
                CASE WHEN EXISTS (SELECT 1 FROM job_rows WHERE job_rows.key = ?1)
                THEN NULL ELSE ?5 END, ?6, ?7, ?8, ?9) RETURNING seq",
            vec![
                new.key.as_str().into(),
                i64::from(rank).into(),
                new.customer.clone().into(),
                since,
                due,
                attempts,
                new.code.as_str().into(),
                i64::try_from(content.len()).unwrap_or(i64::MAX).into(),
                millis(doubtful_until)?,
            ],
        )?
        .to_array()?;
    match inserted.first() {
        Some(row) => parts::put(sql, "parked_parts", row.seq, &content),
        None => Ok(()),
    }
}

/// Bytes of the notifications that one statement stores: a value may have 2 MB, and as JSON text
/// in JSON text they take more.
const TOGETHER: usize = 300_000;

/// Parks notifications in their order. Small ones in free slots are stored many at a time.
pub(super) fn park_all(sql: &SqlStorage, all: &[(NewParked, &[u8])]) -> Result<()> {
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
            match std::str::from_utf8(content) {
                Ok(content) if known.insert(new.key.clone()) && content.len() <= TOGETHER => {
                    let NewParked { key, rank, customer, at, due, code, attempts, doubtful_until } =
                        new;
                    small.push((
                        key,
                        rank,
                        customer,
                        at,
                        due,
                        attempts,
                        code,
                        content,
                        doubtful_until,
                    ));
                }
                _ => others.push((new, *content)),
            }
        }
        let small = serde_json::to_string(&small)?;
        sql.exec(
            "INSERT INTO parked (
                key, rank, customer, since, due, attempts, code, bytes, doubtful_until)
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3,
                CASE WHEN EXISTS (SELECT 1 FROM job_rows WHERE job_rows.key = value ->> 0)
                THEN NULL ELSE value ->> 4 END,
                value ->> 5, value ->> 6, LENGTH(CAST(value ->> 7 AS BLOB)), value ->> 8
             FROM json_each(?)",
            vec![small.as_str().into()],
        )?;
        sql.exec(
            "INSERT INTO parked_parts (owner, part, content)
             SELECT (SELECT seq FROM parked WHERE parked.key = value ->> 0), 0,
                CAST(value ->> 7 AS BLOB)
             FROM json_each(?)",
            vec![small.into()],
        )?;
    }
    others.into_iter().try_for_each(|(new, content)| park(sql, new, content))
}

/// Which of the slots of these are taken.
fn taken_slots(sql: &SqlStorage, new: &[(NewParked, &[u8])]) -> Result<Vec<String>> {
    #[derive(Deserialize)]
    struct TakenKey {
        key: String,
    }
    let keys: Vec<_> = new.iter().map(|(new, _)| new.key.as_str()).collect();
    let rows: Vec<TakenKey> = sql
        .exec(
            "SELECT key FROM parked WHERE key IN (SELECT value FROM json_each(?))",
            vec![serde_json::to_string(&keys)?.into()],
        )?
        .to_array()?;
    Ok(rows.into_iter().map(|row| row.key).collect())
}

#[derive(Deserialize)]
struct Occupant {
    seq: RowId,
    rank: u8,
    since: StoredTime,
    due: Option<StoredTime>,
    attempts: u32,
    doubtful_until: u64,
}

#[derive(Deserialize)]
struct Inserted {
    seq: RowId,
}

/// The rows of a group that are due, as many as it is allowed: by the time they are due, or, where
/// the group is only probed, those first that were tried least.
pub(super) fn due(
    sql: &SqlStorage,
    group: RowGroup,
    allowance: Allowance,
    now: u64,
    most: u32,
) -> Result<Vec<DueRow<ParkedRow>>> {
    let (order, limit) = match allowance {
        Allowance::All => ("due, seq", most),
        Allowance::Probe(few) => ("attempts, due, seq", few.min(most)),
        Allowance::None => return Ok(Vec::new()),
    };
    let [from, to] = keys(group);
    let rows: Vec<ParkedRow> = sql
        .exec(
            &format!(
                "SELECT seq, key, since, attempts, doubtful_until, alone, bytes FROM parked
                 WHERE due <= ? AND lost < {TRIED_ALONE} AND key >= ? AND key < ?
                 ORDER BY {order} LIMIT ?"
            ),
            vec![millis(now)?, from.into(), to.into(), i64::from(limit).into()],
        )?
        .to_array()?;
    Ok(rows.into_iter().map(|row| DueRow { group, bytes: row.bytes, row }).collect())
}

/// The row that is due and is to be tried alone, since its tries in company were lost.
pub(super) fn due_alone(sql: &SqlStorage, now: u64) -> Result<Vec<ParkedRow>> {
    sql.exec(
        &format!(
            "SELECT seq, key, since, attempts, doubtful_until, alone, bytes FROM parked
             WHERE due <= ? AND lost >= {TRIED_ALONE} ORDER BY due, seq LIMIT 1"
        ),
        vec![millis(now)?],
    )?
    .to_array()
}

/// From which key to which the keys of a group are, the second not among them.
fn keys(group: RowGroup) -> [String; 2] {
    let from = group.prefix();
    // What follows `/` is `0`.
    [from.to_owned(), format!("{}0", from.trim_end_matches('/'))]
}

/// Takes rows to be tried, one of them `alone` or many. Each counts as tried, and is put off before
/// it is.
pub(super) fn take(
    sql: &SqlStorage,
    now: u64,
    rows: Vec<ParkedRow>,
    alone: bool,
) -> Result<Vec<Taken>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut by_attempts: Vec<(u32, Vec<RowId>)> = Vec::new();
    for row in &rows {
        match by_attempts.iter_mut().find(|(attempts, _)| *attempts == row.attempts) {
            Some((_, seqs)) => seqs.push(row.seq),
            None => by_attempts.push((row.attempts, vec![row.seq])),
        }
    }
    let trying = if alone { lost::ALONE } else { lost::IN_COMPANY };
    for (attempts, seqs) in by_attempts {
        let due = now + super::millis(backoff(attempts, None, jitter()));
        sql.exec(
            &format!(
                "UPDATE parked SET attempts = attempts + 1, due = ?, trying = {trying}
                 WHERE seq IN ({})",
                list(&seqs)
            ),
            vec![millis(due)?],
        )?;
    }
    let seqs = list(&rows.iter().map(|row| row.seq).collect::<Vec<_>>());
    let sent = jobs::sent(sql, &seqs)?;
    let contents = parts::get_all(sql, "parked_parts", &seqs)?;
    let mut taken: Vec<Taken> = rows
        .into_iter()
        .map(|row| Taken { content: Vec::new(), sent: HashSet::new(), row })
        .collect();
    for (owner, content) in contents {
        let of = taken.iter_mut().find(|taken| taken.row.seq == owner);
        if let Some(taken) = of {
            taken.content.extend(content);
        }
    }
    for (key, digest) in sent {
        if let Some(taken) = taken.iter_mut().find(|taken| taken.row.key == key) {
            taken.sent.insert(digest);
        }
    }
    Ok(taken)
}

/// Numbers as SQL has them: a statement may have only 100 values of its own.
fn list(numbers: &[RowId]) -> String {
    let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(",")
}

/// Removes a row, if it still is the generation that was read; whether it was.
pub(super) fn remove(sql: &SqlStorage, row: &ParkedRow) -> Result<bool> {
    let removed = sql.exec("DELETE FROM parked WHERE seq = ?", vec![row.seq.into()])?;
    parts::delete(sql, "parked_parts", row.seq)?;
    Ok(removed.rows_written() > 0)
}

/// Keeps a row from being sent with others again.
pub(super) fn keep_alone(sql: &SqlStorage, row: &ParkedRow) -> Result<()> {
    sql.exec("UPDATE parked SET alone = 1 WHERE seq = ?", vec![row.seq.into()])?;
    Ok(())
}

/// The end of the second: rows that were parked together become due together, and their requests
/// can go together.
fn to_second(time: u64) -> u64 {
    time.next_multiple_of(1000)
}

/// A write of a row may still be carried out until then, in ms since 1970 UTC. It is in doubt for
/// whatever was parked into the slot meanwhile as well.
pub(super) fn keep_in_doubt(sql: &SqlStorage, row: &ParkedRow, until: u64) -> Result<()> {
    sql.exec(
        "UPDATE parked SET doubtful_until = MAX(doubtful_until, ?) WHERE key = ?",
        vec![millis(until)?, row.key.as_str().into()],
    )?;
    Ok(())
}

/// Puts a row off after a try, if it still is the generation that was read; one that waits for a
/// job goes on waiting for it.
pub(super) fn put_off(
    sql: &SqlStorage,
    row: &ParkedRow,
    due: u64,
    fault: TransientFault,
) -> Result<()> {
    sql.exec(
        "UPDATE parked SET code = ?2, due =
            CASE WHEN EXISTS (SELECT 1 FROM job_rows WHERE job_rows.key = parked.key)
            THEN NULL ELSE ?1 END
         WHERE seq = ?3",
        vec![millis(to_second(due))?, fault.code().as_ref().into(), row.seq.into()],
    )?;
    Ok(())
}

/// Makes all rows of a group due but those that wait for this.
pub(super) fn wake(
    sql: &SqlStorage,
    group: RowGroup,
    now: u64,
    waiting_for: TransientFault,
) -> Result<()> {
    let [from, to] = keys(group);
    let code = waiting_for.code().into_owned();
    sql.exec(
        "UPDATE parked SET due = ?1 WHERE due > ?1 AND code <> ?2 AND key >= ?3 AND key < ?4",
        vec![millis(now)?, code.into(), from.into(), to.into()],
    )?;
    Ok(())
}

/// When the next row of a group is due, in ms since 1970 UTC.
pub(super) fn next_due(sql: &SqlStorage, group: RowGroup) -> Result<Option<u64>> {
    #[derive(Deserialize)]
    struct Next {
        due: Option<u64>,
    }
    let [from, to] = keys(group);
    let rows: Vec<Next> = sql
        .exec(
            "SELECT MIN(due) AS due FROM parked WHERE due IS NOT NULL AND key >= ? AND key < ?",
            vec![from.into(), to.into()],
        )?
        .to_array()?;
    Ok(rows.first().and_then(|row| row.due))
}

/// Whether any row waits for a job.
pub(super) fn any_waits(sql: &SqlStorage) -> Result<bool> {
    #[derive(Deserialize)]
    struct Found {}
    let rows: Vec<Found> =
        sql.exec("SELECT seq FROM parked WHERE due IS NULL LIMIT 1", None)?.to_array()?;
    Ok(!rows.is_empty())
}

/// Lets rows that wait for a job longer than they may be kept be tried now, alone: whatever comes
/// of it is their end.
pub(super) fn expire(sql: &SqlStorage, now: u64, kept_from: u64) -> Result<()> {
    sql.exec(
        "UPDATE parked SET due = ?, alone = 1 WHERE due IS NULL AND since < ?",
        vec![millis(now)?, millis(kept_from)?],
    )?;
    Ok(())
}

/// Rows that wait for the same reason.
#[derive(Debug, Deserialize)]
pub(super) struct WaitingRows {
    /// Why they wait: the code of the last try.
    pub(super) code: String,
    /// How many there are.
    pub(super) count: u32,
    /// Since when the oldest waits, in ms since 1970 UTC.
    pub(super) oldest: StoredTime,
}

/// What waits, by the reason, the most frequent first.
pub(super) fn waiting(sql: &SqlStorage) -> Result<Vec<WaitingRows>> {
    sql.exec(
        "SELECT code, COUNT(*) AS count, MIN(since) AS oldest FROM parked
         GROUP BY code ORDER BY count DESC, code",
        None,
    )?
    .to_array()
}

fn millis(time: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(time).unwrap_or(i64::MAX))
}
