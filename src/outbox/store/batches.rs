//! Batches of the feed, each taken once (table `feed_batch`, one row: the newest number, and whether it was taken).
//!
//! Numbers ascend. A repeated call finds its number taken. A call that comes after the feed asked for its number finds
//! it refused, and the feed reads that page again under the next number.

use serde::Deserialize;

use super::intake::take;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

#[derive(Deserialize)]
struct NewestBatch {
    number: u64,
    taken: u8,
}

/// Stores the content of a batch, unless that was already done or refused; returns whether it is stored.
pub fn take_batch(sql: &dyn Sql, number: u64, body: &[u8], now: UnixMs) -> Result<bool, SqlError> {
    if let Some(taken) = decided(sql, number)? {
        return Ok(taken);
    }
    take(sql, body, now)?;
    decide(sql, number, true)?;
    Ok(true)
}

/// Whether a batch was taken. If not, it is refused from now on.
pub fn settle(sql: &dyn Sql, number: u64) -> Result<bool, SqlError> {
    if let Some(taken) = decided(sql, number)? {
        return Ok(taken);
    }
    decide(sql, number, false)?;
    Ok(false)
}

/// Whether a number was taken; none if that is not decided yet.
fn decided(sql: &dyn Sql, number: u64) -> Result<Option<bool>, SqlError> {
    let newest: Option<NewestBatch> =
        sql.exec("SELECT number, taken FROM feed_batch", vec![])?.first()?;
    Ok(newest
        .filter(|newest| newest.number >= number)
        .map(|newest| newest.number == number && newest.taken == 1))
}

fn decide(sql: &dyn Sql, number: u64, taken: bool) -> Result<(), SqlError> {
    sql.exec(
        "INSERT INTO feed_batch (only, number, taken) VALUES (1, ?, ?)
         ON CONFLICT (only) DO UPDATE SET number = excluded.number, taken = excluded.taken",
        vec![number.into(), u8::from(taken).into()],
    )?;
    Ok(())
}
