//! Jobs that Klaviyo works on, and whose rows they have.
//!
//! What is stored of a job are the rows of committed pages; those of pages under way are read
//! again after a crash.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::owner::Owner;
use crate::commercetools::reference::Id;
use crate::klaviyo::job::{GIVEN_UP_AFTER, JobRef};
use crate::klaviyo::job_answer::RowError;

/// A job under way.
pub(super) struct OpenJob {
    pub(super) job: JobRef,
    /// When Klaviyo took it, in ms.
    pub(super) at: u64,
    /// When it was looked at last, or begun, in ms.
    pub(super) looked: u64,
    pub(super) rows: Vec<JobSlot>,
    /// How many rows failed, once it has ended, and what Klaviyo said of them so far.
    pub(super) failed: u64,
    pub(super) errors: Vec<(RowError, Option<String>)>,
}

impl OpenJob {
    /// Whether it was followed for as long as it may be.
    pub(super) fn is_too_old(&self, now: u64) -> bool {
        Duration::from_millis(now.saturating_sub(self.at)) > GIVEN_UP_AFTER
    }
}

/// Whose a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobSlot {
    /// A record of a page under way.
    Live(Owner),
    /// A record of a page that is committed.
    Kept(Id),
    /// Nobody waits for it any more.
    Free,
}

/// The rows that a job has of a committed page, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRows {
    /// The job.
    pub job: JobRef,
    /// When Klaviyo took it, in ms since 1970 UTC.
    pub at: u64,
    /// The index in the job and the record's id, for each row.
    pub rows: Vec<(usize, Id)>,
}

/// All jobs of a run that are under way.
#[derive(Default)]
pub(super) struct Jobs {
    open: BTreeMap<u64, OpenJob>,
    next: u64,
    /// How long the slowest of the last jobs took, in ms; fades.
    usual: u64,
}

/// How long a job is thought to take before one has ended, in ms.
const FIRST_GUESS: u64 = 2_000;

/// The longest between two looks at a job, in ms.
const LONGEST: u64 = 20_000;

impl Jobs {
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn add(&mut self, job: JobRef, at: u64, rows: Vec<JobSlot>) -> u64 {
        self.next += 1;
        let open = OpenJob { job, at, looked: at, rows, failed: 0, errors: Vec::new() };
        self.open.insert(self.next, open);
        self.next
    }

    /// Takes up what was stored.
    pub(super) fn restore(&mut self, kept: Vec<KeptRows>) -> Vec<u64> {
        let mut keys: BTreeMap<String, u64> = BTreeMap::new();
        for KeptRows { job, at, rows } in kept {
            let id = job.id.clone();
            let key = *keys.entry(id).or_insert_with(|| self.add(job, at, Vec::new()));
            let Some(open) = self.open.get_mut(&key) else { continue };
            for (index, id) in rows {
                if open.rows.len() <= index {
                    open.rows.resize(index + 1, JobSlot::Free);
                }
                open.rows[index] = JobSlot::Kept(id);
            }
        }
        keys.into_values().collect()
    }

    pub(super) fn get(&self, key: u64) -> Option<&OpenJob> {
        self.open.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: u64) -> Option<&mut OpenJob> {
        self.open.get_mut(&key)
    }

    /// Takes a job out.
    pub(super) fn remove(&mut self, key: u64) -> Option<OpenJob> {
        self.open.remove(&key)
    }

    /// A job ended: others of the run take about as long.
    pub(super) fn ended(&mut self, took: u64) {
        self.usual = took.max(self.usual - self.usual / 8);
    }

    /// When to look at a job for the first time, and again after that: about when it is done, since
    /// Klaviyo allows no more looks at jobs than jobs. The outbox, which has few jobs and remembers
    /// none that ended, goes by [`crate::klaviyo::job::next_look`].
    pub(super) fn next_look(&self, at: u64, now: u64) -> u64 {
        let usual = if self.usual == 0 { FIRST_GUESS } else { self.usual + self.usual / 8 };
        let age = now.saturating_sub(at);
        if age < usual { at + usual } else { now + (age / 4).clamp(1_000, LONGEST) }
    }

    /// When to look at a job at the end of a pass, when nothing but jobs is awaited: sooner, since
    /// everything waits for it; all of them together at most twice a second, of the 150 looks a
    /// minute that Klaviyo allows at jobs of profiles.
    pub(super) fn last_look(&self, key: u64) -> Option<u64> {
        let job = self.open.get(&key)?;
        let jobs = u64::try_from(self.open.len()).unwrap_or(u64::MAX);
        let pause = (job.looked.saturating_sub(job.at) / 4).max(jobs.saturating_mul(500));
        Some(job.looked + pause.clamp(1_000, LONGEST))
    }

    /// Frees a row; whether the job has no other.
    pub(super) fn free(&mut self, key: u64, index: usize) -> bool {
        let Some(job) = self.open.get_mut(&key) else { return false };
        if let Some(slot) = job.rows.get_mut(index) {
            *slot = JobSlot::Free;
        }
        job.rows.iter().all(|slot| *slot == JobSlot::Free)
    }

    /// Forgets the rows of pages under way; the jobs that have no others are forgotten as well.
    pub(super) fn forget_live(&mut self) {
        for job in self.open.values_mut() {
            for slot in &mut job.rows {
                if matches!(slot, JobSlot::Live(_)) {
                    *slot = JobSlot::Free;
                }
            }
        }
        self.open.retain(|_, job| job.rows.iter().any(|slot| matches!(slot, JobSlot::Kept(_))));
    }

    pub(super) fn keys(&self) -> Vec<u64> {
        self.open.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::klaviyo::job::JobType;

    #[test]
    fn the_last_jobs_are_looked_at_soon_and_not_too_often() {
        let mut jobs = Jobs::default();
        let job = |id: u64| JobRef { of: JobType::Profiles, id: id.to_string() };
        let first = jobs.add(job(0), 10_000, Vec::new());
        jobs.ended(60_000);
        assert_eq!(jobs.next_look(10_000, 10_000), 77_500);
        assert_eq!(jobs.last_look(first), Some(11_000));
        if let Some(open) = jobs.get_mut(first) {
            open.looked = 50_000;
        }
        assert_eq!(jobs.last_look(first), Some(60_000));
        let last = (1..=9).map(|id| jobs.add(job(id), 50_000, Vec::new())).last();
        assert_eq!(last.and_then(|last| jobs.last_look(last)), Some(55_000));
        assert_eq!(jobs.last_look(99), None);
    }
}
