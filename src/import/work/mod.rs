//! The work on one run: what is under way, beside the stored state.
//!
//! [`calling`] says which call comes next, [`answers`] takes the answers ([`reading`]), [`settling`] ends pages. The
//! engine does the writes ([`UnitWriter`]); each record of commercetools is one of its units.

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
    /// The first and the last record by time, as far as they are known.
    ends: PassEnds,
    /// The parts of the pass, until they are counted.
    parts: Option<WalkParts>,
    /// Pages that are not committed.
    pages: BTreeMap<PageNo, RunPage>,
    next_page: PageNo,
    /// The categories that are being written before the items of pages, and who waits for each.
    categories: BTreeMap<String, Vec<(PageNo, JointReading)>>,
    /// The records that documents have led to so far: each is read and written once.
    linked_before: LinkedBefore,
    /// The page whose linked documents are being read.
    following_links: Option<PageNo>,
    /// Readings to make.
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
    /// How many documents a page should have.
    size: PageSize,
    /// Its part of [`calling::ROOM`].
    room: usize,
    /// Events held back until the run knows whether their customers exist; none if it does not ask.
    held_back: Option<HeldBack>,
    /// The time of its last step.
    stepped_at: Option<DateTime<Utc>>,
    /// Calls under way.
    under_way: u32,
    /// What its next call had to wait for at the last attempt.
    limit: Option<RunLimit>,
    /// What to store.
    saving: RunSaving,
    dirty: bool,
    /// Values left out of records, not reported yet.
    cuts: Vec<CutRecord>,
}

/// The first and the last record of a pass by time of creation, which divide it.
#[derive(Default)]
struct PassEnds {
    oldest: Option<PassEnd>,
    newest: Option<PassEnd>,
}

/// One of them.
#[derive(Clone, Copy)]
struct PassEnd {
    /// Its time of creation, if it exists.
    at: Option<DateTime<Utc>>,
    /// The number of documents, if the query asked for it.
    total: u64,
}

/// What to store, all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct RunSaving {
    /// The run.
    pub run: Option<ImportRun>,
    /// The ids of its list, once.
    pub list: Option<Vec<Id>>,
    /// Rows that jobs have of committed pages.
    pub kept: Vec<KeptRows>,
    /// Jobs that have ended.
    pub closed: Vec<String>,
    /// Records that could not be sent.
    pub failures: Vec<RecordFailure>,
    /// Records that were sent: their failures are healed.
    pub sent: Vec<Id>,
    /// Records that needed nothing sent: their failures are healed, too.
    pub skipped: Vec<SkippedRecord>,
    /// Pages that will be written, with what the outbox has to get if they are not finished.
    pub opened: Vec<OpenPage>,
    /// Such pages that are finished.
    pub finished: Vec<PageNo>,
}

/// A page that will be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPage {
    /// Its number within the life of the machine; none if the run cannot finish it.
    pub page: Option<PageNo>,
    /// The notifications that the outbox has to get then.
    pub changes: Vec<Map<String, Value>>,
}

/// What a run left out of records since the last report; none of it is stored.
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
    /// The names of the left-out properties, and codes such as `no_price: 2`.
    pub cut: Vec<Cut>,
}

/// The rows that a job has of a committed page, in their stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRows {
    /// The job.
    pub job: JobRef,
    /// When Klaviyo accepted it.
    pub at: UnixMs,
    /// The index in the job and the record's id, for each row.
    pub rows: Vec<(usize, Id)>,
}

/// A record that could not be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFailure {
    /// The record's id in commercetools.
    pub id: Id,
    /// The name that people know it by, if there is one.
    pub name: Option<Box<str>>,
    /// A stable code.
    pub code: String,
    /// The reason in words; they may be Klaviyo's own.
    pub detail: String,
    /// The place, as a JSON pointer.
    pub pointer: Option<String>,
}

/// A record that needed nothing sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SkippedRecord {
    /// The record's id in commercetools.
    pub id: Id,
    /// The reason, as a stable code.
    pub code: &'static str,
    /// Whether it counts as skipped: not if the run read it once more.
    #[serde(skip)]
    pub is_counted: bool,
}

/// The stored data of a run.
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
    /// A new run.
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

    /// A stored run, after a crash or an eviction.
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
            // Klaviyo may still carry out what was under way when the object went down.
            work.doubt(JOB_IN_DOUBT, now);
        }
        if work.run.state == RunState::Running {
            work.take_up(now);
        }
        work
    }

    fn idle(config: &Config, run: ImportRun, list: Vec<Id>) -> Self {
        let most = usize::try_from(config.rules.import.page_size).unwrap_or(1);
        // The size of the records is not known yet.
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

    /// Continues a run whose live part is empty: reads on after the committed pages, and follows its jobs.
    fn take_up(&mut self, now: DateTime<Utc>) {
        self.readers = self.run.ranges.iter().flatten().map(RangeReader::of).collect();
        self.writer.take_up(UnixMs::from(now));
    }

    /// The run as the endpoints show it, with what is under way, and what limits an active run.
    pub(super) fn shown(&self) -> Value {
        let mut shown = self.run.shown(self.under_way());
        let goes_on = self.run.state == RunState::Running && self.run.waiting.is_none();
        if let Some(limit) = self.limit.filter(|_| goes_on) {
            shown["limit"] = limit.shown();
        }
        shown
    }

    /// Notes why there was no next call; `reads` says whether one of its own calls reads from commercetools.
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

    /// The records of uncommitted pages, which are not counted as read.
    pub(super) fn under_way(&self) -> u64 {
        if self.is_counted() { self.live_records() } else { 0 }
    }

    /// The records that are counted as read but not settled.
    pub(super) fn in_flight(&self) -> u64 {
        if !self.is_counted() {
            return 0;
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        count(self.pending.len()) + count(self.run.again.len())
    }

    /// Its jobs at Klaviyo.
    pub(super) fn open_jobs(&self) -> usize {
        self.writer.open_jobs()
    }

    /// Whether this pass counts its records.
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

    /// The run goes on from where it ended.
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

    /// What to store, if anything.
    pub(super) fn saving(&mut self, now: DateTime<Utc>) -> Option<RunSaving> {
        if !std::mem::take(&mut self.dirty) {
            return None;
        }
        self.run.updated_at = now;
        let mut saving = std::mem::take(&mut self.saving);
        saving.run = Some(self.run.clone());
        Some(saving)
    }

    /// What was left out of records since the last call of this method, if anything.
    pub(super) fn cuts(&mut self) -> Option<RunCuts> {
        let records = std::mem::take(&mut self.cuts);
        let Self { run, .. } = self;
        (!records.is_empty()).then(|| RunCuts { kind: run.kind, run: run.id.clone(), records })
    }

    /// Stored failures of this run are healed: the closing pass read their records again, and sent or skipped them.
    pub(super) fn healed(&mut self, healed: HealedCounts) {
        self.run.counts.heal(healed);
    }

    fn failure(&mut self, id: Id, name: Option<Box<str>>, rejection: Rejection) {
        let code = rejection.code().into_owned();
        let Rejection { detail, pointer, .. } = rejection;
        self.saving.failures.push(RecordFailure { id, name, code, detail, pointer });
    }
}
