//! What an answer means, call by call.
//!
//! A fault that passes puts the call off; a key or scope that is missing, or a query that is
//! refused, ends the run with its reason; what is wrong with one record costs that record.

use chrono::{DateTime, Utc};

use super::calling::{Task, What};
use super::{RunWork, ms};
use crate::config::Config;
use crate::fault::{ReadFault, Setback, System, TransientFault};
use crate::http::Answer;
use crate::import::run::RunWaiting;
use crate::klaviyo::pacing::{Pace, Tier};
use crate::realtime::parking::wait_after;

impl RunWork {
    /// Takes what was answered.
    pub(in crate::import) fn answered(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
        task: Task,
        answer: Result<Answer, Setback>,
        pace: &mut Pace,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        let told = answer.as_ref().ok().and_then(|answer| answer.quota_limits.as_deref());
        if let (Some(operation), Some(tier)) =
            (self.operation_of(&task.what), told.and_then(Tier::parse))
        {
            pace.learn(operation, tier);
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(setback) => return self.put_off(task, setback, now, pace),
        };
        let taken = match task.what {
            What::End(ref end) => self.end_read(config, end, &answer),
            What::Page { range, limit, .. } => self.page_read(config, range, limit, &answer, now),
            What::Again(ref ids) => self.again_read(config, ids, &answer, now),
            What::Linked { page, ref walk } => self.linked_read(config, page, walk, &answer, now),
            What::Need { page, ref need } => self.need_answered(config, page, need, &answer, now),
            What::HandOver { page, .. } => self.handed_over(page, &answer),
            What::Look(key) => self.job_seen(key, &answer, now),
            What::Errors { job, .. } => self.errors_read(job, &answer, now),
            What::Items { .. } => self.items_seen(&answer, &task.what, now),
            What::Batch(_) | What::Single { .. } => {
                return self.written(task, &answer, now, pace);
            }
        };
        match taken {
            Ok(()) => self.goes_on(),
            Err(ReadFault::Later(setback)) => self.put_off(task, setback, now, pace),
            Err(ReadFault::Never(rejection)) => match task.what {
                // Klaviyo took the rows, and will not say what became of them: each is sent again.
                What::Look(job) | What::Errors { job, .. } => self.job_ended(job, None, now),
                _ => self.fail(&rejection.code(), rejection.detail),
            },
        }
    }

    /// Something went through: whatever the run waited for is over.
    pub(super) fn goes_on(&mut self) {
        self.dirty |= self.run.waiting.take().is_some();
    }

    /// Puts a call off after a fault that passes, or ends the run if only a person can mend it.
    pub(super) fn put_off(
        &mut self,
        task: Task,
        setback: Setback,
        now: DateTime<Utc>,
        pace: &mut Pace,
    ) {
        let Setback { fault, .. } = setback;
        if let Some(text) = fault.mended_by_operator() {
            let message = format!("{text}. Mend it, and resume the run.");
            return self.fail(&fault.code(), message);
        }
        if self.run.waiting.is_none() {
            self.run.waiting = Some(RunWaiting { code: fault.code().into_owned(), since: now });
            self.dirty = true;
        }
        let Task { what, tries, .. } = task;
        // A job may have been done with meanwhile: its items were seen.
        if let What::Look(key) | What::Errors { job: key, .. } = &what {
            match self.jobs.get(*key) {
                None => return,
                // Whatever became of it, its rows are sent again.
                Some(open) if open.is_too_old(ms(now)) => return self.job_ended(*key, None, now),
                Some(_) => {}
            }
        }
        // Spread over time without a source of chance: by where the clock stands.
        let jitter = f64::from(now.timestamp_subsec_millis()) / 1000.0;
        let wait = wait_after(setback, tries + 1, jitter);
        let not_before = ms(now) + u64::try_from(wait.as_millis()).unwrap_or(0);
        if fault == TransientFault::Status(System::Klaviyo, 429)
            && let Some(operation) = self.operation_of(&what)
        {
            pace.refused(operation, ms(now), not_before);
        }
        self.queue.push_back(Task { what, not_before, tries: tries + 1 });
    }
}
