//! What became of batches and single requests.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::calling::{Task, What};
use super::{Awaited, RunWork, ms};
use crate::fault::{FinalFault, Rejection, System, TransientFault};
use crate::http::Answer;
use crate::import::batches::{Batch, BatchSort};
use crate::import::jobs::JobSlot;
use crate::import::page::RecordFate;
use crate::klaviyo::catalog::{Action, CatalogKind};
use crate::klaviyo::job::{JobRef, JobType};
use crate::klaviyo::job_answer::{self, row_of_pointer};
use crate::klaviyo::pacing::Pace;
use crate::klaviyo::verdict::{Refusal, Verdict, judge};
use crate::mapping::identity;

/// How often something that Klaviyo does not find is tried again: what it belongs to may come.
const MISSING_TRIES: u32 = 3;

/// If Klaviyo took no part of a batch, and refused so many parts of it without naming a row, a row of
/// each further part is sent by itself; if so many of these are refused as well, not a row is to blame
/// but the request. In a batch of fewer rows all of them may be to blame.
const SUSPICIOUS_PARTS: u32 = 4;
const REFUSED_ROWS: u32 = 4;
const MANY_ROWS: usize = 20;

/// Klaviyo does not find it.
const MISSING: TransientFault = TransientFault::Status(System::Klaviyo, 404);

fn refused(status: u16, detail: &str) -> Rejection {
    Rejection::new(FinalFault::Refused(System::Klaviyo, status), detail)
}

impl RunWork {
    pub(super) fn written(
        &mut self,
        task: Task,
        answer: &Answer,
        now: DateTime<Utc>,
        pace: &mut Pace,
    ) {
        let judged = |success| judge(&success, &Ok(answer.clone()));
        match task.what {
            What::Batch(batch) => match judged(batch.sort.success()) {
                Verdict::Accepted => self.batch_taken(batch, answer, now),
                Verdict::Later(setback) => {
                    let task = Task { what: What::Batch(batch), ..task };
                    self.put_off(task, setback, now, pace);
                }
                Verdict::Refused(refusal) => self.batch_refused(batch, &refusal, now),
                _ => self.batch_refused(batch, &Refusal::default(), now),
            },
            What::Single { owner, request } => {
                let verdict = judged(request.success());
                if let Some(next) = request.way_out(&verdict) {
                    return self.now_queue(What::Single { owner, request: next }, now);
                }
                let fate = match request.settled(verdict) {
                    Verdict::Accepted | Verdict::NotHeld => None,
                    Verdict::Later(setback)
                        if setback.fault != MISSING || task.tries < MISSING_TRIES =>
                    {
                        let task = Task { what: What::Single { owner, request }, ..task };
                        return self.put_off(task, setback, now, pace);
                    }
                    Verdict::Later(_) => {
                        Some(refused(404, "Klaviyo does not know what it belongs to"))
                    }
                    Verdict::Conflict { .. } => Some(refused(409, "Klaviyo has it already")),
                    Verdict::Missing => Some(refused(404, "Klaviyo does not know it")),
                    Verdict::Refused(refusal) => Some(refusal.into()),
                };
                self.goes_on();
                self.row_done(owner, fate.map(RecordFate::Failed), now);
            }
            _ => {}
        }
    }

    fn batch_taken(&mut self, batch: Batch, answer: &Answer, now: DateTime<Utc>) {
        self.goes_on();
        if let Some(refusals) = self.refusals.get_mut(&batch.whole) {
            refusals.any_taken = true;
        }
        let BatchSort::Job(of) = batch.sort else {
            for row in batch.rows {
                self.row_done(row.owner, None, now);
            }
            return;
        };
        // Klaviyo took it, but does not say how to ask for it: each row is asked about by itself.
        let Ok(id) = job_answer::started(answer) else {
            return self.refuse_rows(batch);
        };
        let slots = batch.rows.iter().map(|row| JobSlot::Live(row.owner)).collect();
        let key = self.jobs.add(JobRef { of, id }, ms(now), slots);
        let not_before = self.jobs.next_look(ms(now), ms(now));
        self.queue.push_back(Task::new(What::Look(key), not_before));
        let creates_items = of == JobType::Catalog(CatalogKind::Item, Action::Create);
        for (index, row) in batch.rows.iter().enumerate() {
            let Some(page) = self.pages.get_mut(&row.owner.page) else { continue };
            page.jobs.insert(key);
            let Some(record) = page.records.get_mut(row.owner.record) else { continue };
            record.in_jobs += 1;
            if creates_items && !record.later.is_empty() {
                record.awaited += 1;
                let item = identity::item(&record.id).id;
                self.awaited.push(Awaited { owner: row.owner, item, job: key, index });
            }
        }
        for row in batch.rows {
            self.row_done(row.owner, None, now);
        }
    }

    /// Takes out the rows that Klaviyo names, and sends the rest again; where it names none, the
    /// halves are sent by themselves, until the row that is to blame is alone.
    fn batch_refused(&mut self, batch: Batch, refusal: &Refusal, now: DateTime<Utc>) {
        let pointers = refusal.errors.iter().filter_map(|error| error.pointer.as_deref());
        let named: HashSet<_> =
            pointers.filter_map(row_of_pointer).filter(|row| *row < batch.rows.len()).collect();
        let refusals = self.refusals.entry(batch.whole).or_default();
        if named.is_empty() {
            refusals.parts += 1;
            refusals.rows += u32::from(batch.rows.len() == 1);
        }
        let suspicious = !refusals.any_taken
            && batch.whole.rows >= MANY_ROWS
            && refusals.parts >= SUSPICIOUS_PARTS;
        if suspicious && refusals.rows >= REFUSED_ROWS {
            let rejection = Rejection::from(refusal.clone());
            let code = rejection.code().into_owned();
            let message = format!("Klaviyo refuses every bulk request: {}", rejection.detail);
            self.fail(&code, message);
        } else if batch.rows.len() == 1 {
            self.refuse_rows(batch);
        } else if named.is_empty() {
            // It has to be seen whether any row is taken at all.
            let parts = if suspicious { batch.first_alone() } else { batch.halves() };
            for half in parts {
                self.now_queue(What::Batch(half), now);
            }
        } else {
            let (refused, rest) = batch.without(&named);
            let (sort, whole) = (rest.sort, rest.whole);
            self.refuse_rows(Batch { sort, rows: refused, whole });
            if !rest.rows.is_empty() {
                self.now_queue(What::Batch(rest), now);
            }
        }
    }

    /// Leaves these records to be sent by themselves: that has ways out, and tells why.
    pub(super) fn refuse_rows(&mut self, batch: Batch) {
        for row in batch.rows {
            if let Some(record) = self.record(row.owner) {
                record.open = record.open.saturating_sub(1);
                record.end(RecordFate::Again);
            }
        }
    }
}
