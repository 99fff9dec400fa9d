//! The work on one run: what is under way of it, beside what is stored.
//!
//! [`calling`] says which call comes next, [`answers`] takes what was answered ([`reading`]),
//! [`settling`] brings pages to their end. What is written is the engine's ([`UnitWriter`]); a
//! record of commercetools is a unit of it.

mod answers;
mod calling;
mod dividing;
mod gone;
mod linked;
mod linked_before;
mod reading;
mod settling;
mod size;

use std::collections::{BTreeMap, HashSet, VecDeque};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::calling::{AnsweredReadings, RangeReader, ReadTask};
pub(super) use self::calling::{ROOM, RunTask};
use self::gone::HeldBack;
use self::linked_before::LinkedBefore;
use self::size::PageSize;
use super::kind::ImportKind;
use super::limit::RunLimit;
use super::page::RunPage;
use super::parts::WalkParts;
use super::phones::PhoneBook;
use super::record_ref::{PageNo, RecordRef};
use super::run::{HealedCounts, ImportRun, RunError, RunState};
use super::stored::StoredRun;
use crate::assembly::shared::SharedDocuments;
use crate::assembly::together::JointReading;
use crate::commercetools::reference::Id;
use crate::config::Config;
use crate::engine::backoff::JOB_IN_DOUBT;
use crate::engine::grants::CallGrants;
use crate::engine::unit_no::UnitNo;
use crate::engine::writer::{UnitWriter, WriterHost};
use crate::fault::Rejection;
use crate::klaviyo::job::JobRef;
use crate::mapping::body::Cut;
use crate::time::UnixMs;

/// The work on one run.
pub(super) struct RunWork {
    run: ImportRun,
    /// The ids of a run over a list.
    list: Vec<Id>,
    /// How far each range of the pass is read.
    readers: Vec<RangeReader>,
    /// The first and the last record by time, as far as they were answered.
    ends: PassEnds,
    /// The parts of the pass, until they are counted.
    parts: Option<WalkParts>,
    /// Pages that are not committed.
    pages: BTreeMap<PageNo, RunPage>,
    next_page: PageNo,
    /// The categories that are being written before the items of pages: who waits for each.
    categories: BTreeMap<String, Vec<(PageNo, JointReading)>>,
    /// The records that documents have led to so far: each is read and written once.
    linked_before: LinkedBefore,
    /// The page of which what it leads to is being read.
    following_links: Option<PageNo>,
    /// Readings that are to be made.
    queue: VecDeque<ReadTask>,
    answered: AnsweredReadings,
    writer: UnitWriter,
    /// The records of pages under way that are being written.
    live: BTreeMap<UnitNo, RecordRef>,
    /// The records of committed pages that wait for jobs.
    pending: BTreeMap<UnitNo, Id>,
    /// Records of `run.again` that are being sent.
    again_under_way: HashSet<Id>,
    memory: SharedDocuments,
    phones: PhoneBook,
    /// How many documents a page is to have.
    size: PageSize,
    /// Its part of [`calling::ROOM`].
    room: usize,
    /// What is written, until it is known whether its customers are there; none if that is not asked.
    held_back: Option<HeldBack>,
    /// When its last step was.
    stepped_at: Option<DateTime<Utc>>,
    /// Calls under way.
    under_way: u32,
    /// What its next call had to wait for when it was asked last.
    limit: Option<RunLimit>,
    /// What is to be stored.
    saving: RunSaving,
    dirty: bool,
    /// What was left out of records, and not told yet.
    cuts: Vec<CutRecord>,
}

/// The first and the last record of a pass by time of creation, which divide it.
#[derive(Default)]
struct PassEnds {
    oldest: Option<PassEnd>,
    newest: Option<PassEnd>,
}

/// One of them, as it was answered.
#[derive(Clone, Copy)]
struct PassEnd {
    /// When it was created, if there is one.
    at: Option<DateTime<Utc>>,
    /// How many there are, where that was asked for.
    total: u64,
}

/// What is to be stored, all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct RunSaving {
    /// The run.
    pub run: Option<ImportRun>,
    /// The ids of its list, once.
    pub list: Option<Vec<Id>>,
    /// Rows of jobs of pages that were committed.
    pub kept: Vec<KeptRows>,
    /// Jobs that have ended.
    pub closed: Vec<String>,
    /// Records that could not be sent.
    pub failures: Vec<RecordFailure>,
    /// Records that were sent: a failure of theirs is healed.
    pub sent: Vec<Id>,
    /// Records of which there was nothing to send: the same.
    pub skipped: Vec<SkippedRecord>,
    /// Pages that are going to be written, with what the outbox is to be told if they are not finished.
    pub opened: Vec<OpenPage>,
    /// Such pages that are finished.
    pub finished: Vec<PageNo>,
}

/// A page that is going to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPage {
    /// Its number, as long as the machine lives; none if the run cannot finish it.
    pub page: Option<PageNo>,
    /// What the outbox is to be told of it then: notifications.
    pub changes: Vec<Map<String, Value>>,
}

/// What a run left out of records since it was last told; nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunCuts {
    /// What is imported.
    pub kind: ImportKind,
    /// The run's id.
    pub run: String,
    /// The records, at least one.
    pub records: Vec<CutRecord>,
}

/// A record that is sent without some of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CutRecord {
    /// The record's id in commercetools.
    pub id: Id,
    /// The names of the properties that were left out, and codes such as `no_price: 2`.
    pub cut: Vec<Cut>,
}

/// The rows that a job has of a committed page, as they are stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRows {
    /// The job.
    pub job: JobRef,
    /// When Klaviyo took it.
    pub at: UnixMs,
    /// The index in the job and the record's id, for each row.
    pub rows: Vec<(usize, Id)>,
}

/// A record that could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFailure {
    /// The record's id in commercetools.
    pub id: Id,
    /// What people know it by, if that is known.
    pub name: Option<Box<str>>,
    /// A stable code.
    pub code: String,
    /// Why, in words; may be Klaviyo's own.
    pub detail: String,
    /// Where, as a JSON pointer.
    pub pointer: Option<String>,
}

/// A record of which there was nothing to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedRecord {
    /// The record's id in commercetools.
    pub id: Id,
    /// Why, as a stable code.
    pub code: &'static str,
    /// Whether it counts as skipped: not if the run read it once more.
    #[serde(skip)]
    pub is_counted: bool,
}

/// What is stored of a run.
#[derive(Debug, Clone)]
pub struct StoredRunParts {
    /// The run.
    pub run: StoredRun,
    /// The ids of its list.
    pub list: Vec<Id>,
    /// Rows of jobs that have not ended.
    pub kept: Vec<KeptRows>,
}

impl RunWork {
    /// A run that begins.
    pub(super) fn begin(config: &Config, run: ImportRun, list: Vec<Id>) -> Self {
        let saved_list = (!list.is_empty()).then(|| list.clone());
        let mut work = Self::idle(config, run, list);
        work.saving.list = saved_list;
        if !work.list.is_empty() {
            work.run.total = u64::try_from(work.list.len()).ok();
        }
        work.dirty = true;
        work
    }

    /// A run as it is stored, after a crash or an eviction.
    pub(super) fn restore(
        config: &Config,
        run: ImportRun,
        list: Vec<Id>,
        kept: Vec<KeptRows>,
        now: DateTime<Utc>,
    ) -> Self {
        let again: HashSet<_> = run.again.iter().cloned().collect();
        let mut work = Self::idle(config, run, list);
        let kept = kept.into_iter().map(|KeptRows { job, at, rows }| {
            let rows = rows.into_iter().filter(|(_, id)| !again.contains(id));
            (job, at, rows.collect())
        });
        let numbers = work.writer.restore(kept.collect(), Id::to_string);
        work.pending = numbers.into_iter().map(|(id, unit)| (unit, id)).collect();
        if work.run.is_active() {
            // What was under way when the object went down may still be carried out.
            work.doubt(JOB_IN_DOUBT, now);
        }
        if work.run.state == RunState::Running {
            work.take_up(now);
        }
        work
    }

    fn idle(config: &Config, run: ImportRun, list: Vec<Id>) -> Self {
        let most = usize::try_from(config.rules.import.page_size).unwrap_or(1);
        // Before it is known how large the records are.
        let limit = match run.kind {
            ImportKind::Customers | ImportKind::Categories => most,
            ImportKind::Orders | ImportKind::Products => most.min(50),
        };
        Self {
            held_back: HeldBack::of(config, run.kind),
            run,
            list,
            readers: Vec::new(),
            ends: PassEnds::default(),
            parts: None,
            pages: BTreeMap::new(),
            next_page: 0,
            categories: BTreeMap::new(),
            linked_before: LinkedBefore::default(),
            following_links: None,
            queue: VecDeque::new(),
            answered: AnsweredReadings::default(),
            writer: UnitWriter::new(WriterHost::Import),
            live: BTreeMap::new(),
            pending: BTreeMap::new(),
            again_under_way: HashSet::new(),
            memory: SharedDocuments::of_run(),
            phones: PhoneBook::default(),
            size: PageSize::new(limit),
            room: calling::ROOM,
            stepped_at: None,
            under_way: 0,
            limit: None,
            saving: RunSaving::default(),
            dirty: false,
            cuts: Vec::new(),
        }
    }

    /// Takes up a run whose live part is empty: reads on behind what is committed, and looks after
    /// the jobs that it has.
    fn take_up(&mut self, now: DateTime<Utc>) {
        self.readers = self.run.ranges.iter().flatten().map(RangeReader::of).collect();
        self.writer.take_up(UnixMs::from(now));
    }

    /// The run as it is shown, with what is under way, and what limits it while it goes on.
    pub(super) fn shown(&self) -> Value {
        let mut shown = self.run.shown(self.under_way());
        let goes_on = self.run.state == RunState::Running && self.run.waiting.is_none();
        if let Some(limit) = self.limit.filter(|_| goes_on) {
            shown["limit"] = limit.shown();
        }
        shown
    }

    /// Notes why there was no next call; `reads`, whether one of its own reads from commercetools.
    pub(super) fn limited(&mut self, grants: &CallGrants, reads: bool) {
        let waits_for_jobs = self.writer.open_jobs() > 0 && self.is_quiet();
        self.limit = match grants.refused {
            Some(operation) => Some(RunLimit::Rate(operation)),
            None if grants.connections == 0 => Some(RunLimit::Connections),
            None if waits_for_jobs && self.under_way == 0 => Some(RunLimit::Jobs),
            None if reads => Some(RunLimit::Commercetools),
            None => None,
        };
    }

    pub(super) fn run(&self) -> &ImportRun {
        &self.run
    }

    /// The records of pages that are not committed, and so not counted as read.
    pub(super) fn under_way(&self) -> u64 {
        if self.is_counted() { self.live_records() } else { 0 }
    }

    /// The records that are counted as read, and not settled.
    pub(super) fn in_flight(&self) -> u64 {
        if !self.is_counted() {
            return 0;
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        count(self.pending.len()) + count(self.run.again.len())
    }

    /// The jobs that Klaviyo has of it.
    pub(super) fn open_jobs(&self) -> usize {
        self.writer.open_jobs()
    }

    /// Whether the records of this pass are counted.
    fn is_counted(&self) -> bool {
        self.run.passes.get(self.run.pass).is_some_and(|pass| !pass.reread)
    }

    /// The run is to stop once the calls under way have ended.
    pub(super) fn stop(&mut self) {
        if self.run.state == RunState::Running {
            self.run.state = RunState::Stopping;
            self.dirty = true;
        }
    }

    /// The run cannot go on.
    fn fail(&mut self, code: &str, message: String) {
        if self.run.is_active() && self.run.error.is_none() {
            self.run.error = Some(RunError { code: code.to_owned(), message });
            self.run.state = RunState::Stopping;
            self.dirty = true;
        }
    }

    /// The run goes on where it ended.
    pub(super) fn resume(&mut self, now: DateTime<Utc>) {
        if self.run.is_resumable() {
            self.run.state = RunState::Running;
            self.run.error = None;
            self.run.finished_at = None;
            self.run.unsettled_ms = 0;
            self.dirty = true;
            self.take_up(now);
        }
    }

    /// What is to be stored, if anything is.
    pub(super) fn saving(&mut self, now: DateTime<Utc>) -> Option<RunSaving> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.run.updated_at = now;
        let mut saving = std::mem::take(&mut self.saving);
        saving.run = Some(self.run.clone());
        Some(saving)
    }

    /// What was left out of records, if anything was since this was asked last.
    pub(super) fn cuts(&mut self) -> Option<RunCuts> {
        let records = std::mem::take(&mut self.cuts);
        let Self { run, .. } = self;
        (!records.is_empty()).then(|| RunCuts { kind: run.kind, run: run.id.clone(), records })
    }

    /// Failures of this run that were stored are healed: records that were read again, in the closing
    /// pass, were sent or skipped.
    pub(super) fn healed(&mut self, healed: HealedCounts) {
        self.run.counts.heal(healed);
    }

    fn failure(&mut self, id: Id, name: Option<Box<str>>, rejection: Rejection) {
        let code = rejection.code().into_owned();
        let Rejection { detail, pointer, .. } = rejection;
        self.saving.failures.push(RecordFailure { id, name, code, detail, pointer });
    }
}
