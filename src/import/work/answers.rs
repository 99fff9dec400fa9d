//! What an answer means, call by call.
//!
//! A transient fault postpones the call. A missing key or scope, or a refused query, ends the run with its reason. An
//! error in one record costs that record.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::calling::{ReadTask, RunReading, RunTask, operation};
use super::{OpenPage, RunWork};
use crate::assembly::together::JointReading;
use crate::config::Config;
use crate::engine::backoff::{JOB_IN_DOUBT, SINGLE_IN_DOUBT};
use crate::engine::events::WriteEvent;
use crate::engine::stubborn::StubbornStep;
use crate::engine::unit::UnitEnd;
use crate::engine::unit_no::UnitNo;
use crate::engine::written::again_at;
use crate::fault::{ReadFault, Setback, System, TransientFault};
use crate::http::HttpAnswer;
use crate::import::kind::ImportKind;
use crate::import::page::{PageOrigin, RecordFate};
use crate::import::run::RunWaiting;
use crate::klaviyo::pacing::{CallPace, Operation};
use crate::time::UnixMs;

impl RunWork {
    /// Takes an answer.
    pub(in crate::import) fn answered(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
        task: RunTask,
        answer: Result<HttpAnswer, Setback>,
        pace: &mut CallPace,
    ) {
        self.under_way = self.under_way.saturating_sub(1);
        match task {
            RunTask::Read(task) => self.read(config, now, task, answer, pace),
            RunTask::Write(task) => self.writer.answered(task, answer, UnixMs::from(now), pace),
        }
        self.take_events(now);
    }

    fn read(
        &mut self,
        config: &Config,
        now: DateTime<Utc>,
        task: ReadTask,
        answer: Result<HttpAnswer, Setback>,
        pace: &mut CallPace,
    ) {
        let answer = match answer {
            Ok(answer) => answer,
            Err(setback) => {
                self.may_be_written(&task.what, setback, now);
                return self.put_off(config, task, setback, now);
            }
        };
        if let Some(operation) = operation(&task.what) {
            pace.note(operation, &answer, UnixMs::from(now));
        }
        let taken = match task.what {
            RunReading::End(ref end) => self.end_read(config, end, &answer, now),
            RunReading::Count(ref range) => self.count_read(config, range, &answer, now),
            RunReading::Project => self.project_read(&answer),
            RunReading::Page { range, limit, .. } => {
                self.page_read(config, range, limit, &answer, now)
            }
            RunReading::Again(ref ids) => self.again_read(config, ids, &answer, now),
            RunReading::Linked { page, ref walk } => {
                self.linked_read(config, page, walk, &answer, now)
            }
            RunReading::Need { page, ref need } => {
                self.need_answered(config, page, need, &answer, now)
            }
            RunReading::HandOver { page, .. } => {
                kept_by_outbox(&answer).map(|()| self.handed_over(page))
            }
            RunReading::KeepEdges { page, .. } => {
                kept_by_outbox(&answer).map(|()| self.edges_kept(page))
            }
            RunReading::Written(ref ids) => self.written_read(ids, &answer, now),
            RunReading::LeaveGone(_) => kept_by_outbox(&answer).map(|()| self.gone_left(now)),
        };
        match taken {
            Ok(()) => {
                self.answered.note(&task);
                self.goes_on();
            }
            Err(ReadFault::Later(setback)) => self.put_off(config, task, setback, now),
            Err(ReadFault::Never(rejection)) => self.fail(&rejection.code(), rejection.detail),
        }
    }

    /// Takes the engine's events about the writes.
    pub(super) fn take_events(&mut self, now: DateTime<Utc>) {
        let events = self.writer.take_events();
        for event in self.hold_back(events, now) {
            self.take_event(event, now);
        }
    }

    pub(super) fn take_event(&mut self, event: WriteEvent, now: DateTime<Utc>) {
        let settles = match &event {
            WriteEvent::Ended(_) | WriteEvent::JobLeft(_) | WriteEvent::JobEnded(..) => true,
            WriteEvent::WentThrough(_)
            | WriteEvent::Delayed(..)
            | WriteEvent::RequestRefused(_)
            | WriteEvent::JobStarted(..)
            | WriteEvent::JobPutOff(..) => false,
        };
        if settles {
            self.run.unsettled_ms = 0;
        }
        match event {
            WriteEvent::Ended(ended) => {
                self.is_asked(ended.no);
                self.unit_ended(ended.no, ended.end);
            }
            WriteEvent::WentThrough(operation) => {
                // Klaviyo carries out events that it accepted together later, and reports nothing more about them.
                if operation == Operation::CreateEvents {
                    self.doubt(JOB_IN_DOUBT, now);
                }
                self.goes_on();
            }
            WriteEvent::Delayed(operation, setback) => {
                if setback.fault.leaves_in_doubt() {
                    let is_job = matches!(operation, Operation::StartJob(_));
                    self.doubt(if is_job { JOB_IN_DOUBT } else { SINGLE_IN_DOUBT }, now);
                    self.leave_unasked();
                }
                self.delayed(setback, now);
            }
            WriteEvent::JobLeft(began) => {
                self.doubt(JOB_IN_DOUBT, began.to_utc().unwrap_or(now));
                self.leave_unasked();
            }
            WriteEvent::RequestRefused(rejection) => {
                self.fail(&rejection.code(), rejection.detail);
            }
            WriteEvent::JobEnded(job, _) => {
                self.saving.closed.push(job.id);
                self.dirty = true;
            }
            WriteEvent::JobStarted(..) | WriteEvent::JobPutOff(..) => {
                debug_assert!(false, "an import keeps whose the rows of its jobs are");
            }
        }
    }

    /// A record has ended: if its page is under way the page notes it, otherwise the run counts it.
    fn unit_ended(&mut self, unit: UnitNo, end: UnitEnd) {
        let fate = match end {
            UnitEnd::Written | UnitEnd::NotHeld => RecordFate::Open,
            // It may name a category that no longer exists: the run reads it once more, by itself.
            UnitEnd::Failed(_) if self.is_first_try_of_product(unit) => {
                self.memory.distrust_categories();
                RecordFate::Again
            }
            UnitEnd::Failed(rejection) => RecordFate::Failed(rejection),
            UnitEnd::Alone | UnitEnd::WithJob | UnitEnd::Later { .. } => RecordFate::Again,
        };
        if let Some(place) = self.live.remove(&unit) {
            if let Some(record) = self.record(place) {
                record.unit = None;
                record.end(fate);
            }
        } else if let Some(id) = self.pending.remove(&unit) {
            self.dirty = true;
            match fate {
                RecordFate::Open => self.count_sent(id),
                _ => self.run.again.push(id),
            }
        }
    }

    /// Whether a unit is a product that was read with a page of others.
    fn is_first_try_of_product(&self, unit: UnitNo) -> bool {
        let page = self.live.get(&unit).and_then(|place| self.pages.get(&place.page));
        self.run.kind == ImportKind::Products
            && page.is_some_and(|page| page.origin != PageOrigin::Again)
    }

    /// Klaviyo may carry out a write for this long after this time, since it had no answer. Nothing has to be stored
    /// for that: a run that goes on after a crash is in doubt anyway.
    pub(super) fn doubt(&mut self, length: Duration, from: DateTime<Utc>) {
        self.run.doubtful_until = self.run.doubtful_until.max(Some(from + length));
    }

    /// A call went through: the run no longer waits.
    pub(super) fn goes_on(&mut self) {
        self.dirty |= self.run.waiting.take().is_some();
    }

    /// A call met a transient fault: the run waits, or ends if only a person can fix it.
    fn delayed(&mut self, setback: Setback, now: DateTime<Utc>) {
        let Setback { fault, .. } = setback;
        if let Some(text) = fault.mended_by_operator() {
            let message = format!("{text}. Fix it, and resume the run.");
            return self.fail(&fault.code(), message);
        }
        if self.run.waiting.is_none() {
            self.run.waiting = Some(RunWaiting { code: fault.code().into_owned(), since: now });
            self.dirty = true;
        }
    }

    /// Klaviyo may write a category for a product after its deletion: the outbox takes over.
    fn may_be_written(&mut self, what: &RunReading, setback: Setback, now: DateTime<Utc>) {
        if let RunReading::Need { need, .. } = what
            && setback.fault.leaves_in_doubt()
            && let Some(change) = need.doubtful()
        {
            self.doubt(SINGLE_IN_DOUBT, now);
            self.saving.opened.push(OpenPage { page: None, changes: vec![change] });
            self.dirty = true;
        }
    }

    /// Postpones a reading after a transient fault; a reading that took too long gets smaller, if possible.
    fn put_off(&mut self, config: &Config, task: ReadTask, setback: Setback, now: DateTime<Utc>) {
        self.delayed(setback, now);
        let through = self.answered.beside(&task);
        let ReadTask { what, tries, .. } = task;
        let (tries, step) = tries.and_another(setback.fault, what.rows(), through);
        let what = if setback.fault.is_slowness_of(System::Commercetools) {
            match self.made_smaller(config, what, tries, now) {
                Some(what) => what,
                None => return,
            }
        } else {
            what
        };
        let not_before = again_at(setback, tries.count, UnixMs::from(now));
        match (step, what) {
            (
                StubbornStep::Divide,
                RunReading::Need { page, need: JointReading::Queries(query) },
            ) => {
                self.ask_in_halves(page, &query, tries, now);
            }
            (StubbornStep::GiveUp, RunReading::Need { page, need }) => {
                self.give_need_up(config, page, &need, &tries.rejection(), now);
            }
            (_, what) => self.queue.push_back(ReadTask { what, not_before, tries }),
        }
    }
}

/// Checks that the outbox has stored the hand-over.
fn kept_by_outbox(answer: &HttpAnswer) -> Result<(), ReadFault> {
    match answer.status {
        201 => Ok(()),
        _ => Err(Setback::from(TransientFault::OutboxUnavailable).into()),
    }
}
