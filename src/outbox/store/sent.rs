//! What a slot has sent already, and need not send again at its next try: digests, in the table `sent`, and in
//! `job_rows` for jobs that are not done yet.
//!
//! A digest counts only until something is parked into the slot: then somebody else may have written something else
//! meanwhile.

use serde::Deserialize;

use super::generation::RowGeneration;
use crate::storage::sql::{Sql, SqlError};
use crate::time::UnixMs;

/// What the rows of these generations (an SQL list) have sent: slots and digests.
pub fn of(sql: &dyn Sql, seqs: &str) -> Result<Vec<(String, String)>, SqlError> {
    #[derive(Deserialize)]
    struct SentRow {
        key: String,
        digest: String,
    }
    let statement = format!(
        "SELECT sent.key, sent.digest FROM sent JOIN parked ON parked.key = sent.key
         WHERE parked.seq IN ({seqs})"
    );
    let rows: Vec<SentRow> = sql.exec(&statement, vec![])?.read()?;
    Ok(rows.into_iter().map(|row| (row.key, row.digest)).collect())
}

/// Replaces the digests of a slot by these, if its row still is the generation that sent them.
pub fn note(
    sql: &dyn Sql,
    key: &str,
    seq: RowGeneration,
    digests: &[String],
    now: UnixMs,
) -> Result<(), SqlError> {
    let digests = serde_json::to_string(digests)?;
    sql.exec(
        "DELETE FROM sent WHERE key = ? AND digest NOT IN (SELECT value FROM json_each(?))",
        vec![key.into(), digests.as_str().into()],
    )?;
    sql.exec(
        "INSERT OR IGNORE INTO sent (key, digest) SELECT ?1, value FROM json_each(?2)
         WHERE EXISTS (SELECT 1 FROM parked WHERE seq = ?3 AND doubtful_until <= ?4)",
        vec![key.into(), digests.into(), seq.into(), now.into()],
    )?;
    Ok(())
}

/// Deletes the digests of a slot, also those in open jobs.
pub fn forget(sql: &dyn Sql, key: &str) -> Result<(), SqlError> {
    sql.exec("DELETE FROM sent WHERE key = ?", vec![key.into()])?;
    sql.exec("UPDATE job_rows SET digest = NULL WHERE key = ?", vec![key.into()])?;
    Ok(())
}
