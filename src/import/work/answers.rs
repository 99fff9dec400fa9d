//! What an answer means, call by call.
//!
//! A fault that passes puts the call off; a key or scope that is missing, or a query that is
//! refused, ends the run with its reason; what is wrong with one record costs that record.

use chrono::{DateTime, Utc};

use super::calling::{Task, What};
use super::{Work, ms};
use crate::config::Config;
use crate::http::{Answer, Passing, ReadFault};
use crate::import::run::Waiting;
use crate::klaviyo::pacing::Pace;
use crate::realtime::parking::backoff;

impl Work {
    /// Takes what was answered.
    pub(in crate::import) fn answered(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
        task: Task,
        answer: Result<Answer, Passing>,
        pace: &mut Pace,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        let answer = match answer {
            Ok(answer) => answer,
            Err(passing) => return self.put_off(task, &passing, now, pace),
        };
        let taken = match task.what {
            What::End(ref end) => self.end_read(config, end, &answer),
            What::Page { range, limit, ref reading } => {
                self.page_read(config, range, limit, reading, &answer, now)
            }
            What::Again(ref ids) => self.again_read(config, ids, &answer, now),
            What::Linked { page, ref walk } => self.linked_read(config, page, walk, &answer, now),
            What::Need { page, ref need } => self.need_answered(config, page, need, &answer, now),
            What::Look(key) => self.job_seen(key, &answer, now),
            What::Errors { job, .. } => self.errors_read(job, &answer, now),
            What::Items { .. } => self.items_seen(&answer, &task.what, now),
            What::Batch(_) | What::Single { .. } => {
                return self.written(task, &answer, now, pace);
            }
        };
        match taken {
            Ok(()) => self.goes_on(),
            Err(ReadFault::Passing(passing)) => self.put_off(task, &passing, now, pace),
            Err(ReadFault::Permanent { code, detail }) => self.fail(&code, detail),
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
        passing: &Passing,
        now: DateTime<Utc>,
        pace: &mut Pace,
    ) {
        let Passing { code, retry_after } = passing;
        if let Some(message) = mended_by_hand(code) {
            return self.fail(code, message);
        }
        if self.run.waiting.is_none() {
            self.run.waiting = Some(Waiting { code: code.clone(), since: now });
            self.dirty = true;
        }
        let Task { what, tries, .. } = task;
        // A job may have been done with meanwhile: its items were seen.
        let job = match &what {
            What::Look(job) | What::Errors { job, .. } => Some(*job),
            _ => None,
        };
        if job.is_some_and(|job| self.jobs.get(job).is_none()) {
            return;
        }
        // Spread over time without a source of chance: by where the clock stands.
        let jitter = f64::from(now.timestamp_subsec_millis()) / 1000.0;
        let wait = backoff(tries + 1, *retry_after, jitter);
        let not_before = ms(now) + u64::try_from(wait.as_millis()).unwrap_or(0);
        if code == "klaviyo_429"
            && let Some(operation) = self.operation_of(&what)
        {
            pace.refused(operation, not_before);
        }
        self.queue.push_back(Task { what, not_before, tries: tries + 1 });
    }
}

/// What to do about a fault that waiting does not mend.
fn mended_by_hand(code: &str) -> Option<String> {
    let refused = code.ends_with("_401") || code.ends_with("_403");
    let text = match code {
        "commercetools_token_400" => {
            "commercetools refuses the API client: see CT_API_CLIENT and CT_SCOPES"
        }
        _ if !refused => return None,
        _ if code.starts_with("commercetools_token") => {
            "commercetools refuses the API client: see CT_API_CLIENT and CT_AUTH_URL"
        }
        _ if code.starts_with("commercetools") => {
            "commercetools refuses the call: the API client lacks a scope"
        }
        _ if code.ends_with("_401") => "Klaviyo refuses the key: see KLAVIYO_AUTH_KEY",
        _ => "Klaviyo refuses the call: the key lacks a scope",
    };
    Some(format!("{text}. Mend it, and resume the run."))
}
