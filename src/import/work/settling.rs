//! How pages, passes and the run end.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::calling::{RangeReader, ReadTask, RunReading};
use super::{KeptRows, PassEnds, RunWork, SkippedRecord};
use crate::commercetools::reference::Id;
use crate::commercetools::variant::CatalogModel;
use crate::engine::backoff::JOB_IN_DOUBT;
use crate::engine::unit_no::UnitNo;
use crate::engine::writer::RowsInJob;
use crate::import::page::{PageOrigin, RecordFate, RunPage, RunRecord, SkipReason};
use crate::import::passes::PassRange;
use crate::import::passes::{PassLink, PassSource};
use crate::import::record_ref::{PageNo, RecordRef};
use crate::import::run::{ImportRun, RunState};
use crate::time::{UnixMs, millis};

/// How long a run may settle nothing before it fails. A job of Klaviyo takes minutes, and counts when it ends.
const MOST_WAIT: Duration = Duration::from_mins(15);

/// The longest time between two steps that counts for that: during a longer one the object was down.
const MOST_STEP: Duration = Duration::from_mins(2);

impl RunWork {
    pub(super) fn record(&mut self, place: RecordRef) -> Option<&mut RunRecord> {
        self.pages.get_mut(&place.page)?.records.get_mut(place.record)
    }

    pub(super) fn count_sent(&mut self, id: Id) {
        if self.is_counted() {
            self.run.counts.sent += 1;
        }
        if self.heals() {
            self.saving.sent.push(id);
        }
    }

    fn count_skipped(&mut self, id: Id, why: SkipReason) {
        let is_counted = self.is_counted();
        self.run.counts.skipped += u64::from(is_counted);
        if self.heals() {
            self.saving.skipped.push(SkippedRecord { id, code: why.code(), is_counted });
        }
    }

    /// Whether a record settled in this pass heals its failure. A record left to the outbox is not settled, and a
    /// deletion at Klaviyo reads no record.
    fn heals(&self) -> bool {
        let pass = self.run.passes.get(self.run.pass);
        pass.is_some_and(|pass| !pass.hand_over && !matches!(pass.source, PassSource::Held { .. }))
    }

    /// Settles what can be settled. Up to `room` bytes of the run may wait.
    pub(in crate::import) fn settle(&mut self, room: usize, now: DateTime<Utc>) {
        self.room = room;
        if !self.run.is_active() {
            return;
        }
        self.take_events(now);
        self.keep_edges(now);
        self.commit_pages();
        self.end_what_settles_nothing(now);
        if self.run.state == RunState::Stopping {
            if self.under_way == 0 {
                let state =
                    if self.run.error.is_some() { RunState::Failed } else { RunState::Stopped };
                if self.writer.open_jobs() > 0 {
                    self.doubt(JOB_IN_DOUBT, now);
                }
                self.finish(state, now);
            }
            return;
        }
        if self.run.ranges.is_none() {
            self.begin_pass(now);
        }
        self.queue_again(UnixMs::from(now));
        if self.is_quiet() && self.writer.has_no_rows() {
            self.writer.hasten_looks();
        }
        while self.is_pass_done() && self.run.state == RunState::Running {
            let sort = |run: &ImportRun| {
                run.passes.get(run.pass).map(|pass| (pass.reread, pass.hand_over))
            };
            let before = sort(&self.run);
            self.run.pass += 1;
            self.run.ranges = None;
            self.run.catalog_model = None;
            if sort(&self.run) != before {
                self.linked_before.clear();
            }
            self.readers.clear();
            self.dirty = true;
            self.begin_pass(now);
        }
        if self.run.pass >= self.run.passes.len() && self.under_way == 0 {
            self.finish(RunState::Completed, now);
        }
    }

    /// Fails a run that settled nothing for too long: whatever it waits for, a person has to know.
    fn end_what_settles_nothing(&mut self, now: DateTime<Utc>) {
        if let Some(before) = self.stepped_at.replace(now) {
            let passed = (now - before).to_std().unwrap_or_default().min(MOST_STEP);
            let minutes = |ms: u64| ms / 60_000;
            let until_now = self.run.unsettled_ms + millis(passed);
            self.dirty |= minutes(until_now) > minutes(self.run.unsettled_ms);
            self.run.unsettled_ms = until_now;
        }
        if self.run.unsettled_ms < millis(MOST_WAIT) || self.run.state != RunState::Running {
            return;
        }
        if self.queue.is_empty() && self.writer.give_up_stubborn(UnixMs::from(now)) {
            self.run.unsettled_ms = 0;
            return;
        }
        let waits_for = self.run.waiting.as_ref().map(|waiting| waiting.code.clone());
        let code = waits_for.as_deref().unwrap_or("import_stuck");
        let message = "Nothing was settled for 15 minutes. Resume the run once the reason is gone.";
        self.fail(code, message.to_owned());
    }

    /// Begins a pass: if it can be divided, the run first finds out how.
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
        let ends = pass.ends(self.run.kind);
        let link = pass.link().filter(|link| link.is_of_variants());
        let asks = |task: &ReadTask| {
            matches!(task.what, RunReading::End(_) | RunReading::Count(_) | RunReading::Project)
        };
        let is_asked = self.under_way > 0 || self.queue.iter().any(asks);
        match (ends, link, self.run.catalog_model) {
            (Some(_), ..) | (_, Some(_), None) if is_asked => {}
            (Some(ends), ..) => {
                self.ends = PassEnds::default();
                for end in ends {
                    self.now_queue(RunReading::End(end), now);
                }
            }
            (None, Some(_), None) => self.now_queue(RunReading::Project, now),
            // The project has no such documents.
            (None, Some(PassLink::Variants), Some(CatalogModel::Classic)) => {
                self.begin_ranges(Vec::new());
            }
            (None, ..) => self.begin_ranges(vec![PassRange::default()]),
        }
    }

    pub(super) fn begin_ranges(&mut self, ranges: Vec<PassRange>) {
        self.readers = ranges.iter().map(RangeReader::of).collect();
        self.run.ranges = Some(ranges);
        self.dirty = true;
    }

    fn is_pass_done(&self) -> bool {
        self.run.ranges.is_some()
            && self.readers.iter().all(|reader| reader.ended && !reader.reading)
            && self.pages.is_empty()
            && self.under_way == 0
            && self.pending.is_empty()
            && self.nothing_is_held_back()
            && self.run.again.is_empty()
    }

    fn finish(&mut self, state: RunState, now: DateTime<Utc>) {
        self.run.state = state;
        self.run.waiting = None;
        self.run.finished_at = Some(now);
        self.dirty = true;
        self.let_go_of_held_back();
        // A run that goes on reads again what was not committed.
        self.pages.clear();
        self.parts = None;
        self.linked_before.clear();
        self.following_links = None;
        self.categories.clear();
        self.readers.clear();
        self.queue.clear();
        self.again_under_way.clear();
        self.live.clear();
        let pending = &self.pending;
        self.writer.drop_all_but(|unit| pending.contains_key(&unit));
    }

    /// Commits pages: those of a range in their order.
    fn commit_pages(&mut self) {
        for range in 0..self.readers.len() {
            while let Some(first) = self.readers[range].pages.front().copied() {
                if !self.pages.get(&first).is_none_or(|page| self.is_done(page)) {
                    break;
                }
                self.readers[range].pages.pop_front();
                self.commit(first);
                self.run.unsettled_ms = 0;
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
            (page.origin == PageOrigin::Again && self.is_done(page)).then_some(*number)
        };
        for number in self.pages.iter().filter_map(again).collect::<Vec<_>>() {
            self.commit(number);
            self.run.unsettled_ms = 0;
        }
    }

    /// Has the outbox keep the edges of the prices of a page as soon as all of the page is with Klaviyo: its jobs may
    /// bring the prices from before an edge for as long as Klaviyo may carry out a job.
    fn keep_edges(&mut self, now: DateTime<Utc>) {
        if self.run.state != RunState::Running {
            return;
        }
        let has_edges = |page: &RunPage| !page.price_edges.is_empty() && self.is_secured(page);
        let numbers = self.pages.iter().filter(|(_, page)| has_edges(page)).map(|(no, _)| *no);
        for number in numbers.collect::<Vec<_>>() {
            let Some(page) = self.pages.get_mut(&number) else { continue };
            let edges = std::mem::take(&mut page.price_edges);
            page.waits = 1;
            let doubtful_until = UnixMs::from(now + JOB_IN_DOUBT);
            self.now_queue(RunReading::KeepEdges { page: number, edges, doubtful_until }, now);
        }
    }

    /// Whether all of a page is with Klaviyo, or done.
    fn is_secured(&self, page: &RunPage) -> bool {
        page.is_mapped()
            && page
                .written_units()
                .all(|unit| self.writer.is_secured(unit) && !self.is_held_back(unit))
    }

    /// Whether a page can be committed.
    fn is_done(&self, page: &RunPage) -> bool {
        self.is_secured(page) && page.price_edges.is_empty()
    }

    /// Moves a page into the stored state: counts what is settled, and keeps the ids of what is in jobs.
    fn commit(&mut self, number: PageNo) {
        let Some(page) = self.pages.remove(&number) else { return };
        self.dirty = true;
        self.keep_rows(&page);
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

    /// Stores which records of a page are in jobs.
    fn keep_rows(&mut self, page: &RunPage) {
        let waiting = page.records.iter().filter(|record| record.fate == RecordFate::Open);
        for record in waiting {
            if let Some(unit) = record.unit {
                self.live.remove(&unit);
                self.pending.insert(unit, record.id.clone());
            }
        }
        let units: Vec<UnitNo> = page.written_units().collect();
        for RowsInJob { job, at, rows } in self.writer.rows_in_jobs(&units) {
            let rows = rows.into_iter();
            let rows = rows.filter_map(|(index, no)| Some((index, self.pending.get(&no)?.clone())));
            let rows: Vec<_> = rows.collect();
            if !rows.is_empty() {
                self.saving.kept.push(KeptRows { job, at, rows });
            }
        }
    }

    fn count(&mut self, record: RunRecord) {
        match record.fate {
            RecordFate::Open if record.unit.is_some() => {}
            RecordFate::Open => self.count_sent(record.id),
            RecordFate::Skipped(why) => self.count_skipped(record.id, why),
            RecordFate::Failed(fault) => {
                self.run.counts.failed += u64::from(self.is_counted());
                self.failure(record.id, record.name, fault);
            }
            RecordFate::Again => self.run.again.push(record.id),
            RecordFate::Known | RecordFate::HandedOver => {}
        }
    }

    /// The records of range pages under way.
    pub(super) fn live_records(&self) -> u64 {
        let ranges = self.pages.values().filter(|page| page.origin != PageOrigin::Again);
        let records = ranges.flat_map(|page| &page.records);
        let records = records.filter(|record| record.fate != RecordFate::Known);
        u64::try_from(records.count()).unwrap_or(0)
    }
}
