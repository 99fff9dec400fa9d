//! Parked notifications: those that can succeed later.
//!
//! Table `parked` has a row for each slot, `parked_parts` its notification in parts. A row's `seq`
//! is its generation: parking again into the same slot gives the row a new one, so that whoever
//! works on the old one cannot remove what came meanwhile.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::{Result, SqlStorage, SqlStorageValue};

use crate::edge::calls::now_ms;
use crate::edge::parts;
use crate::realtime::parking::{Slot, backoff};

/// What is known of a notification when it is parked.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::edge) struct NewParked {
    /// Its slot; see [`crate::realtime::parking::Slot`].
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
}

impl NewParked {
    /// One that is to be tried now.
    pub(in crate::edge) fn now(slot: Slot, code: &str) -> Self {
        let now = now_ms();
        let Slot { key, rank, customer } = slot;
        Self { key, rank, customer, at: now, due: now, code: code.to_owned(), attempts: 0 }
    }

    /// One that was tried once and is to be tried again.
    pub(in crate::edge) fn after(slot: Slot, code: &str, asked: Option<Duration>) -> Self {
        let wait = backoff(1, asked, 0.0);
        let mut new = Self::now(slot, code);
        new.due = to_second(new.due + super::millis(wait));
        new.attempts = 1;
        new
    }
}

/// A row of `parked`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    /// The generation.
    pub(super) seq: f64,
    /// When the slot was first parked, in ms since 1970 UTC.
    pub(super) since: u64,
    pub(super) attempts: u32,
    /// The bytes of its notification.
    bytes: u64,
}

/// Makes the tables, if they are not there.
pub(super) fn prepare(sql: &SqlStorage) -> Result<()> {
    sql.exec(
        "CREATE TABLE IF NOT EXISTS parked (
            seq INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
            rank INTEGER NOT NULL, customer TEXT, since INTEGER NOT NULL, due INTEGER NOT NULL,
            attempts INTEGER NOT NULL, code TEXT NOT NULL, bytes INTEGER NOT NULL);
         CREATE INDEX IF NOT EXISTS parked_due ON parked (due);",
        None,
    )?;
    parts::prepare(sql, "parked_parts")
}

/// Parks a notification. In a slot that is taken, the age, the number of tries and the time of
/// the next one stay, so that a stream of changes does not defeat the waiting.
pub(super) fn park(sql: &SqlStorage, new: &NewParked, content: &[u8]) -> Result<()> {
    let taken: Vec<Taken> = sql
        .exec(
            "SELECT seq, rank, since, due, attempts FROM parked WHERE key = ?",
            vec![new.key.as_str().into()],
        )?
        .to_array()?;
    let (at, due) = (millis(new.at)?, millis(new.due)?);
    let (since, due, attempts) = match taken.first() {
        Some(row) => (row.since.into(), row.due.into(), i64::from(row.attempts).into()),
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
    let inserted: Vec<Inserted> = sql
        .exec(
            "INSERT INTO parked (key, rank, customer, since, due, attempts, code, bytes)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
            vec![
                new.key.as_str().into(),
                i64::from(rank).into(),
                new.customer.clone().into(),
                since,
                due,
                attempts,
                new.code.as_str().into(),
                i64::try_from(content.len()).unwrap_or(i64::MAX).into(),
            ],
        )?
        .to_array()?;
    match inserted.first() {
        Some(row) => parts::put(sql, "parked_parts", row.seq, &content),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
struct Taken {
    seq: f64,
    rank: u8,
    since: f64,
    due: f64,
    attempts: u32,
}

#[derive(Deserialize)]
struct Inserted {
    seq: f64,
}

/// Rows that are due, the oldest first: at most so many, and of so many bytes after the first.
pub(super) fn due(sql: &SqlStorage, now: u64, most: u32, bytes: u64) -> Result<Vec<Row>> {
    let rows: Vec<Row> = sql
        .exec(
            "SELECT seq, since, attempts, bytes FROM parked WHERE due <= ?
             ORDER BY since, seq LIMIT ?",
            vec![millis(now)?, i64::from(most).into()],
        )?
        .to_array()?;
    let mut total = 0;
    let fits = rows.iter().take_while(|row| {
        total += row.bytes;
        total <= bytes
    });
    let count = fits.count().max(1);
    Ok(rows.into_iter().take(count).collect())
}

/// Removes a row, if it still is the generation that was read.
pub(super) fn remove(sql: &SqlStorage, row: &Row) -> Result<()> {
    sql.exec("DELETE FROM parked WHERE seq = ?", vec![row.seq.into()])?;
    parts::delete(sql, "parked_parts", row.seq)
}

/// The end of the second: rows that were parked together become due together, and their requests
/// can go together.
fn to_second(time: u64) -> u64 {
    time.next_multiple_of(1000)
}

/// Counts a try of a row, puts it off and gives its notification; none if a newer generation has
/// taken its place since it was read.
pub(super) fn begin(sql: &SqlStorage, row: &Row, due: u64) -> Result<Option<Vec<u8>>> {
    let counted = sql.exec(
        "UPDATE parked SET attempts = attempts + 1, due = ? WHERE seq = ?",
        vec![millis(due)?, row.seq.into()],
    )?;
    if counted.rows_written() == 0 {
        return Ok(None);
    }
    parts::get(sql, "parked_parts", row.seq).map(Some)
}

/// Puts a row off after a try, if it still is the generation that was read.
pub(super) fn put_off(sql: &SqlStorage, row: &Row, due: u64, code: &str) -> Result<()> {
    sql.exec(
        "UPDATE parked SET due = ?, code = ? WHERE seq = ?",
        vec![millis(to_second(due))?, code.into(), row.seq.into()],
    )?;
    Ok(())
}

/// Makes all rows due but those that wait for one of these codes.
pub(super) fn wake(sql: &SqlStorage, now: u64, waiting_for: &[&str]) -> Result<()> {
    let except = vec!["?"; waiting_for.len()].join(",");
    let mut values = vec![millis(now)?, millis(now)?];
    values.extend(waiting_for.iter().map(|code| SqlStorageValue::from(*code)));
    sql.exec(
        &format!("UPDATE parked SET due = ? WHERE due > ? AND code NOT IN ({except})"),
        values,
    )?;
    Ok(())
}

/// When the next row is due, in ms since 1970 UTC.
pub(super) fn next_due(sql: &SqlStorage) -> Result<Option<f64>> {
    #[derive(Deserialize)]
    struct Next {
        due: Option<f64>,
    }
    let rows: Vec<Next> = sql.exec("SELECT MIN(due) AS due FROM parked", None)?.to_array()?;
    Ok(rows.first().and_then(|row| row.due))
}

/// How many rows wait, and since when the oldest does, in ms since 1970 UTC.
pub(super) fn waiting(sql: &SqlStorage) -> Result<(u32, Option<f64>)> {
    #[derive(Deserialize)]
    struct Waiting {
        count: u32,
        oldest: Option<f64>,
    }
    let rows: Vec<Waiting> =
        sql.exec("SELECT COUNT(*) AS count, MIN(since) AS oldest FROM parked", None)?.to_array()?;
    Ok(rows.first().map_or((0, None), |row| (row.count, row.oldest)))
}

fn millis(time: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(time).unwrap_or(i64::MAX))
}
