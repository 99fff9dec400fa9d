//! Jobs that Klaviyo works on, and the owners of their rows.
//!
//! An import keeps the owners here, and stores those of committed pages. The outbox stores all of them, and only wants
//! to know how the job ended.

use std::collections::BTreeMap;
use std::time::Duration;

use super::unit_no::UnitNo;
use crate::klaviyo::job::{GIVEN_UP_AFTER, JobRef};
use crate::klaviyo::job_answer::RowError;
use crate::time::UnixMs;

/// The number of a job, unique within the life of a writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct JobKey(u64);

/// A job under way.
pub(super) struct OpenJob {
    pub(super) job: JobRef,
    /// When Klaviyo accepted it.
    pub(super) at: UnixMs,
    /// The time of the last look at it, or of its beginning.
    pub(super) looked: UnixMs,
    pub(super) rows: JobRows,
    /// How many rows failed, after the job has ended; and what Klaviyo has said about them so far.
    pub(super) failed: u64,
    pub(super) errors: Vec<(RowError, Option<String>)>,
}

/// Who knows the owners of a job's rows.
pub(super) enum JobRows {
    /// This module: the units that wait for each row; none if nobody waits any more.
    Here(Vec<Vec<UnitNo>>),
    /// The host, which stored them.
    WithHost,
}

impl OpenJob {
    /// Whether the time for following it is over.
    pub(super) fn is_too_old(&self, now: UnixMs) -> bool {
        now.since(self.at) > GIVEN_UP_AFTER
    }
}

/// All jobs of a writer that are under way.
#[derive(Default)]
pub(super) struct OpenJobs {
    open: BTreeMap<JobKey, Box<OpenJob>>,
    next: u64,
    /// How long the slowest of the last jobs took; fades.
    usual: Duration,
}

/// The assumed duration of a job until one has ended.
const FIRST_GUESS: Duration = Duration::from_secs(2);

/// The shortest and the longest pause between two looks at a job.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(20);

/// The pause between two looks at any job, if only jobs are awaited.
const EACH: Duration = Duration::from_millis(500);

impl OpenJobs {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn add(&mut self, job: JobRef, at: UnixMs, rows: JobRows) -> JobKey {
        self.next += 1;
        let open = OpenJob { job, at, looked: at, rows, failed: 0, errors: Vec::new() };
        self.open.insert(JobKey(self.next), Box::new(open));
        JobKey(self.next)
    }

    pub(super) fn get(&self, key: JobKey) -> Option<&OpenJob> {
        self.open.get(&key).map(|open| &**open)
    }

    pub(super) fn get_mut(&mut self, key: JobKey) -> Option<&mut OpenJob> {
        self.open.get_mut(&key).map(|open| &mut **open)
    }

    /// Takes a job out.
    pub(super) fn remove(&mut self, key: JobKey) -> Option<OpenJob> {
        self.open.remove(&key).map(|open| *open)
    }

    /// A job ended: others of the run take about as long.
    pub(super) fn ended(&mut self, took: Duration) {
        self.usual = took.max(self.usual.saturating_sub(self.usual / 8));
    }

    /// When to look at a job first, and when again: at about its expected end, since Klaviyo allows no more looks at
    /// jobs than jobs.
    pub(super) fn next_look(&self, at: UnixMs, now: UnixMs) -> UnixMs {
        let usual = if self.usual.is_zero() { FIRST_GUESS } else { self.usual + self.usual / 8 };
        let age = now.since(at);
        if age < usual { at + usual } else { now + (age / 4).clamp(SHORTEST, LONGEST) }
    }

    /// When to look at a job at the end of a pass, if only jobs are awaited: sooner, since everything waits for it. All
    /// looks together happen at most twice a second, of the 150 looks a minute that Klaviyo allows at jobs of profiles.
    pub(super) fn last_look(&self, key: JobKey) -> Option<UnixMs> {
        let job = self.open.get(&key)?;
        let jobs = u32::try_from(self.open.len()).unwrap_or(u32::MAX);
        let pause = (job.looked.since(job.at) / 4).max(EACH.saturating_mul(jobs));
        Some(job.looked + pause.clamp(SHORTEST, LONGEST))
    }

    /// Frees a row of a unit. True if nobody waits for any other row of the job.
    pub(super) fn free(&mut self, key: JobKey, index: usize, unit: UnitNo) -> bool {
        let Some(OpenJob { rows: JobRows::Here(rows), .. }) = self.get_mut(key) else {
            return false;
        };
        if let Some(waiting) = rows.get_mut(index) {
            waiting.retain(|one| *one != unit);
        }
        rows.iter().all(Vec::is_empty)
    }

    /// When the jobs with rows of a unit began.
    pub(super) fn began_with(&self, unit: UnitNo) -> impl Iterator<Item = UnixMs> {
        let has_rows = move |rows: &JobRows| match rows {
            JobRows::Here(rows) => rows.iter().any(|waiting| waiting.contains(&unit)),
            JobRows::WithHost => false,
        };
        self.open.values().filter(move |job| has_rows(&job.rows)).map(|job| job.at)
    }

    /// Forgets the rows of units that no longer exist, and the jobs that have no other rows.
    pub(super) fn keep_only(&mut self, is_kept: impl Fn(UnitNo) -> bool) {
        self.open.retain(|_, job| {
            let JobRows::Here(rows) = &mut job.rows else { return true };
            for waiting in &mut *rows {
                waiting.retain(|unit| is_kept(*unit));
            }
            rows.iter().any(|waiting| !waiting.is_empty())
        });
    }

    pub(super) fn keys(&self) -> Vec<JobKey> {
        self.open.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::job::JobType;

    fn at(ms: u64) -> UnixMs {
        UnixMs::from_ms(ms)
    }

    #[test]
    fn a_job_is_followed_for_as_long_as_it_may_take_and_no_longer() {
        let mut jobs = OpenJobs::default();
        let job = JobRef { of: JobType::Profiles, id: "j".to_owned() };
        let key = jobs.add(job, at(10_000), JobRows::WithHost);
        let end = at(10_000) + GIVEN_UP_AFTER;
        for (now, is_too_old) in [
            (at(10_000), false),
            (end, false),
            (end + Duration::from_millis(1), true),
            (end + Duration::from_secs(1), true),
        ] {
            let open = jobs.get(key).map(|open| open.is_too_old(now));
            assert_eq!(open, Some(is_too_old), "{now:?}");
        }
    }

    #[test]
    fn the_last_jobs_are_looked_at_soon_and_not_too_often() {
        let mut jobs = OpenJobs::default();
        let job = |id: u64| JobRef { of: JobType::Profiles, id: id.to_string() };
        let first = jobs.add(job(0), at(10_000), JobRows::WithHost);
        jobs.ended(Duration::from_mins(1));
        assert_eq!(jobs.next_look(at(10_000), at(10_000)), at(77_500));
        assert_eq!(jobs.last_look(first), Some(at(11_000)));
        if let Some(open) = jobs.get_mut(first) {
            open.looked = at(50_000);
        }
        assert_eq!(jobs.last_look(first), Some(at(60_000)));
        let last = (1..=9).map(|id| jobs.add(job(id), at(50_000), JobRows::WithHost)).last();
        assert_eq!(last.and_then(|last| jobs.last_look(last)), Some(at(55_000)));
        assert_eq!(jobs.last_look(JobKey(99)), None);
    }
}
