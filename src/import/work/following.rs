//! Jobs: how far they are, what was wrong with their rows, and whether their items are there.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::calling::{LOOK_FOR_ITEMS, Task, What};
use super::{RunWork, ms};
use crate::fault::ReadFault;
use crate::http::Answer;
use crate::klaviyo::answer::ids;
use crate::klaviyo::job::JobType;
use crate::klaviyo::job_answer::{self, Progress};
use crate::klaviyo::query::Lookup;

impl RunWork {
    pub(super) fn job_seen(
        &mut self,
        key: u64,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let Some(open) = self.jobs.get_mut(key) else { return Ok(()) };
        open.looked = ms(now);
        let (of, at) = (open.job.of, open.at);
        let too_old = open.is_too_old(ms(now));
        match job_answer::progress(answer)? {
            Some(Progress::Running) if too_old => {
                self.job_ended(key, None, now);
            }
            Some(Progress::Running) => {
                let not_before = self.jobs.next_look(at, ms(now));
                self.queue.push_back(Task::new(What::Look(key), not_before));
            }
            // Nobody knows what became of it.
            Some(Progress::Cancelled) | None => self.job_ended(key, None, now),
            Some(Progress::Ended { failed: 0, .. }) => {
                self.job_ended(key, Some(&HashSet::new()), now);
            }
            Some(Progress::Ended { failed, errors }) => {
                let errors = errors.into_iter().map(|error| (error, None));
                if let Some(open) = self.jobs.get_mut(key) {
                    open.failed = failed;
                    open.errors = errors.collect();
                }
                if of == JobType::Profiles {
                    self.now_queue(What::Errors { job: key, cursor: None }, now);
                } else {
                    self.rows_failed(key, now);
                }
            }
        }
        Ok(())
    }

    pub(super) fn errors_read(
        &mut self,
        key: u64,
        answer: &Answer,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let page = job_answer::import_errors(answer)?;
        let Some(open) = self.jobs.get_mut(key) else { return Ok(()) };
        open.errors.extend(page.errors);
        match page.next {
            Some(cursor) => {
                self.now_queue(What::Errors { job: key, cursor: Some(cursor) }, now);
            }
            None => self.rows_failed(key, now),
        }
        Ok(())
    }

    /// A job has ended, and some of its rows failed: those that Klaviyo names, or any.
    fn rows_failed(&mut self, key: u64, now: DateTime<Utc>) {
        let Some(open) = self.jobs.get(key) else { return };
        let row_of = |id: &str| self.row_of_record(open, id);
        let rows = job_answer::blamed(open.failed, &open.errors, row_of);
        let rows = rows.map(|rows| rows.into_iter().collect());
        self.job_ended(key, rows.as_ref(), now);
    }

    pub(super) fn items_seen(
        &mut self,
        answer: &Answer,
        what: &What,
        now: DateTime<Utc>,
    ) -> Result<(), ReadFault> {
        let What::Items { lookup: Lookup::Existing { .. }, awaited } = what else { return Ok(()) };
        let there: HashSet<_> = ids(answer)?.unwrap_or_default().ids.into_iter().collect();
        for one in awaited {
            // A job that has ended meanwhile has settled the row; only the waiting is left.
            if there.contains(&one.item) || self.jobs.get(one.job).is_none() {
                self.item_is_there(one, now);
            } else {
                self.awaited.push(one.clone());
                self.next_look_for_items = ms(now) + LOOK_FOR_ITEMS;
            }
        }
        Ok(())
    }
}
