//! How rows, jobs, pages, passes and the run come to their end.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::calling::{ROOM, Reader, What};
use super::{Awaited, Ends, RunWork, ms};
use crate::commercetools::reference::Id;
use crate::import::batches::Write;
use crate::import::jobs::{JobSlot, KeptRows, OpenJob};
use crate::import::owner::{Owner, PageNo};
use crate::import::page::{PageOrigin, Record, RecordFate, RunPage};
use crate::import::run::{Range, Selection, State};

impl RunWork {
    pub(super) fn record(&mut self, owner: Owner) -> Option<&mut Record> {
        self.pages.get_mut(&owner.page)?.records.get_mut(owner.record)
    }

    /// Sends one stage of a record.
    pub(super) fn write(&mut self, owner: Owner, stage: Vec<Write>, now: DateTime<Utc>) {
        for write in stage {
            match write {
                Write::Row(sort, row) => self.buffers.push(sort, row, ms(now)),
                Write::Alone(request) => self.now_queue(What::Single { owner, request }, now),
            }
        }
    }

    /// Sends the next stage of a record, if everything of the one before is there.
    fn go_on(&mut self, owner: Owner, now: DateTime<Utc>) {
        let Some(page) = self.pages.get_mut(&owner.page) else { return };
        let Some(record) = page.records.get_mut(owner.record) else { return };
        let stage = record.advance();
        // From here on it is counted where it waits.
        let bytes: usize = stage.iter().map(Write::bytes).sum();
        page.bytes = page.bytes.saturating_sub(bytes);
        self.write(owner, stage, now);
    }

    /// A row or request of a record is done, or has this bad end.
    pub(super) fn row_done(&mut self, owner: Owner, end: Option<RecordFate>, now: DateTime<Utc>) {
        let Some(record) = self.record(owner) else { return };
        record.open = record.open.saturating_sub(1);
        if let Some(fate) = end {
            record.end(fate);
        }
        self.go_on(owner, now);
    }

    pub(super) fn item_is_there(&mut self, item: &Awaited, now: DateTime<Utc>) {
        let in_job = self.jobs.get(item.job).is_some();
        if self.jobs.free(item.job, item.index) {
            self.close_job(item.job);
        }
        let Some(record) = self.record(item.owner) else { return };
        record.in_jobs = record.in_jobs.saturating_sub(u32::from(in_job));
        record.awaited = record.awaited.saturating_sub(1);
        self.go_on(item.owner, now);
    }

    fn close_job(&mut self, key: u64) -> Option<OpenJob> {
        let open = self.jobs.remove(key)?;
        self.queue.retain(|task| !matches!(task.what, What::Look(job) if job == key));
        self.saving.closed.push(open.job.id.clone());
        self.dirty = true;
        Some(open)
    }

    /// The row of a record in a job.
    pub(super) fn row_of_record(&self, open: &OpenJob, id: &str) -> Option<usize> {
        open.rows.iter().position(|slot| match slot {
            JobSlot::Kept(kept) => kept.as_str() == id,
            JobSlot::Live(owner) => {
                let page = self.pages.get(&owner.page);
                let record = page.and_then(|page| page.records.get(owner.record));
                record.is_some_and(|record| record.id.as_str() == id)
            }
            JobSlot::Free => false,
        })
    }

    /// A job has ended: these rows were refused, or all of them if it is not known which.
    pub(super) fn job_ended(
        &mut self,
        key: u64,
        refused: Option<&HashSet<usize>>,
        now: DateTime<Utc>,
    ) {
        let Some(open) = self.close_job(key) else { return };
        self.jobs.ended(ms(now).saturating_sub(open.at));
        let awaited: Vec<Awaited> = self.awaited.extract_if(.., |one| one.job == key).collect();
        for one in awaited {
            if let Some(record) = self.record(one.owner) {
                record.awaited = record.awaited.saturating_sub(1);
            }
        }
        for (index, slot) in open.rows.into_iter().enumerate() {
            let refused = refused.is_none_or(|rows| rows.contains(&index));
            match slot {
                JobSlot::Free => {}
                JobSlot::Live(owner) => {
                    let Some(record) = self.record(owner) else { continue };
                    record.in_jobs = record.in_jobs.saturating_sub(1);
                    if refused {
                        record.end(RecordFate::Again);
                    }
                    self.go_on(owner, now);
                }
                JobSlot::Kept(id) => self.kept_row_done(id, refused),
            }
        }
    }

    fn kept_row_done(&mut self, id: Id, refused: bool) {
        let Some(jobs) = self.pending.get_mut(&id) else { return };
        *jobs = jobs.saturating_sub(1);
        if refused {
            self.pending.remove(&id);
            self.run.again.push(id);
        } else if *jobs == 0 {
            self.pending.remove(&id);
            self.count_sent(id);
        }
        self.dirty = true;
    }

    fn count_sent(&mut self, id: Id) {
        if self.is_counted() {
            self.run.counts.sent += 1;
        }
        if matches!(self.run.selection, Selection::Ids | Selection::Retry) {
            self.saving.healed.push(id);
        }
    }

    /// Brings to an end what can be, where so many runs are active.
    pub(in crate::import) fn settle(&mut self, runs: usize, now: DateTime<Utc>) {
        self.room = ROOM / runs.max(1);
        if !self.run.is_active() {
            return;
        }
        self.commit_pages();
        if self.run.state == State::Stopping {
            if self.under_way == 0 {
                let state = if self.run.error.is_some() { State::Failed } else { State::Stopped };
                self.finish(state, now);
            }
            return;
        }
        if self.run.ranges.is_none() {
            self.begin_pass(now);
        }
        self.queue_again(ms(now));
        self.hasten_looks();
        while self.is_pass_done() && self.run.state == State::Running {
            self.run.pass += 1;
            self.run.ranges = None;
            self.readers.clear();
            self.dirty = true;
            if self.run.pass >= self.run.passes.len() {
                self.finish(State::Completed, now);
            } else {
                self.begin_pass(now);
            }
        }
    }

    /// Looks at jobs sooner, when nothing but jobs is awaited.
    fn hasten_looks(&mut self) {
        if !self.is_quiet() || !self.buffers.is_empty() {
            return;
        }
        for task in &mut self.queue {
            if let What::Look(job) = task.what
                && task.tries == 0
                && let Some(soon) = self.jobs.last_look(job)
            {
                task.not_before = task.not_before.min(soon);
            }
        }
    }

    /// Begins a pass: first it has to be known how to divide it, if it can be.
    fn begin_pass(&mut self, now: DateTime<Utc>) {
        let closing_began = self.run.closing_began;
        let Some(pass) = self.run.passes.get_mut(self.run.pass) else { return };
        if pass.is_closing() && closing_began.is_none() {
            self.run.closing_began = Some(now);
            self.dirty = true;
        }
        if let Some(began) = closing_began.filter(|_| pass.hand_over) {
            pass.look_back_to(began);
        }
        let pass = &*pass;
        match pass.ends(self.run.kind) {
            None => self.begin_ranges(vec![Range::default()]),
            Some(ends) => {
                let asked = self.under_way > 0
                    || self.queue.iter().any(|task| matches!(task.what, What::End(_)));
                if !asked {
                    self.ends = Ends::default();
                    for end in ends {
                        self.now_queue(What::End(end), now);
                    }
                }
            }
        }
    }

    pub(super) fn begin_ranges(&mut self, ranges: Vec<Range>) {
        self.readers = ranges.iter().map(Reader::of).collect();
        self.run.ranges = Some(ranges);
        self.dirty = true;
    }

    fn is_pass_done(&self) -> bool {
        self.run.ranges.is_some()
            && self.readers.iter().all(|reader| reader.ended && !reader.reading)
            && self.pages.is_empty()
            && self.under_way == 0
            && self.pending.is_empty()
            && self.run.again.is_empty()
    }

    fn finish(&mut self, state: State, now: DateTime<Utc>) {
        self.run.state = state;
        self.run.waiting = None;
        self.run.finished_at = Some(now);
        self.dirty = true;
        // What is not committed is read again, should the run go on.
        self.pages.clear();
        self.categories.clear();
        self.readers.clear();
        self.queue.clear();
        self.buffers = crate::import::batches::Buffers::default();
        self.refusals.clear();
        self.awaited.clear();
        self.again_under_way.clear();
        self.jobs.forget_live();
    }

    /// Commits pages: those of a range in their order.
    fn commit_pages(&mut self) {
        for range in 0..self.readers.len() {
            while let Some(first) = self.readers[range].pages.front().copied() {
                if !self.pages.get(&first).is_none_or(RunPage::is_secured) {
                    break;
                }
                self.readers[range].pages.pop_front();
                self.commit(first);
            }
            let reader = &self.readers[range];
            if reader.ended
                && reader.pages.is_empty()
                && let Some(stored) = self.run.ranges.as_mut().and_then(|all| all.get_mut(range))
                && !stored.done
            {
                stored.done = true;
                self.dirty = true;
            }
        }
        let again = |(number, page): (&PageNo, &RunPage)| {
            (page.origin == PageOrigin::Again && page.is_secured()).then_some(*number)
        };
        for number in self.pages.iter().filter_map(again).collect::<Vec<_>>() {
            self.commit(number);
        }
    }

    /// Makes a page part of what is stored: what is settled is counted, what is with jobs is kept
    /// by its ids.
    fn commit(&mut self, number: PageNo) {
        let Some(page) = self.pages.remove(&number) else { return };
        self.dirty = true;
        for key in &page.jobs {
            self.keep_rows(number, *key, &page);
        }
        match page.origin {
            PageOrigin::Range { range, after } => {
                let records = page.records.iter().filter(|record| record.fate != RecordFate::Known);
                let records = u64::try_from(records.count()).unwrap_or(0);
                if self.is_counted() {
                    self.run.counts.read += records;
                } else {
                    self.run.reread += records;
                }
                let stored = self.run.ranges.as_mut().and_then(|all| all.get_mut(range));
                if let (Some(stored), Some(after)) = (stored, after) {
                    stored.after = Some(after);
                }
            }
            PageOrigin::Again => {
                let ids: HashSet<_> = page.records.iter().map(|record| &record.id).collect();
                self.run.again.retain(|id| !ids.contains(id));
                self.again_under_way.retain(|id| !ids.contains(id));
            }
        }
        for record in page.records {
            self.count(record);
        }
    }

    fn keep_rows(&mut self, number: PageNo, key: u64, page: &RunPage) {
        let Some(open) = self.jobs.get_mut(key) else { return };
        let mut rows = Vec::new();
        for (index, slot) in open.rows.iter_mut().enumerate() {
            let JobSlot::Live(owner) = slot else { continue };
            if owner.page != number {
                continue;
            }
            match page.records.get(owner.record).filter(|record| record.fate == RecordFate::Open) {
                Some(record) => {
                    rows.push((index, record.id.clone()));
                    *self.pending.entry(record.id.clone()).or_default() += 1;
                    *slot = JobSlot::Kept(record.id.clone());
                }
                None => *slot = JobSlot::Free,
            }
        }
        if !rows.is_empty() {
            self.saving.kept.push(KeptRows { job: open.job.clone(), at: open.at, rows });
        }
    }

    fn count(&mut self, record: Record) {
        let counted = self.is_counted();
        let counts = &mut self.run.counts;
        match record.fate {
            RecordFate::Open if record.in_jobs > 0 => {}
            RecordFate::Open => self.count_sent(record.id),
            RecordFate::Skipped => counts.skipped += u64::from(counted),
            RecordFate::Failed(fault) => {
                counts.failed += u64::from(counted);
                self.failure(record.id, fault);
            }
            RecordFate::Again => self.run.again.push(record.id),
            RecordFate::Known => {}
        }
    }

    /// The records of pages of ranges that are under way.
    pub(super) fn live_records(&self) -> u64 {
        let ranges = self.pages.values().filter(|page| page.origin != PageOrigin::Again);
        let records = ranges.flat_map(|page| &page.records);
        let records = records.filter(|record| record.fate != RecordFate::Known);
        u64::try_from(records.count()).unwrap_or(0)
    }
}
