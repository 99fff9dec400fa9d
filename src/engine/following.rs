//! Follows jobs: how far they are, the errors of their rows, and whether their items exist.

use std::collections::HashSet;

use super::calling::LOOK_FOR_ITEMS;
use super::events::{JobEnd, WriteEvent};
use super::jobs::{JobKey, JobRows, OpenJob};
use super::unit::UnitEnd;
use super::unit_no::UnitNo;
use super::write_task::{AwaitedItem, WriteCall};
use super::writer::UnitWriter;
use crate::fault::{ReadFault, TransientFault};
use crate::http::HttpAnswer;
use crate::klaviyo::answer::ids;
use crate::klaviyo::job::JobType;
use crate::klaviyo::job_answer::{self, JobProgress};
use crate::time::UnixMs;

impl UnitWriter {
    pub(super) fn job_seen(
        &mut self,
        key: JobKey,
        answer: &HttpAnswer,
        now: UnixMs,
    ) -> Result<(), ReadFault> {
        let Some(open) = self.jobs.get_mut(key) else { return Ok(()) };
        open.looked = now;
        let (job, at) = (open.job.clone(), open.at);
        let too_old = open.is_too_old(now);
        match job_answer::progress(answer)? {
            Some(JobProgress::Running) if too_old => self.job_ended(key, None, now),
            Some(JobProgress::Running) => {
                let not_before = self.jobs.next_look(at, now);
                if !self.host.keeps() {
                    let running = TransientFault::JobUnderWay.into();
                    self.events.push(WriteEvent::JobPutOff(job.clone(), running, not_before));
                }
                self.queue_call(WriteCall::Look(key, job), not_before);
            }
            // The result is unknown.
            Some(JobProgress::Cancelled) | None => self.job_ended(key, None, now),
            Some(JobProgress::Ended { failed, errors }) => {
                open.failed = failed;
                open.errors = errors.into_iter().map(|error| (error, None)).collect();
                if failed > 0 && job.of == JobType::Profiles {
                    let (id, cursor) = (job.id, None);
                    self.queue_call(WriteCall::Errors { job: key, id, cursor }, now);
                } else {
                    self.rows_failed(key, now);
                }
            }
        }
        Ok(())
    }

    pub(super) fn errors_read(
        &mut self,
        key: JobKey,
        answer: &HttpAnswer,
        now: UnixMs,
    ) -> Result<(), ReadFault> {
        let page = job_answer::import_errors(answer)?;
        let Some(open) = self.jobs.get_mut(key) else { return Ok(()) };
        open.errors.extend(page.errors);
        let id = open.job.id.clone();
        match page.next {
            Some(cursor) => {
                let cursor = Some(cursor);
                self.queue_call(WriteCall::Errors { job: key, id, cursor }, now);
            }
            None => self.rows_failed(key, now),
        }
        Ok(())
    }

    /// A job has ended, and some of its rows may have failed: those that Klaviyo names, or any.
    fn rows_failed(&mut self, key: JobKey, now: UnixMs) {
        let Some(open) = self.jobs.get_mut(key) else { return };
        let (failed, errors) = (open.failed, std::mem::take(&mut open.errors));
        if let JobRows::WithHost = open.rows {
            return self.close_job(key, JobEnd::Done { failed, errors });
        }
        if failed == 0 {
            return self.job_ended(key, Some(&HashSet::new()), now);
        }
        let Some(open) = self.jobs.get(key) else { return };
        let rows = job_answer::blamed(failed, &errors, |id| self.row_of_profile(open, id));
        let rows = rows.map(|rows| rows.into_iter().collect());
        self.job_ended(key, rows.as_ref(), now);
    }

    fn row_of_profile(&self, open: &OpenJob, id: &str) -> Option<usize> {
        let JobRows::Here(rows) = &open.rows else { return None };
        let is_it = |no: &UnitNo| {
            self.units.get(no).is_some_and(|unit| unit.external_id.as_deref() == Some(id))
        };
        rows.iter().position(|waiting| waiting.iter().any(is_it))
    }

    /// A job has ended: Klaviyo refused these rows, or it is unknown which, so any of them.
    pub(super) fn job_ended(&mut self, key: JobKey, refused: Option<&HashSet<usize>>, now: UnixMs) {
        let Some(open) = self.jobs.get_mut(key) else { return };
        let JobRows::Here(rows) = &mut open.rows else {
            return self.close_job(key, JobEnd::Unknown);
        };
        let (rows, at) = (std::mem::take(rows), open.at);
        self.jobs.ended(now.since(at));
        self.close_job(key, JobEnd::Unknown);
        let awaited: Vec<AwaitedItem> = self.awaited.extract_if(.., |one| one.job == key).collect();
        for one in awaited {
            if let Some(unit) = self.units.get_mut(&one.unit) {
                unit.awaited = unit.awaited.saturating_sub(1);
            }
        }
        for (index, waiting) in rows.into_iter().enumerate() {
            let refused = refused.is_none_or(|rows| rows.contains(&index));
            for no in waiting {
                let Some(unit) = self.units.get_mut(&no) else { continue };
                unit.in_jobs = unit.in_jobs.saturating_sub(1);
                if refused {
                    self.end_unit(no, UnitEnd::Alone);
                }
                self.go_on(no, now);
            }
        }
    }

    fn close_job(&mut self, key: JobKey, end: JobEnd) {
        let Some(open) = self.jobs.remove(key) else { return };
        self.queue.retain(|task| !matches!(task.call, WriteCall::Look(job, _) if job == key));
        self.events.push(WriteEvent::JobEnded(open.job, end));
    }

    pub(super) fn items_seen(
        &mut self,
        answer: &HttpAnswer,
        awaited: &[AwaitedItem],
        now: UnixMs,
    ) -> Result<(), ReadFault> {
        let there: HashSet<_> = ids(answer)?.unwrap_or_default().ids.into_iter().collect();
        for one in awaited {
            // If the job has ended meanwhile, it has settled the row; only the waiting is left.
            if there.contains(&one.item) || self.jobs.get(one.job).is_none() {
                self.item_is_there(one, now);
            } else {
                self.awaited.push(one.clone());
                self.next_look_for_items = now + LOOK_FOR_ITEMS;
            }
        }
        Ok(())
    }

    pub(super) fn item_is_there(&mut self, item: &AwaitedItem, now: UnixMs) {
        let in_job = self.jobs.get(item.job).is_some();
        if self.jobs.free(item.job, item.index, item.unit) {
            let began = self.jobs.get(item.job).map(|open| open.at);
            self.events.extend(began.map(WriteEvent::JobLeft));
            self.close_job(item.job, JobEnd::Unknown);
        }
        let Some(unit) = self.units.get_mut(&item.unit) else { return };
        unit.in_jobs = unit.in_jobs.saturating_sub(u32::from(in_job));
        unit.awaited = unit.awaited.saturating_sub(1);
        self.go_on(item.unit, now);
    }
}
