//! The writer: the units under way, and what waits to be sent for them.

use std::collections::{BTreeMap, VecDeque};

use super::batches::{BatchBuffers, BatchRow, UnitWrite};
use super::blame::Blame;
use super::events::{EndedUnit, WriteEvent};
use super::jobs::{JobKey, JobRows, OpenJobs};
use super::stubborn::ThroughCounts;
use super::unit::{UnitEnd, WriteUnit};
use super::unit_no::UnitNo;
use super::write_task::{AwaitedItem, WriteCall, WriteTask};
use crate::klaviyo::job::JobRef;
use crate::klaviyo::pacing::Operation;
use crate::klaviyo::request::WriteRequest;
use crate::time::UnixMs;

/// Up to this many rows of a sort go each by itself outside an import: Klaviyo would carry out a job later.
const ALONE: usize = 10;

/// The host of these writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WriterHost {
    /// An import: keeps its units until Klaviyo has carried out all of them, and postpones calls after transient
    /// faults.
    Import,
    /// The outbox: stores its rows, so it drops units that meet such a fault or wait for a job.
    Outbox,
    /// A push: the same, and it has no time for jobs or for a quota.
    Push,
}

impl WriterHost {
    /// Whether the host keeps units that have to wait.
    pub(super) fn keeps(self) -> bool {
        self == Self::Import
    }

    /// Up to this many rows of a sort go each by itself.
    pub(super) fn alone_up_to(self) -> usize {
        match self {
            Self::Import => 0,
            Self::Outbox => ALONE,
            Self::Push => usize::MAX,
        }
    }
}

/// The units of one host that are under way.
pub(crate) struct UnitWriter {
    pub(super) host: WriterHost,
    pub(super) units: BTreeMap<UnitNo, Box<WriteUnit>>,
    next_unit: u64,
    /// Calls to make.
    pub(super) queue: VecDeque<WriteTask>,
    pub(super) buffers: BatchBuffers,
    pub(super) jobs: OpenJobs,
    /// Items that have to exist before their variants are written.
    pub(super) awaited: Vec<AwaitedItem>,
    /// When to look for them.
    pub(super) next_look_for_items: UnixMs,
    pub(super) blame: Blame,
    pub(super) through: ThroughCounts,
    pub(super) events: Vec<WriteEvent>,
    /// The bytes of stages that wait for those before them.
    bytes_later: usize,
}

/// A unit to write.
pub(crate) struct NewUnit {
    /// Whether all of it goes alone, not in batches.
    pub(crate) alone: bool,
    /// How Klaviyo may name its row in a job of profiles.
    pub(crate) external_id: Option<String>,
    /// The writes, stage after stage.
    pub(crate) stages: Vec<Vec<WriteRequest>>,
}

/// A stored job: when Klaviyo accepted it, and the names of its rows by their places.
pub(crate) type KeptJob<N> = (JobRef, UnixMs, Vec<(usize, N)>);

/// The rows that a job has of units, by their places in it.
pub(crate) struct RowsInJob {
    pub(crate) job: JobRef,
    /// When Klaviyo accepted it.
    pub(crate) at: UnixMs,
    pub(crate) rows: Vec<(usize, UnitNo)>,
}

impl UnitWriter {
    pub(crate) fn new(host: WriterHost) -> Self {
        Self {
            host,
            units: BTreeMap::new(),
            next_unit: 0,
            queue: VecDeque::new(),
            buffers: BatchBuffers::default(),
            jobs: OpenJobs::default(),
            awaited: Vec::new(),
            next_look_for_items: UnixMs::EPOCH,
            blame: Blame::default(),
            through: ThroughCounts::default(),
            events: Vec::new(),
            bytes_later: 0,
        }
    }

    /// Takes a unit, and sends its first stage.
    pub(crate) fn add(&mut self, new: NewUnit, now: UnixMs) -> UnitNo {
        let NewUnit { alone, external_id, stages } = new;
        let no = self.next_unit();
        let whole = !self.host.keeps();
        let write = |request| UnitWrite::of(no, request, alone, whole);
        let stages: VecDeque<Vec<UnitWrite>> =
            stages.into_iter().map(|stage| stage.into_iter().map(write).collect()).collect();
        self.bytes_later += stages.iter().flatten().map(UnitWrite::bytes).sum::<usize>();
        let mut unit = WriteUnit::new(external_id, stages);
        unit.is_held = !unit.has_later();
        self.units.insert(no, Box::new(unit));
        self.go_on(no, now);
        no
    }

    fn next_unit(&mut self) -> UnitNo {
        self.next_unit += 1;
        UnitNo(self.next_unit)
    }

    /// Takes up stored jobs. Units that wait for several jobs have the same name in each; returns the number of each
    /// unit.
    pub(crate) fn restore<N: Clone + Ord>(
        &mut self,
        kept: Vec<KeptJob<N>>,
        external_id: impl Fn(&N) -> String,
    ) -> BTreeMap<N, UnitNo> {
        let mut numbers: BTreeMap<N, UnitNo> = BTreeMap::new();
        let mut jobs: BTreeMap<String, (JobRef, UnixMs, Vec<Vec<UnitNo>>)> = BTreeMap::new();
        for (job, at, rows) in kept {
            let (_, _, all) = jobs.entry(job.id.clone()).or_insert_with(|| (job, at, Vec::new()));
            for (index, name) in rows {
                let no = if let Some(no) = numbers.get(&name) {
                    *no
                } else {
                    let no = self.next_unit();
                    let mut unit = WriteUnit::new(Some(external_id(&name)), VecDeque::new());
                    unit.is_held = true;
                    self.units.insert(no, Box::new(unit));
                    numbers.insert(name, no);
                    no
                };
                if all.len() <= index {
                    all.resize(index + 1, Vec::new());
                }
                all[index].push(no);
            }
        }
        for (job, at, rows) in jobs.into_values() {
            let waiting: Vec<UnitNo> = rows.iter().flatten().copied().collect();
            let key = self.jobs.add(job, at, JobRows::Here(rows));
            for no in waiting {
                if let Some(unit) = self.units.get_mut(&no) {
                    unit.in_jobs += 1;
                    unit.jobs.push(key);
                }
            }
        }
        numbers
    }

    /// Takes up a job whose rows the host stored; the first look is at this time.
    pub(crate) fn follow(&mut self, job: JobRef, at: UnixMs, not_before: UnixMs) -> JobKey {
        let key = self.jobs.add(job.clone(), at, JobRows::WithHost);
        self.queue.push_back(WriteTask::new(WriteCall::Look(key, job), not_before));
        key
    }

    /// Follows all jobs that it has.
    pub(crate) fn take_up(&mut self, now: UnixMs) {
        for key in self.jobs.keys() {
            if let Some(open) = self.jobs.get(key) {
                self.queue.push_back(WriteTask::new(WriteCall::Look(key, open.job.clone()), now));
            }
        }
    }

    /// Drops everything except the units that only wait for jobs and are among these.
    pub(crate) fn drop_all_but(&mut self, is_kept: impl Fn(UnitNo) -> bool) {
        self.queue.clear();
        self.buffers = BatchBuffers::default();
        self.awaited.clear();
        self.blame.forget();
        self.events.clear();
        self.bytes_later = 0;
        self.units.retain(|no, unit| is_kept(*no) && unit.is_secured());
        let units = &self.units;
        self.jobs.keep_only(|no| units.contains_key(&no));
    }

    /// What happened since the last call of this method.
    pub(crate) fn take_events(&mut self) -> Vec<WriteEvent> {
        std::mem::take(&mut self.events)
    }

    /// The bytes of everything that waits.
    pub(crate) fn bytes(&self) -> usize {
        self.buffers.bytes() + self.bytes_later
    }

    /// Whether no rows wait for a batch.
    pub(crate) fn has_no_rows(&self) -> bool {
        self.buffers.is_empty()
    }

    /// The jobs that are under way.
    pub(crate) fn open_jobs(&self) -> usize {
        self.jobs.len()
    }

    /// Whether nothing of a unit would be lost if the engine kept only its jobs.
    pub(crate) fn is_secured(&self, no: UnitNo) -> bool {
        self.units.get(&no).is_none_or(|unit| unit.is_secured())
    }

    /// The rows that jobs have of these units.
    pub(crate) fn rows_in_jobs(&self, units: &[UnitNo]) -> Vec<RowsInJob> {
        let wanted: BTreeMap<UnitNo, &WriteUnit> =
            units.iter().filter_map(|no| Some((*no, &**self.units.get(no)?))).collect();
        let mut keys: Vec<JobKey> =
            wanted.values().flat_map(|unit| unit.jobs.iter().copied()).collect();
        keys.sort_unstable();
        keys.dedup();
        let rows = keys.into_iter().filter_map(|key| {
            let open = self.jobs.get(key)?;
            let JobRows::Here(all) = &open.rows else { return None };
            let mut rows = Vec::new();
            for (index, waiting) in all.iter().enumerate() {
                let here = waiting.iter().filter(|no| wanted.contains_key(no));
                rows.extend(here.map(|no| (index, *no)));
            }
            Some(RowsInJob { job: open.job.clone(), at: open.at, rows })
        });
        rows.filter(|kept| !kept.rows.is_empty()).collect()
    }

    /// Ends single calls with many tries if nothing else is left to send: no other call can show whether the system is
    /// down or cannot handle them. True if there were any.
    pub(crate) fn give_up_stubborn(&mut self, now: UnixMs) -> bool {
        let is_stubborn = |task: &WriteTask| {
            matches!(task.call, WriteCall::Single { .. }) && task.tries.are_many()
        };
        if !self.queue.iter().all(is_stubborn) || self.queue.is_empty() {
            return false;
        }
        for task in std::mem::take(&mut self.queue) {
            let end = UnitEnd::Failed(task.tries.rejection());
            self.rows_done(task.units().collect(), Some(&end), now);
        }
        true
    }

    /// Looks at jobs sooner, if only jobs are awaited.
    pub(crate) fn hasten_looks(&mut self) {
        for task in &mut self.queue {
            if let WriteCall::Look(job, _) = task.call
                && task.tries.count == 0
                && let Some(soon) = self.jobs.last_look(job)
            {
                task.not_before = task.not_before.min(soon);
            }
        }
    }

    /// A call of this operation went through.
    pub(super) fn went_through(&mut self, operation: Operation) {
        self.through.went_through(operation);
        self.events.push(WriteEvent::WentThrough(operation));
    }

    pub(super) fn queue_call(&mut self, call: WriteCall, now: UnixMs) {
        self.queue.push_back(WriteTask::new(call, now));
    }

    /// Sends the next stage of a unit if everything of the one before exists; reports its end.
    pub(super) fn go_on(&mut self, no: UnitNo, now: UnixMs) {
        let Some(unit) = self.units.get_mut(&no) else { return };
        let stage = unit.advance();
        // From here on it counts where it waits.
        self.bytes_later -= stage.iter().map(UnitWrite::bytes).sum::<usize>();
        for write in stage {
            match write {
                UnitWrite::Row(sort, row) => self.buffers.push(sort, row, now),
                UnitWrite::Alone(request) => {
                    self.queue_call(WriteCall::Single { units: vec![no], request }, now);
                }
            }
        }
        let Some(unit) = self.units.get_mut(&no) else { return };
        if let Some(end) = unit.ended() {
            let (taken, calls, in_doubt) =
                (std::mem::take(&mut unit.taken), unit.calls, unit.in_doubt);
            self.units.remove(&no);
            self.events.push(WriteEvent::Ended(EndedUnit { no, end, taken, calls, in_doubt }));
        }
    }

    /// Sends a row by itself: then it has ways out, and shows its error. If the row did not keep its request, its units
    /// have to go by themselves.
    pub(super) fn queue_row(&mut self, row: BatchRow, now: UnixMs) {
        let BatchRow { units, request, .. } = row;
        match request {
            Some(request) => self.queue_call(WriteCall::Single { units, request: *request }, now),
            None => self.rows_done(units, Some(&UnitEnd::Alone), now),
        }
    }

    /// A row or request of units is done, or has this bad end.
    pub(super) fn rows_done(&mut self, units: Vec<UnitNo>, end: Option<&UnitEnd>, now: UnixMs) {
        for no in units {
            let Some(unit) = self.units.get_mut(&no) else { continue };
            debug_assert!(unit.open > 0, "what is done was open");
            unit.open = unit.open.saturating_sub(1);
            if let Some(end) = end {
                self.bytes_later -= unit.end(end.clone());
            }
            self.go_on(no, now);
        }
    }

    /// Gives a unit this end, whatever is still under way. Klaviyo still carries out its rows in jobs, perhaps after
    /// the next writes of it.
    pub(super) fn end_unit(&mut self, no: UnitNo, end: UnitEnd) {
        if let Some(unit) = self.units.get_mut(&no) {
            if unit.in_jobs > 0 {
                self.events.extend(self.jobs.began_with(no).map(WriteEvent::JobLeft));
            }
            self.bytes_later -= unit.end(end);
        }
    }
}
