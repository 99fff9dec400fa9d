//! Jobs of Klaviyo that are not done yet, and the rows that wait for them.
//!
//! Table `jobs` has a row for each job, `job_rows` what it took: each row of the job with the slots
//! that wait for it and the digest of what it writes. When the job has ended, the slots are tried
//! again, and `sent` says what need not be sent once more: nothing, if all is still as it was. So
//! whatever changed meanwhile is sent in the end, and no older job has the last word.
//!
//! What a job took counts only as long as nothing is parked into the slot: then somebody else may
//! have written something else meanwhile, and everything is sent again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use worker::{Result, SqlStorage, SqlStorageValue};

use super::millis;
use crate::edge::sql::RowId;
use crate::fault::Setback;
use crate::klaviyo::job::{GIVEN_UP_AFTER, JobRef, next_look};

/// A row of `jobs`.
#[derive(Deserialize)]
struct StoredJob {
    seq: RowId,
    job: String,
    since: u64,
}

/// A job that is not done yet.
pub(super) struct Open {
    seq: RowId,
    pub(super) job: JobRef,
    /// When it was started, in ms since 1970 UTC.
    since: u64,
}

impl Open {
    pub(super) fn too_old(&self, now: u64) -> bool {
        now.saturating_sub(self.since) > millis(GIVEN_UP_AFTER)
    }
}

/// What a slot has in a job.
#[derive(Serialize)]
pub(super) struct JobRow {
    /// The row of the job.
    pub(super) n: usize,
    /// The slot.
    pub(super) key: String,
    /// The generation of its row that was sent.
    pub(super) seq: RowId,
    pub(super) digest: String,
    pub(super) external_id: Option<String>,
}

/// What became of the rows of a job.
pub(super) enum JobFate {
    /// Klaviyo did all but these.
    DoneBut(Vec<usize>),
    /// Nobody knows.
    Unknown,
}

/// Stores a job that Klaviyo took, and lets the slots wait for it.
pub(super) fn open(sql: &SqlStorage, job: &JobRef, rows: &[JobRow], now: u64) -> Result<()> {
    #[derive(Deserialize)]
    struct Inserted {
        seq: RowId,
    }
    let stored = serde_json::to_string(job)?;
    let due = now + millis(next_look(Duration::ZERO, count(sql)?));
    let inserted: Vec<Inserted> = sql
        .exec(
            "INSERT INTO jobs (job, since, due) VALUES (?, ?, ?) RETURNING seq",
            vec![stored.into(), time(now)?, time(due)?],
        )?
        .to_array()?;
    let Some(Inserted { seq }) = inserted.first() else { return Ok(()) };
    // A newer generation has no part in what was sent.
    sql.exec(
        "INSERT OR REPLACE INTO job_rows (job, n, key, digest, external_id)
         SELECT ?1, value ->> 'n', value ->> 'key',
            CASE WHEN EXISTS (SELECT 1 FROM parked WHERE seq = value ->> 'seq')
            THEN value ->> 'digest' END, value ->> 'external_id'
         FROM json_each(?2)",
        vec![(*seq).into(), serde_json::to_string(rows)?.into()],
    )?;
    sql.exec(
        "UPDATE parked SET due = NULL, code = 'klaviyo_job'
         WHERE key IN (SELECT key FROM job_rows WHERE job = ?)",
        vec![(*seq).into()],
    )?;
    Ok(())
}

/// How many jobs are open.
pub(super) fn count(sql: &SqlStorage) -> Result<usize> {
    #[derive(Deserialize)]
    struct Count {
        count: usize,
    }
    let rows: Vec<Count> = sql.exec("SELECT COUNT(*) AS count FROM jobs", None)?.to_array()?;
    Ok(rows.first().map_or(0, |row| row.count))
}

/// Jobs that are to be looked at, the oldest first.
pub(super) fn due(sql: &SqlStorage, now: u64, most: u32) -> Result<Vec<Open>> {
    let rows: Vec<StoredJob> = sql
        .exec(
            "SELECT seq, job, since FROM jobs WHERE due <= ? ORDER BY seq LIMIT ?",
            vec![time(now)?, i64::from(most).into()],
        )?
        .to_array()?;
    rows.into_iter()
        .map(|StoredJob { seq, job, since }| {
            Ok(Open { seq, job: serde_json::from_str(&job)?, since })
        })
        .collect()
}

/// When the next job is to be looked at, in ms since 1970 UTC.
pub(super) fn next_due(sql: &SqlStorage) -> Result<Option<u64>> {
    #[derive(Deserialize)]
    struct Next {
        due: Option<u64>,
    }
    let rows: Vec<Next> = sql.exec("SELECT MIN(due) AS due FROM jobs", None)?.to_array()?;
    Ok(rows.first().and_then(|row| row.due))
}

/// A job is not done yet, or nothing was learned of it: it is looked at again, after as long as
/// was asked for, and what waits for it says why.
pub(super) fn put_off(sql: &SqlStorage, job: &Open, now: u64, why: Setback) -> Result<()> {
    let age = Duration::from_millis(now.saturating_sub(job.since));
    let wait = next_look(age, count(sql)?).max(why.retry_after.unwrap_or_default());
    sql.exec(
        "UPDATE parked SET code = ?1 WHERE due IS NULL AND code <> ?1
            AND key IN (SELECT key FROM job_rows WHERE job = ?2)",
        vec![why.fault.code().as_ref().into(), job.seq.into()],
    )?;
    sql.exec(
        "UPDATE jobs SET due = ? WHERE seq = ?",
        vec![time(now + millis(wait))?, job.seq.into()],
    )?;
    Ok(())
}

/// The row of a job that has the profile of this external id.
pub(super) fn rows_of_profiles(sql: &SqlStorage, job: &Open) -> Result<Vec<(String, usize)>> {
    #[derive(Deserialize)]
    struct Found {
        n: usize,
        external_id: String,
    }
    let rows: Vec<Found> = sql
        .exec(
            "SELECT n, external_id FROM job_rows WHERE job = ? AND external_id IS NOT NULL",
            vec![job.seq.into()],
        )?
        .to_array()?;
    Ok(rows.into_iter().map(|row| (row.external_id, row.n)).collect())
}

/// A job has ended. Its slots are due again, unless they wait for another one too; what failed is
/// tried alone.
pub(super) fn close(sql: &SqlStorage, job: &Open, fate: &JobFate, now: u64) -> Result<()> {
    let failed = match fate {
        JobFate::DoneBut(rows) => {
            let rows: Vec<_> = rows.iter().map(ToString::to_string).collect();
            format!("job = ? AND n IN ({})", rows.join(","))
        }
        JobFate::Unknown => "job = ?".to_owned(),
    };
    let of_job = || vec![SqlStorageValue::from(job.seq)];
    sql.exec(
        &format!(
            "UPDATE parked SET alone = 1 WHERE key IN (SELECT key FROM job_rows WHERE {failed})"
        ),
        of_job(),
    )?;
    sql.exec(&format!("UPDATE job_rows SET digest = NULL WHERE {failed}"), of_job())?;
    sql.exec(
        "INSERT OR IGNORE INTO sent (key, digest)
         SELECT key, digest FROM job_rows WHERE job = ? AND digest IS NOT NULL",
        of_job(),
    )?;
    sql.exec(
        "UPDATE parked SET due = ?1
         WHERE due IS NULL AND key IN (SELECT key FROM job_rows WHERE job = ?2)
            AND NOT EXISTS (
                SELECT 1 FROM job_rows WHERE job_rows.key = parked.key AND job_rows.job <> ?2)",
        vec![time(now)?, job.seq.into()],
    )?;
    sql.exec("DELETE FROM job_rows WHERE job = ?", of_job())?;
    sql.exec("DELETE FROM jobs WHERE seq = ?", of_job())?;
    Ok(())
}

/// What the rows of these generations (a list of SQL) sent already: slots and digests.
pub(super) fn sent(sql: &SqlStorage, seqs: &str) -> Result<Vec<(String, String)>> {
    #[derive(Deserialize)]
    struct Sent {
        key: String,
        digest: String,
    }
    let rows: Vec<Sent> = sql
        .exec(
            &format!(
                "SELECT sent.key, sent.digest FROM sent JOIN parked ON parked.key = sent.key
                 WHERE parked.seq IN ({seqs})"
            ),
            None,
        )?
        .to_array()?;
    Ok(rows.into_iter().map(|row| (row.key, row.digest)).collect())
}

/// Notes what a slot sent, if its row still is the generation that sent it.
pub(super) fn note_sent(sql: &SqlStorage, key: &str, seq: RowId, digests: &[String]) -> Result<()> {
    sql.exec(
        "INSERT OR IGNORE INTO sent (key, digest) SELECT ?1, value FROM json_each(?2)
         WHERE EXISTS (SELECT 1 FROM parked WHERE seq = ?3)",
        vec![key.into(), serde_json::to_string(digests)?.into(), seq.into()],
    )?;
    Ok(())
}

/// Forgets what a slot sent, also what jobs take that are not done yet.
pub(super) fn forget_sent(sql: &SqlStorage, key: &str) -> Result<()> {
    sql.exec("DELETE FROM sent WHERE key = ?", vec![key.into()])?;
    sql.exec("UPDATE job_rows SET digest = NULL WHERE key = ?", vec![key.into()])?;
    Ok(())
}

/// Lets a slot wait for all open jobs that write this profile, whichever slots they are of; whether
/// there are any. What they wrote counts no more.
pub(super) fn await_all_of(sql: &SqlStorage, key: &str, external_id: &str) -> Result<bool> {
    #[derive(Deserialize)]
    struct Row {}
    sql.exec(
        "INSERT OR REPLACE INTO job_rows (job, n, key, digest, external_id)
         SELECT job, n, ?1, NULL, external_id FROM job_rows WHERE external_id = ?2",
        vec![key.into(), external_id.into()],
    )?;
    sql.exec("UPDATE job_rows SET digest = NULL WHERE external_id = ?", vec![external_id.into()])?;
    let rows: Vec<Row> =
        sql.exec("SELECT job FROM job_rows WHERE key = ? LIMIT 1", vec![key.into()])?.to_array()?;
    let waits = !rows.is_empty();
    if waits {
        sql.exec("UPDATE parked SET due = NULL WHERE key = ?", vec![key.into()])?;
    }
    Ok(waits)
}

fn time(time: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(time).unwrap_or(i64::MAX))
}
