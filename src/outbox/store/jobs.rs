//! Jobs of Klaviyo that are not done yet, and the rows that wait for them.
//!
//! Table `jobs` has a row for each job, `job_rows` its contents: each row of the job with the slots
//! that wait for it and the digest of its write. When the job has ended, the slots are tried again,
//! and [`super::sent`] says what need not be sent once more: nothing, if nothing changed. So the
//! latest change is always sent in the end, and no older job has the last word.

use serde::{Deserialize, Serialize};

use super::generation::RowGeneration;
use crate::fault::TransientFault;
use crate::klaviyo::job::JobRef;
use crate::storage::sql::{RowId, Sql, SqlError, SqlValue};
use crate::time::UnixMs;

/// A job that is not done yet.
pub struct AwaitedJob {
    /// The job at Klaviyo.
    pub job: JobRef,
    /// When it was started.
    pub since: UnixMs,
    /// When to look at it.
    pub due: UnixMs,
}

/// The part of a slot in a job.
#[derive(Serialize)]
pub struct JobRow {
    /// The row of the job.
    pub n: usize,
    /// The slot.
    pub key: String,
    /// The generation that was sent.
    pub seq: RowGeneration,
    /// The digest of its write.
    pub digest: String,
    /// The profile that it writes, if any.
    pub external_id: Option<String>,
}

/// The result of a job's rows.
pub enum JobFate {
    /// Klaviyo did all except these.
    DoneBut(Vec<usize>),
    /// The result is unknown.
    Unknown,
}

/// Stores a job that Klaviyo accepted, and makes its slots wait for it.
pub fn open(sql: &dyn Sql, job: &JobRef, rows: &[JobRow], now: UnixMs) -> Result<(), SqlError> {
    let inserted = sql.exec(
        "INSERT INTO jobs (job, since, due) VALUES (?1, ?2, ?2) RETURNING seq",
        vec![serde_json::to_string(job)?.into(), now.into()],
    )?;
    let Some(seq) = inserted.value::<RowId>()? else { return Ok(()) };
    // A newer generation has no part in what was sent; and while Klaviyo may still carry out an
    // older write, no sent digest counts.
    sql.exec(
        "INSERT OR REPLACE INTO job_rows (job, n, key, digest, external_id)
         SELECT ?1, value ->> 'n', value ->> 'key',
            CASE WHEN EXISTS (
                SELECT 1 FROM parked WHERE seq = value ->> 'seq' AND doubtful_until <= ?3)
            THEN value ->> 'digest' END, value ->> 'external_id'
         FROM json_each(?2)",
        vec![seq.into(), serde_json::to_string(rows)?.into(), now.into()],
    )?;
    sql.exec(
        "UPDATE parked SET due = NULL, code = 'klaviyo_job'
         WHERE key IN (SELECT key FROM job_rows WHERE job = ?)",
        vec![seq.into()],
    )?;
    Ok(())
}

/// All jobs that are open.
pub fn all(sql: &dyn Sql) -> Result<Vec<AwaitedJob>, SqlError> {
    #[derive(Deserialize)]
    struct StoredJob {
        job: String,
        since: UnixMs,
        due: UnixMs,
    }
    let rows: Vec<StoredJob> =
        sql.exec("SELECT job, since, due FROM jobs ORDER BY seq", vec![])?.read()?;
    let read = |StoredJob { job, since, due }| {
        Ok(AwaitedJob { job: serde_json::from_str(&job)?, since, due })
    };
    rows.into_iter().map(read).collect()
}

/// The number of a job, if it is open.
fn number(sql: &dyn Sql, job: &JobRef) -> Result<Option<RowId>, SqlError> {
    let stored = serde_json::to_string(job)?;
    sql.exec("SELECT seq FROM jobs WHERE job = ? ORDER BY seq", vec![stored.into()])?.value()
}

/// The next look at a job is at `due`, and the rows that wait for it show the reason.
pub fn put_off(
    sql: &dyn Sql,
    job: &JobRef,
    fault: TransientFault,
    due: UnixMs,
) -> Result<(), SqlError> {
    let Some(seq) = number(sql, job)? else { return Ok(()) };
    sql.exec(
        "UPDATE parked SET code = ?1 WHERE due IS NULL AND code <> ?1
            AND key IN (SELECT key FROM job_rows WHERE job = ?2)",
        vec![fault.code().as_ref().into(), seq.into()],
    )?;
    sql.exec("UPDATE jobs SET due = ? WHERE seq = ?", vec![due.into(), seq.into()])?;
    Ok(())
}

/// The rows of a job with the external ids of their profiles.
pub fn rows_of_profiles(sql: &dyn Sql, job: &JobRef) -> Result<Vec<(String, usize)>, SqlError> {
    #[derive(Deserialize)]
    struct ProfileRow {
        n: usize,
        external_id: String,
    }
    let Some(seq) = number(sql, job)? else { return Ok(Vec::new()) };
    let rows: Vec<ProfileRow> = sql
        .exec(
            "SELECT n, external_id FROM job_rows WHERE job = ? AND external_id IS NOT NULL",
            vec![seq.into()],
        )?
        .read()?;
    Ok(rows.into_iter().map(|row| (row.external_id, row.n)).collect())
}

/// A job has ended. Its slots are due again, unless they wait for another one too; what failed is
/// tried alone. A row in doubt is not due before nothing else can be carried out.
pub fn close(sql: &dyn Sql, job: &JobRef, fate: &JobFate, now: UnixMs) -> Result<(), SqlError> {
    let Some(seq) = number(sql, job)? else { return Ok(()) };
    let failed = match fate {
        JobFate::DoneBut(rows) => {
            let rows: Vec<_> = rows.iter().map(ToString::to_string).collect();
            format!("job = ? AND n IN ({})", rows.join(","))
        }
        JobFate::Unknown => "job = ?".to_owned(),
    };
    let of_job = || vec![SqlValue::from(seq)];
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
        "UPDATE parked SET due = CASE alone WHEN 0 THEN MAX(doubtful_until, ?1) ELSE ?1 END
         WHERE due IS NULL AND key IN (SELECT key FROM job_rows WHERE job = ?2)
            AND NOT EXISTS (
                SELECT 1 FROM job_rows WHERE job_rows.key = parked.key AND job_rows.job <> ?2)",
        vec![now.into(), seq.into()],
    )?;
    sql.exec("DELETE FROM job_rows WHERE job = ?", of_job())?;
    sql.exec("DELETE FROM jobs WHERE seq = ?", of_job())?;
    Ok(())
}

/// Makes a slot wait for all open jobs that write this profile, whichever slots they belong to;
/// returns whether there are any. Their digests no longer count.
pub fn await_all_of(sql: &dyn Sql, key: &str, external_id: &str) -> Result<bool, SqlError> {
    sql.exec(
        "INSERT OR REPLACE INTO job_rows (job, n, key, digest, external_id)
         SELECT job, n, ?1, NULL, external_id FROM job_rows WHERE external_id = ?2",
        vec![key.into(), external_id.into()],
    )?;
    sql.exec("UPDATE job_rows SET digest = NULL WHERE external_id = ?", vec![external_id.into()])?;
    let found = sql.exec("SELECT job FROM job_rows WHERE key = ? LIMIT 1", vec![key.into()])?;
    let waits = !found.is_empty();
    if waits {
        sql.exec("UPDATE parked SET due = NULL WHERE key = ?", vec![key.into()])?;
    }
    Ok(waits)
}
